/* What other commands do to the control group of a running sandbox: sandbox/steer.h. */
#include <sandbox/steer.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "cgroup/cgroup.h"
#include "cgroup/counters.h"
#include "cgroup/group.h"
#include "runtime/events.h"
#include "runtime/group.h"
#include "runtime/registry.h"

enum { PATH_SIZE_MAX = 8192, CONTROL_FILE_MAX = 64 << 10 };

static int explain_state(const char *reference, bool live, struct sandbox_error *error)
{
	error_set(error, live ? ENOENT : ESRCH, "sandbox \"%s\"", reference);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "%s", live ? "it has no control group: it was started without limits"
		: "it has ended");
	return error_fix(error, "%s", live ? "start it with a limit, such as --pids-limit, or with --cgroups systemd or delegated"
		: "`sandbox ps` lists those that run");
}

/* The directory of its group. The caller frees *out_path; the entry's name may be wanted, too. 0 or -errno. */
static int find_group(const struct sandbox_locations *locations, const char *reference, struct registry_entry *entry,
	char **out_path, struct sandbox_error *error)
{
	int result = registry_find(locations->state, reference, entry, error);

	if (result < 0)
		return result;
	if (!registry_is_live(entry))
		return explain_state(reference, false, error);
	if (file_read(entry->directory, group_file, PATH_SIZE_MAX, out_path, NULL, NULL) < 0)
		return explain_state(reference, true, error);
	return 0;
}

int sandbox_pause(const struct sandbox_locations *locations, const char *reference, bool on, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_free char *path = NULL;
	int result = find_group(locations, reference, &entry, &path, error);

	if (result == 0)
		result = cgroup_group_freeze(path, on, error);
	if (result == 0)
		event_add_of(locations->runtime, on ? "pause" : "unpause", &entry);
	return result;
}

/* What `run` checks while it plans. */
static int check_machine(struct cgroup_limits *limits, struct sandbox_error *error)
{
	auto_finish(cgroup_hierarchy_finish) struct cgroup_hierarchy hierarchy = {0};
	int result = cgroup_hierarchy_find(&hierarchy, error);

	return result < 0 || !hierarchy.mount ? result : cgroup_check_weights(hierarchy.mount, limits, error);
}

int sandbox_update(const struct sandbox_locations *locations, const char *reference, const struct sandbox_limits *limits,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(cgroup_limits_finish) struct cgroup_limits decided = {0};
	auto_free char *path = NULL;
	int result = cgroup_limits_decide(limits, &decided, error);

	if (result == 0)
		result = find_group(locations, reference, &entry, &path, error);
	if (result == 0)
		result = check_machine(&decided, error);
	return result < 0 ? result : cgroup_group_update(path, &decided, error);
}

/* ---- measuring ---- */

/* What only makes sense while it runs; "max" is no number, and so no limit. */
static const struct {
	enum sandbox_measure measure;
	const char *file;
} present[] = {
	{SANDBOX_MEMORY, "memory.current"},
	{SANDBOX_MEMORY_LIMIT, "memory.max"},
	{SANDBOX_PIDS, "pids.current"},
	{SANDBOX_PIDS_LIMIT, "pids.max"},
};

static const struct {
	enum sandbox_measure measure;
	enum cgroup_counter counter;
} counted[] = {
	{SANDBOX_CPU_USAGE, CGROUP_CPU_USAGE},
	{SANDBOX_CPU_THROTTLED, CGROUP_CPU_THROTTLED},
	{SANDBOX_MEMORY_PEAK, CGROUP_MEMORY_PEAK},
	{SANDBOX_IO_READ, CGROUP_IO_READ},
	{SANDBOX_IO_WRITTEN, CGROUP_IO_WRITTEN},
	{SANDBOX_PRESSURE_CPU, CGROUP_PRESSURE_CPU},
	{SANDBOX_PRESSURE_MEMORY, CGROUP_PRESSURE_MEMORY},
	{SANDBOX_PRESSURE_IO, CGROUP_PRESSURE_IO},
};

static void read_group(int group, struct sandbox_stats *out)
{
	struct cgroup_counters counters;
	auto_free char *events = NULL;

	cgroup_counters_read(group, &counters);
	for (size_t i = 0; i < array_count(counted); i++) {
		out->known[counted[i].measure] = counters.known[counted[i].counter];
		out->values[counted[i].measure] = counters.values[counted[i].counter];
	}
	for (size_t i = 0; i < array_count(present); i++) {
		auto_free char *text = NULL;

		out->known[present[i].measure] = file_read(group, present[i].file, CONTROL_FILE_MAX, &text, NULL, NULL) == 0 &&
			cgroup_counter_parse(text, NULL, &out->values[present[i].measure]);
	}
	out->paused = file_read(group, "cgroup.events", CONTROL_FILE_MAX, &events, NULL, NULL) == 0 &&
		strstr(events, "frozen 1");
}

int sandbox_measure(const struct sandbox_locations *locations, const char *reference, struct sandbox_stats *out,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_free char *path = NULL;
	auto_close int group = -1;
	struct timespec now;
	int result = find_group(locations, reference, &entry, &path, error);

	*out = (struct sandbox_stats){.name = NULL};
	if (result < 0)
		return result;
	group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* It ends just now. */
	if (group < 0)
		return explain_state(reference, false, error);
	memcpy(out->id, entry.id, sizeof(out->id));
	out->name = memory_text(registry_entry_name(&entry));
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	out->time = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	read_group(group, out);
	return 0;
}

void sandbox_stats_finish(struct sandbox_stats *stats)
{
	free(take_ptr(stats->name));
}
