#include "cgroup/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "cgroup/device.h"

enum {
	MEMORY_MIN = 6 << 20,     /* Docker's: with less, nothing starts */
	CPU_PERIOD = 100000,      /* microseconds; the kernel's default */
	CPU_THOUSANDTHS_MIN = 10, /* a hundredth: the kernel takes no quota below a millisecond */
	CPUS_MAX = 8192,
	SHARES_MIN = 2,           /* of cgroup v1, whose words --cpu-shares are */
	SHARES_MAX = 262144,
	WEIGHT_MAX = 10000,
	PIDS_MAX = 4194304,       /* PID_MAX_LIMIT */
	LIST_MAX = 8192,
};

static const char *const controller_names[] = {
	[CGROUP_CPU] = "cpu",
	[CGROUP_CPUSET] = "cpuset",
	[CGROUP_IO] = "io",
	[CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",
};

const char *cgroup_controller_name(enum cgroup_controller controller)
{
	return controller_names[controller];
}

unsigned int cgroup_controllers_parse(const char *text)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *word;
	unsigned int set = 0;

	while ((word = strsep(&rest, " \n,")))
		for (unsigned int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
			if (strcmp(word, controller_names[i]) == 0)
				set |= 1U << i;
	return set;
}

const char *cgroup_controllers_format(unsigned int set, char *buffer, size_t size)
{
	size_t length = 0;

	(void)snprintf(buffer, size, "none");
	for (unsigned int i = 0; i < CGROUP_CONTROLLER_COUNT && length < size; i++)
		if (set & 1U << i)
			length += (size_t)snprintf(buffer + length, size - length, "%s%s", length ? " " : "",
				controller_names[i]);
	return buffer;
}

/* ---- the forms of values ---- */

/* What a form reads and writes. */
struct reading {
	const char *text;
	uint64_t quantity; /* for sampling */
	char *value;       /* owned */
};

static const char *take_memory(struct reading *reading)
{
	if (!text_parse_size(reading->text, &reading->quantity) || reading->quantity < MEMORY_MIN ||
	    reading->quantity > INT64_MAX)
		return "it has to be a size such as 64m or 1g, 6m at least";
	reading->value = memory_format("%llu", (unsigned long long)reading->quantity);
	return NULL;
}

static const char *take_high(struct reading *reading)
{
	const char *problem = take_memory(reading);

	/* Above it processes are slowed down: there is nothing that a sampler could do. */
	reading->quantity = 0;
	return problem;
}

static const char *take_cpus(struct reading *reading)
{
	uint64_t thousandths;

	/* A duration in seconds has the same form, and what comes out are its milliseconds. */
	if (strspn(reading->text, "0123456789.") != strlen(reading->text) ||
	    !text_parse_duration(reading->text, &thousandths) || thousandths < CPU_THOUSANDTHS_MIN ||
	    thousandths > (uint64_t)CPUS_MAX * 1000)
		return "it has to be a number of processors such as 0.5 or 2: 0.01 at least, 8192 at most";
	reading->value = memory_format("%llu %d", (unsigned long long)thousandths * CPU_PERIOD / 1000, CPU_PERIOD);
	return NULL;
}

static const char *take_weight(struct reading *reading)
{
	uint64_t weight;

	if (!text_parse_unsigned(reading->text, WEIGHT_MAX, &weight) || weight == 0)
		return "it has to be a number from 1 to 10000; 100 is everybody's";
	reading->value = memory_format("%llu", (unsigned long long)weight);
	return NULL;
}

static const char *take_io_weight(struct reading *reading)
{
	auto_free char *weight = NULL;
	const char *problem = take_weight(reading);

	if (problem)
		return problem;
	weight = reading->value;
	reading->value = memory_format("default %s", weight);
	return NULL;
}

/* As Docker's runtimes translate them: the ends of one scale lie on the ends of the other. */
static const char *take_shares(struct reading *reading)
{
	uint64_t shares;

	if (!text_parse_unsigned(reading->text, SHARES_MAX, &shares) || shares < SHARES_MIN)
		return "it has to be a number from 2 to 262144; 1024 is everybody's";
	reading->value = memory_format("%" PRIu64, 1 + (shares - SHARES_MIN) * (WEIGHT_MAX - 1) / (SHARES_MAX - SHARES_MIN));
	return NULL;
}

static const char *take_pids(struct reading *reading)
{
	if (!text_parse_unsigned(reading->text, PIDS_MAX, &reading->quantity) || reading->quantity < 2)
		return "it has to be a number of processes and threads, 2 at least (init is one)";
	reading->value = memory_format("%llu", (unsigned long long)reading->quantity);
	return NULL;
}

bool cgroup_list_parse(const char *text, size_t count, bool *out)
{
	auto_free char *copy = memory_text(text);
	char *rest = copy, *range;

	memset(out, 0, count * sizeof(*out));
	while ((range = strsep(&rest, ","))) {
		char *dash = strchr(range, '-');
		uint64_t first, last;

		if (dash)
			*dash++ = '\0';
		if (!text_parse_unsigned(range, count - 1, &first) ||
		    !text_parse_unsigned(dash ? dash : range, count - 1, &last) || first > last)
			return false;
		for (uint64_t i = first; i <= last; i++)
			out[i] = true;
	}
	return true;
}

static const char *take_list(struct reading *reading)
{
	bool numbers[LIST_MAX];

	if (!cgroup_list_parse(reading->text, array_count(numbers), numbers))
		return "it has to be a list of numbers and ranges such as 0-3,8";
	reading->value = memory_text(reading->text);
	return NULL;
}

/* ---- the table ---- */

#define TEXT(name) offsetof(struct sandbox_limits, name)

static const struct row {
	const char *option;
	size_t offset;
	enum cgroup_controller controller;
	const char *file;
	const char *(*take)(struct reading *reading); /* returns what the text should have been, or NULL */
} rows[] = {
	{"memory", TEXT(memory), CGROUP_MEMORY, "memory.max", take_memory},
	{"memory-high", TEXT(memory_high), CGROUP_MEMORY, "memory.high", take_high},
	{"cpus", TEXT(cpus), CGROUP_CPU, "cpu.max", take_cpus},
	{"cpu-weight", TEXT(cpu_weight), CGROUP_CPU, "cpu.weight", take_weight},
	{"cpu-shares", TEXT(cpu_shares), CGROUP_CPU, "cpu.weight", take_shares},
	{"cpuset-cpus", TEXT(cpuset_cpus), CGROUP_CPUSET, "cpuset.cpus", take_list},
	{"cpuset-mems", TEXT(cpuset_mems), CGROUP_CPUSET, "cpuset.mems", take_list},
	{"pids-limit", TEXT(pids_limit), CGROUP_PIDS, "pids.max", take_pids},
	{"io-weight", TEXT(io_weight), CGROUP_IO, "io.weight", take_io_weight},
};

/* PATH:RATE, any number of them. */
static const struct device_row {
	const char *option;
	size_t offset;
	const char *key; /* in io.max */
	bool bytes;
} device_rows[] = {
	{"device-read-bps", TEXT(device_read_bps), "rbps", true},
	{"device-write-bps", TEXT(device_write_bps), "wbps", true},
	{"device-read-iops", TEXT(device_read_iops), "riops", false},
	{"device-write-iops", TEXT(device_write_iops), "wiops", false},
};

/* Takes the ownership of the value. */
static void add_limit(struct cgroup_limits *limits, const struct cgroup_limit *limit)
{
	limits->items = memory_resize(limits->items, limits->count + 1, sizeof(*limits->items));
	limits->items[limits->count++] = *limit;
}

static int usage_error(const char *option, const char *text, const char *problem, struct sandbox_error *error)
{
	error_set(error, 0, "--%s \"%s\"", option, text);
	error_cause(error, SANDBOX_E_USAGE, "%s", problem);
	/* What Docker's users write for it. */
	if (strcmp(text, "0") == 0 || strcmp(text, "-1") == 0)
		return error_fix(error, "leave the option out for no limit");
	return error_fix(error, "see `sandbox run --help`, and sandbox-run(1)");
}

static int decide_row(const struct row *row, const struct sandbox_limits *wanted, struct cgroup_limits *out,
	struct sandbox_error *error)
{
	struct reading reading = {.text = *(char *const *)((const char *)wanted + row->offset)};
	const char *problem = reading.text ? row->take(&reading) : NULL;

	if (problem)
		return usage_error(row->option, reading.text, problem, error);
	if (reading.text)
		add_limit(out, &(struct cgroup_limit){.option = row->option, .controller = row->controller, .file = row->file,
			.value = reading.value, .quantity = reading.quantity});
	return 0;
}

static int decide_device(const struct device_row *row, const char *text, struct cgroup_limits *out,
	struct sandbox_error *error)
{
	const char *colon = strrchr(text, ':');
	auto_free char *path = memory_text_n(text, colon ? (size_t)(colon - text) : 0);
	unsigned int major, minor;
	uint64_t rate = 0;
	int result;

	if (colon && *path)
		(void)(row->bytes ? text_parse_size(colon + 1, &rate) : text_parse_unsigned(colon + 1, UINT32_MAX, &rate));
	if (rate == 0)
		return usage_error(row->option, text, row->bytes ? "it has to be PATH:RATE, bytes a second such as 2m"
			: "it has to be PATH:RATE, operations a second", error);
	result = cgroup_device_find(path, &major, &minor, error);
	if (result < 0)
		return error_wrap(error, "--%s", row->option);
	add_limit(out, &(struct cgroup_limit){.option = row->option, .controller = CGROUP_IO, .file = "io.max",
		.value = memory_format("%u:%u %s=%llu", major, minor, row->key, (unsigned long long)rate)});
	return 0;
}

static int decide_devices(const struct sandbox_limits *wanted, struct cgroup_limits *out, struct sandbox_error *error)
{
	for (size_t i = 0; i < array_count(device_rows); i++) {
		const struct sandbox_strings *list = (const void *)((const char *)wanted + device_rows[i].offset);

		for (size_t j = 0; j < list->count; j++) {
			int result = decide_device(&device_rows[i], list->items[j], out, error);

			if (result < 0)
				return result;
		}
	}
	return 0;
}

/*
 * Docker's --memory-swap counts memory and swap together, and the kernel's file swap alone. Without it there is as
 * much swap as memory.
 */
static int decide_swap(const struct sandbox_limits *wanted, struct cgroup_limits *out, struct sandbox_error *error)
{
	const struct cgroup_limit *memory = cgroup_limits_find(out, "memory");
	struct cgroup_limit swap = {.option = "memory-swap", .controller = CGROUP_MEMORY, .file = "memory.swap.max"};
	uint64_t total;

	if (!wanted->memory_swap && !memory)
		return 0;
	if (!wanted->memory_swap) {
		swap.implied = true;
		swap.value = memory_text(memory->value);
	} else if (!memory) {
		return usage_error(swap.option, wanted->memory_swap, "it needs --memory, which it includes", error);
	} else if (strcmp(wanted->memory_swap, "-1") == 0) {
		swap.value = memory_text("max");
	} else if (!text_parse_size(wanted->memory_swap, &total) || total < memory->quantity || total > INT64_MAX) {
		return usage_error(swap.option, wanted->memory_swap,
			"it has to be memory and swap together: a size that is not below --memory, or -1", error);
	} else {
		swap.value = memory_format("%llu", (unsigned long long)(total - memory->quantity));
	}
	add_limit(out, &swap);
	return 0;
}

int cgroup_limits_decide(const struct sandbox_limits *wanted, struct cgroup_limits *out, struct sandbox_error *error)
{
	int result = 0;

	if (wanted->cpu_weight && wanted->cpu_shares)
		return usage_error("cpu-shares", wanted->cpu_shares, "--cpu-weight, given too, is the same on another scale",
			error);
	for (size_t i = 0; i < array_count(rows) && result == 0; i++)
		result = decide_row(&rows[i], wanted, out, error);
	if (result == 0)
		result = decide_swap(wanted, out, error);
	return result < 0 ? result : decide_devices(wanted, out, error);
}

void cgroup_limits_finish(struct cgroup_limits *limits)
{
	for (size_t i = 0; i < limits->count; i++)
		free(limits->items[i].value);
	free(limits->items);
	*limits = (struct cgroup_limits){0};
}

unsigned int cgroup_limits_controllers(const struct cgroup_limits *limits)
{
	unsigned int set = 0;

	for (size_t i = 0; i < limits->count; i++)
		if (limits->items[i].hold == CGROUP_HOLD_HARD)
			set |= 1U << limits->items[i].controller;
	return set;
}

const struct cgroup_limit *cgroup_limits_find(const struct cgroup_limits *limits, const char *option)
{
	for (size_t i = 0; i < limits->count; i++)
		if (strcmp(limits->items[i].option, option) == 0)
			return &limits->items[i];
	return NULL;
}
