#include "runtime/spec_record.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"

enum field_kind { FIELD_TEXT, FIELD_LIST, FIELD_FLAG, FIELD_NUMBER, FIELD_CHOICE };

struct field {
	enum field_kind kind;
	const char *key;
	size_t offset;
};

#define FIELD(kind, name) {FIELD_##kind, #name, offsetof(struct sandbox_spec, name)}
#define LIMIT(kind, name) {FIELD_##kind, #name, offsetof(struct sandbox_spec, limits.name)}

static const struct field fields[] = {
	FIELD(LIST, command), FIELD(TEXT, entrypoint), FIELD(TEXT, platform), FIELD(TEXT, select), FIELD(LIST, given),
	FIELD(TEXT, name), FIELD(FLAG, keep), FIELD(LIST, label), FIELD(FLAG, replace),
	FIELD(TEXT, cidfile), FIELD(TEXT, pidfile), FIELD(TEXT, stop_signal), FIELD(NUMBER, stop_timeout),
	FIELD(FLAG, detach), FIELD(LIST, log_opt), FIELD(TEXT, status_fd), FIELD(FLAG, rm), FIELD(NUMBER, timeout),
	FIELD(LIST, env), FIELD(LIST, env_file), FIELD(FLAG, env_host), FIELD(LIST, unsetenv), FIELD(TEXT, umask),
	FIELD(TEXT, oom_score_adj), FIELD(TEXT, workdir), FIELD(FLAG, init), FIELD(NUMBER, preserve_fds),
	FIELD(FLAG, interactive), FIELD(FLAG, tty), FIELD(FLAG, no_tty),
	FIELD(TEXT, user), FIELD(LIST, group_add), FIELD(TEXT, userns), FIELD(LIST, uidmap), FIELD(LIST, gidmap),
	FIELD(NUMBER, holder), FIELD(TEXT, hostname),
	FIELD(LIST, volume), FIELD(LIST, mount), FIELD(LIST, tmpfs), FIELD(LIST, device), FIELD(FLAG, read_only),
	FIELD(CHOICE, proc), FIELD(NUMBER, shm_size), FIELD(CHOICE, overlay), FIELD(NUMBER, storage_size),
	FIELD(TEXT, net), FIELD(LIST, publish), FIELD(LIST, dns), FIELD(LIST, dns_search), FIELD(LIST, add_host),
	FIELD(FLAG, no_hosts),
	LIMIT(TEXT, memory), LIMIT(TEXT, memory_high), LIMIT(TEXT, memory_swap), LIMIT(TEXT, cpus),
	LIMIT(TEXT, cpu_weight), LIMIT(TEXT, cpu_shares), LIMIT(TEXT, cpuset_cpus), LIMIT(TEXT, cpuset_mems),
	LIMIT(TEXT, pids_limit), LIMIT(TEXT, io_weight), LIMIT(LIST, device_read_bps), LIMIT(LIST, device_write_bps),
	LIMIT(LIST, device_read_iops), LIMIT(LIST, device_write_iops), LIMIT(TEXT, cgroup_parent),
	LIMIT(FLAG, counting), LIMIT(CHOICE, cgroups), LIMIT(CHOICE, mode),
	FIELD(LIST, ulimit), FIELD(LIST, cap_add), FIELD(LIST, cap_drop), FIELD(LIST, security_opt), FIELD(LIST, sysctl),
	FIELD(LIST, require), FIELD(FLAG, nesting),
};

size_t spec_record_count(void)
{
	return array_count(fields);
}

size_t spec_record_offset(size_t index)
{
	return fields[index].offset;
}

/* Two names for one thing: who says one takes the other back. */
static void forget_other_weight(const struct sandbox_limits *said, struct sandbox_limits *limits)
{
	if (said->cpu_weight)
		free(take_ptr(limits->cpu_shares));
	if (said->cpu_shares)
		free(take_ptr(limits->cpu_weight));
}

static void change_text(char **to, const char *from)
{
	if (!from)
		return;
	free(*to);
	*to = memory_text(from);
}

/* "PATH:RATE" */
static bool has_device(const struct sandbox_strings *list, const char *text)
{
	auto_free char *device = memory_text(text);
	char *rate = strrchr(device, ':');

	if (rate)
		rate[1] = '\0';
	for (size_t i = 0; i < list->count; i++)
		if (text_starts_with(list->items[i], device) && !strchr(list->items[i] + strlen(device), ':'))
			return true;
	return false;
}

/* The lists of limits are by devices: those of others stay. */
static void change_list(struct sandbox_strings *to, const struct sandbox_strings *from)
{
	struct sandbox_strings changed = {0};

	for (size_t i = 0; i < to->count; i++)
		if (!has_device(from, to->items[i]))
			sandbox_strings_add(&changed, to->items[i]);
	strings_add_all(&changed, from);
	sandbox_strings_finish(to);
	*to = changed;
}

