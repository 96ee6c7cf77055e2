#include "security/rlimit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"

static const char *const limit_names[RLIM_NLIMITS] = {
	[RLIMIT_AS] = "as",
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

const char *rlimit_name(int resource)
{
	return resource >= 0 && resource < RLIM_NLIMITS ? limit_names[resource] : NULL;
}

static int find_resource(const char *name)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++)
		if (limit_names[resource] && strcmp(limit_names[resource], name) == 0)
			return resource;
	return -1;
}

static bool parse_value(const char *text, rlim_t *out)
{
	uint64_t value;

	if (strcmp(text, "unlimited") == 0 || strcmp(text, "-1") == 0)
		*out = RLIM_INFINITY;
	else if (text_parse_unsigned(text, RLIM_INFINITY - 1, &value))
		*out = value;
	else
		return false;
	return true;
}

/* Takes `text` apart in place. NULL or why it cannot be understood. */
static const char *parse_request(char *text, struct rlimit_request *out)
{
	char *soft = strchr(text, '=');
	char *hard = soft ? strchr(soft, ':') : NULL;

	if (!soft)
		return "not of the form NAME=SOFT[:HARD]";
	*soft++ = '\0';
	if (hard)
		*hard++ = '\0';

	out->resource = find_resource(text);
	if (out->resource < 0)
		return "no resource has that name";
	if (!parse_value(soft, &out->value.rlim_cur) ||
		!parse_value(hard ? hard : soft, &out->value.rlim_max))
		return "a limit is a number, or `unlimited`";
	if (out->value.rlim_cur > out->value.rlim_max)
		return "the soft limit is above the hard one";
	return NULL;
}

int rlimit_add(struct rlimit_list *list, const char *text, struct sandbox_error *error)
{
	auto_free char *shown = text_escape(text);
	auto_free char *parts = memory_text(text);
	struct rlimit_request request;
	const char *problem = parse_request(parts, &request);
	size_t slot = 0;

	if (problem) {
		error_set(error, 0, "--ulimit %s", shown);
		error_cause(error, SANDBOX_E_USAGE, "%s", problem);
		return error_fix(error,
			"for example --ulimit nofile=1024:4096; names: as core cpu data fsize locks "
			"memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack");
	}
	while (slot < list->count && list->items[slot].resource != request.resource)
		slot++;
	list->items[slot] = request;
	if (slot == list->count)
		list->count++;
	return 0;
}

int rlimit_check(const struct rlimit_list *list, struct sandbox_error *error)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct rlimit_request *request = &list->items[i];
		struct rlimit own;
		char text[96];

		if (getrlimit((__rlimit_resource_t)request->resource, &own) < 0)
			return error_set(error, errno, "read the limit %s", rlimit_name(request->resource));
		if (request->value.rlim_max <= own.rlim_max)
			continue;

		error_set(error, EPERM, "--ulimit %s", rlimit_format(request, text, sizeof(text)));
		error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "your own hard limit is %llu",
			(unsigned long long)own.rlim_max);
		return error_fix(error,
			"ask for less, or have the administrator raise it: limits.conf(5), "
			"or Limit… of user@.service (systemd.exec(5))");
	}
	return 0;
}

int rlimit_apply(const struct rlimit_list *list, struct sandbox_error *error)
{
	if (test_defence_removed("rlimits"))
		return 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct rlimit_request *request = &list->items[i];
		char text[96];

		if (setrlimit((__rlimit_resource_t)request->resource, &request->value) < 0)
			return error_set(
				error, errno, "set limit %s", rlimit_format(request, text, sizeof(text)));
	}
	return 0;
}

void rlimits_read(struct rlimit out[RLIM_NLIMITS])
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++)
		(void)getrlimit((__rlimit_resource_t)resource, &out[resource]);
}

static int refuse_lowered(int resource, struct sandbox_error *error)
{
	error_set(error, EPERM, "restore the limit %s", rlimit_name(resource) ? rlimit_name(resource) : "of a resource");
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "a process in the sandbox has lowered its init's");
	return error_fix(error, "start the sandbox anew");
}

int rlimits_restore(const struct rlimit limits[RLIM_NLIMITS], struct sandbox_error *error)
{
	for (int resource = 0; resource < RLIM_NLIMITS && !test_defence_removed("session-rlimits"); resource++) {
		struct rlimit now;

		if (getrlimit((__rlimit_resource_t)resource, &now) < 0 ||
		    (now.rlim_cur == limits[resource].rlim_cur && now.rlim_max == limits[resource].rlim_max))
			continue;
		if (setrlimit((__rlimit_resource_t)resource, &limits[resource]) < 0)
			return refuse_lowered(resource, error);
	}
	return 0;
}

enum { STACK_WANTED = 1 << 20, STACK_NEEDED = 256 << 10 };

/* As this process was started, where it is not so any more. */
static struct rlimit stack_of_caller;

int rlimit_raise_stack(struct sandbox_error *error)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= STACK_WANTED)
		return 0;
	stack_of_caller = limit;
	limit.rlim_cur = limit.rlim_max < STACK_WANTED ? limit.rlim_max : STACK_WANTED;
	if (limit.rlim_cur >= STACK_NEEDED && setrlimit(RLIMIT_STACK, &limit) == 0)
		return 0;
	error_set(error, 0, "start with a stack of %llu bytes", (unsigned long long)limit.rlim_cur);
	error_cause(error, SANDBOX_E_LIMIT_UNAVAILABLE, "sandbox needs %d KiB, and your hard limit is below that",
		STACK_NEEDED >> 10);
	return error_fix(error, "raise it where it was lowered: ulimit -s, limits.conf(5)");
}

void rlimit_add_stack_of_caller(struct rlimit_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].resource == RLIMIT_STACK)
			return;
	if (stack_of_caller.rlim_max)
		list->items[list->count++] = (struct rlimit_request){RLIMIT_STACK, stack_of_caller};
}

static void format_value(rlim_t value, char *buffer, size_t size)
{
	if (value == RLIM_INFINITY)
		(void)snprintf(buffer, size, "unlimited");
	else
		(void)snprintf(buffer, size, "%llu", (unsigned long long)value);
}

const char *rlimit_format(const struct rlimit_request *request, char *buffer, size_t size)
{
	char soft[32], hard[32];
	bool same = request->value.rlim_cur == request->value.rlim_max;

	format_value(request->value.rlim_cur, soft, sizeof(soft));
	format_value(request->value.rlim_max, hard, sizeof(hard));
	(void)snprintf(buffer, size, "%s=%s%s%s", rlimit_name(request->resource), soft, same ? "" : ":",
		same ? "" : hard);
	return buffer;
}
