#include "cgroup/counters.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"

enum { CONTROL_FILE_MAX = 64 << 10 };

static const struct {
	const char *section, *name, *file, *key;
} rows[CGROUP_COUNTER_COUNT] = {
	[CGROUP_MEMORY_PEAK] = {"memory", "peak", "memory.peak", NULL},
	[CGROUP_SWAP_PEAK] = {"memory", "swap_peak", "memory.swap.peak", NULL},
	[CGROUP_MEMORY_HIGH] = {"memory", "slowed_down", "memory.events", "high"},
	[CGROUP_MEMORY_MAX] = {"memory", "limit_met", "memory.events", "max"},
	[CGROUP_MEMORY_OOM_KILL] = {"memory", "oom_killed", "memory.events", "oom_kill"},
	[CGROUP_PIDS_PEAK] = {"pids", "peak", "pids.peak", NULL},
	[CGROUP_PIDS_MAX] = {"pids", "limit_met", "pids.events", "max"},
	[CGROUP_CPU_USAGE] = {"cpu", "usage_us", "cpu.stat", "usage_usec"},
	[CGROUP_CPU_USER] = {"cpu", "user_us", "cpu.stat", "user_usec"},
	[CGROUP_CPU_SYSTEM] = {"cpu", "system_us", "cpu.stat", "system_usec"},
	[CGROUP_CPU_PERIODS] = {"cpu", "periods", "cpu.stat", "nr_periods"},
	[CGROUP_CPU_THROTTLED_PERIODS] = {"cpu", "throttled_periods", "cpu.stat", "nr_throttled"},
	[CGROUP_CPU_THROTTLED] = {"cpu", "throttled_us", "cpu.stat", "throttled_usec"},
	[CGROUP_IO_READ] = {"io", "read_bytes", "io.stat", "rbytes"},
	[CGROUP_IO_WRITTEN] = {"io", "written_bytes", "io.stat", "wbytes"},
	[CGROUP_IO_READS] = {"io", "reads", "io.stat", "rios"},
	[CGROUP_IO_WRITES] = {"io", "writes", "io.stat", "wios"},
	[CGROUP_PRESSURE_CPU] = {"pressure", "cpu_us", "cpu.pressure", "some total"},
	[CGROUP_PRESSURE_MEMORY] = {"pressure", "memory_us", "memory.pressure", "some total"},
	[CGROUP_PRESSURE_IO] = {"pressure", "io_us", "io.pressure", "some total"},
};

const char *cgroup_counter_section(enum cgroup_counter counter)
{
	return rows[counter].section;
}

const char *cgroup_counter_name(enum cgroup_counter counter)
{
	return rows[counter].name;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234": the word, and then a key in its line. */
static bool parse_pressure(const char *text, uint64_t *out)
{
	const char *total = strstr(text, "some ");

	total = total ? strstr(total, "total=") : NULL;
	if (total)
		*out = strtoull(total + strlen("total="), NULL, 10);
	return total != NULL;
}

bool cgroup_counter_parse(const char *text, const char *key, uint64_t *out)
{
	size_t length = key ? strlen(key) : 0;
	bool found = false;
	uint64_t sum = 0;

	if (!key) {
		sum = strtoull(text, NULL, 10);
		found = *text >= '0' && *text <= '9';
	} else if (strcmp(key, "some total") == 0) {
		found = parse_pressure(text, &sum);
	}
	for (const char *at = text; !found && key && (at = strstr(at, key)); at += length) {
		bool begins = at == text || at[-1] == '\n' || at[-1] == ' ';

		if (!begins || (at[length] != ' ' && at[length] != '='))
			continue;
		sum += strtoull(at + length + 1, NULL, 10);
	}
	/* io.stat has a line for each device, and none for an idle group. */
	if (!found && key)
		found = sum > 0 || strstr(text, key) || !*text;
	if (found)
		*out = sum;
	return found;
}

/*
 * Before Linux 6.10 a fork that is refused is counted where who forks is, whosever limit it met; later there and in all
 * groups above, ours as well.
 */
static void add_refused_forks(int group, struct cgroup_counters *out)
{
	auto_free char *text = NULL;
	uint64_t refused;

	if (file_read(group, "payload/pids.events", CONTROL_FILE_MAX, &text, NULL, NULL) < 0 ||
	    !cgroup_counter_parse(text, "max", &refused))
		return;
	if (!out->known[CGROUP_PIDS_MAX] || refused > out->values[CGROUP_PIDS_MAX])
		out->values[CGROUP_PIDS_MAX] = refused;
	out->known[CGROUP_PIDS_MAX] = true;
}

void cgroup_counters_read(int group, struct cgroup_counters *out)
{
	auto_free char *text = NULL;
	const char *file = NULL;

	*out = (struct cgroup_counters){{false}};
	for (size_t i = 0; i < CGROUP_COUNTER_COUNT; i++) {
		/* Rows of one file stand together. */
		if (!file || strcmp(file, rows[i].file) != 0) {
			file = rows[i].file;
			free(take_ptr(text));
			(void)file_read(group, file, CONTROL_FILE_MAX, &text, NULL, NULL);
		}
		out->known[i] = text && cgroup_counter_parse(text, rows[i].key, &out->values[i]);
	}
	add_refused_forks(group, out);
}