void spec_record_change_limits(struct sandbox_spec *spec, const struct sandbox_limits *said)
{
	const size_t first = offsetof(struct sandbox_spec, limits);

	forget_other_weight(said, &spec->limits);
	for (size_t i = 0; i < array_count(fields); i++) {
		const void *from = (const char *)said + (fields[i].offset - first);
		void *to = (char *)spec + fields[i].offset;

		if (fields[i].offset < first || fields[i].offset >= first + sizeof(*said))
			continue;
		if (fields[i].kind == FIELD_TEXT)
			change_text(to, *(char *const *)from);
		if (fields[i].kind == FIELD_LIST)
			change_list(to, from);
	}
}

static const void *value_of(const struct sandbox_spec *spec, const struct field *field)
{
	return (const char *)spec + field->offset;
}

/* ---- writing ---- */

static int check_text(const struct field *field, const char *text, struct sandbox_error *error)
{
	if (text_is_utf8(text))
		return 0;
	error_set(error, EILSEQ, "write down what the sandbox was started with: %s", field->key);
	error_cause(error, SANDBOX_E_USAGE, "a sandbox that is kept has a record, which holds valid UTF-8 only");
	return error_fix(error, "leave those bytes out, or do not keep it: --rm");
}

static int describe_list(const struct field *field, const struct sandbox_strings *list, struct json_object *out,
	struct sandbox_error *error)
{
	for (size_t i = 0; i < list->count; i++)
		if (check_text(field, list->items[i], error) < 0)
			return -EILSEQ;
	if (list->count)
		json_add_strings(out, field->key, list);
	return 0;
}

static int describe_text(const struct field *field, const char *text, struct json_object *out, struct sandbox_error *error)
{
	if (!text)
		return 0;
	if (check_text(field, text, error) < 0)
		return -EILSEQ;
	json_add_string(out, field->key, text);
	return 0;
}

/* What is no text, as a number. */
static uint64_t number_of(const struct field *field, const void *value)
{
	switch (field->kind) {
	case FIELD_FLAG:
		return *(const bool *)value;
	case FIELD_CHOICE:
		return (uint64_t)*(const int *)value;
	default:
		return *(const uint64_t *)value;
	}
}

static int describe_field(const struct field *field, const void *value, const void *usual, struct json_object *out,
	struct sandbox_error *error)
{
	if (field->kind == FIELD_TEXT)
		return describe_text(field, *(char *const *)value, out, error);
	if (field->kind == FIELD_LIST)
		return describe_list(field, value, out, error);
	if (number_of(field, value) != number_of(field, usual))
		json_add_unsigned(out, field->key, number_of(field, value));
	return 0;
}

int spec_record_describe(const struct sandbox_spec *spec, struct json_object **out, struct sandbox_error *error)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec usual;
	auto_finish(json_free) struct json_object *object = json_new_object();
	int result = 0;

	sandbox_spec_init(&usual);
	for (size_t i = 0; i < array_count(fields) && result == 0; i++)
		result = describe_field(&fields[i], value_of(spec, &fields[i]), value_of(&usual, &fields[i]), object, error);
	if (result == 0)
		*out = take_ptr(object);
	return result;
}

/* ---- reading ---- */

static int read_text(struct json_object *object, const char *path, const char *key, char **out, struct sandbox_error *error)
{
	const char *text = NULL;
	int result = json_get_string(object, path, key, true, &text, error);

	if (result == 0 && text)
		*out = memory_text(text);
	return result;
}

static int read_number(struct json_object *object, const char *path, const struct field *field, void *value,
	struct sandbox_error *error)
{
	uint64_t number = number_of(field, value);
	uint64_t limit = field->kind == FIELD_FLAG ? 1 : field->kind == FIELD_CHOICE ? INT_MAX : UINT64_MAX;
	int result = json_get_unsigned(object, path, field->key, true, limit, &number, error);

	if (field->kind == FIELD_FLAG)
		*(bool *)value = number;
	else if (field->kind == FIELD_CHOICE)
		*(int *)value = (int)number;
	else
		*(uint64_t *)value = number;
	return result;
}

static int read_field(struct json_object *object, const char *path, const struct field *field, struct sandbox_spec *spec,
	struct sandbox_error *error)
{
	void *value = (char *)spec + field->offset;

	if (field->kind == FIELD_TEXT)
		return read_text(object, path, field->key, value, error);
	if (field->kind == FIELD_LIST)
		return json_get_strings(object, path, field->key, true, value, error);
	return read_number(object, path, field, value, error);
}

int spec_record_read(struct json_object *object, const char *path, struct sandbox_spec *out, struct sandbox_error *error)
{
	const char *known[array_count(fields) + 1];
	int result;

	sandbox_spec_init(out);
	for (size_t i = 0; i < array_count(fields); i++)
		known[i] = fields[i].key;
	known[array_count(fields)] = NULL;
	result = json_check_keys(object, path, known, error);
	for (size_t i = 0; i < array_count(fields) && result == 0; i++)
		result = read_field(object, path, &fields[i], out, error);
	return result;
}
