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
#include "runtime/kept.h"
#include "runtime/pausing.h"
#include "runtime/record.h"
#include "runtime/registry.h"
#include "runtime/steer.h"

enum { PATH_SIZE_MAX = 8192, CONTROL_FILE_MAX = 64 << 10 };

static int explain_state(const char *reference, bool live, struct sandbox_error *error)
{
	error_set(error, live ? EOPNOTSUPP : ESRCH, "sandbox \"%s\"", reference);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "%s", live ? "it has no control group: it was started without limits"
		: "it has ended");
	return error_fix(error, "%s", live ? "start it with a limit, such as --pids-limit, or with --cgroups systemd or delegated"
		: "`sandbox ps` lists those that run");
}

static int check_live(const struct registry_entry *entry, const char *reference, struct sandbox_error *error)
{
	return registry_is_live(entry) ? 0 : explain_state(reference, false, error);
}

/* The directory of its group. The caller frees. 0 or -errno. */
static int read_group_path(const struct registry_entry *entry, const char *reference, char **out_path,
	struct sandbox_error *error)
{
	int result = check_live(entry, reference, error);

	if (result == 0)
		result = file_read(entry->directory, group_file, PATH_SIZE_MAX, out_path, NULL, error);
	return result == -ENOENT ? explain_state(reference, true, error) : result;
}

/* The same of one by its name, or id; the entry's name may be wanted, too. */
static int find_group(const struct sandbox_locations *locations, const char *reference, struct registry_entry *entry,
	char **out_path, struct sandbox_error *error)
{
	int result = registry_find(locations->state, reference, entry, error);

	return result < 0 ? result : read_group_path(entry, reference, out_path, error);
}

static int set_paused(const struct sandbox_locations *locations, const struct registry_entry *entry, const char *path,
	bool on, struct sandbox_error *error)
{
	int result = cgroup_group_freeze(path, on, error);

	if (result == 0)
		event_add_of(locations->runtime, on ? "pause" : "unpause", entry);
	return result;
}

int steer_pause(const struct sandbox_locations *locations, const char *reference, bool on, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_free char *path = NULL;
	int result = find_group(locations, reference, &entry, &path, error);

	return result < 0 ? result : set_paused(locations, &entry, path, on, error);
}

int sandbox_pause(const struct sandbox_locations *locations, const char *reference, bool on, struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_free char *path = NULL;
	auto_close int lock = -1;
	int result = find_group(locations, reference, &entry, &path, error);

	if (result == 0)
		result = lock = pausing_keep_out(&entry, error);
	return result < 0 ? result : set_paused(locations, &entry, path, on, error);
}

/* What `run` checks while it plans. */
static int check_machine(struct cgroup_limits *limits, struct sandbox_error *error)
{
	auto_finish(cgroup_hierarchy_finish) struct cgroup_hierarchy hierarchy = {0};
	int result = cgroup_hierarchy_find(&hierarchy, error);

	return result < 0 || !hierarchy.mount ? result : cgroup_check_weights(hierarchy.mount, limits, error);
}

static int update_group(const struct registry_entry *entry, const char *reference, struct cgroup_limits *limits,
	struct sandbox_error *error)
{
	auto_free char *path = NULL;
	int result = read_group_path(entry, reference, &path, error);

	if (result == 0)
		result = check_machine(limits, error);
	return result < 0 ? result : cgroup_group_update(path, limits, error);
}

/* One that is kept has them at its next start, too; of one that does not run that is all. */
int sandbox_update(const struct sandbox_locations *locations, const char *reference, const struct sandbox_limits *limits,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(cgroup_limits_finish) struct cgroup_limits decided = {0};
	auto_finish(kept_change_finish) struct kept_change change = KEPT_CHANGE_INIT;
	int result = cgroup_limits_decide(limits, &decided, error);

	if (result == 0)
		result = registry_find(locations->state, reference, &entry, error);
	if (result == 0 && kept_is(&entry))
		result = kept_change_limits(&entry, limits, &change, error);
	if (result == 0 && (!change.text || record_is_running(&entry)))
		result = update_group(&entry, reference, &decided, error);
	return result < 0 || !change.text ? result : kept_change_write(&entry, &change, error);
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

static int measure_group(const char *path, struct sandbox_stats *out)
{
	auto_close int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (group < 0)
		return -errno;
	out->counted = true;
	read_group(group, out);
	return 0;
}

static int measure_processes(const struct sandbox_locations *locations, const char *id, struct sandbox_stats *out,
	struct sandbox_error *error)
{
	auto_finish(sandbox_processes_finish) struct sandbox_processes processes = {.items = NULL};
	int result = sandbox_processes_read(locations, id, &processes, error);

	out->known[SANDBOX_CPU_USAGE] = out->known[SANDBOX_MEMORY] = out->known[SANDBOX_PIDS] = true;
	for (size_t i = 0; i < processes.count; i++) {
		const struct sandbox_process *process = &processes.items[i];

		out->values[SANDBOX_CPU_USAGE] += (process->processor + process->reaped) * 1000;
		out->values[SANDBOX_MEMORY] += process->memory;
		out->values[SANDBOX_PIDS] += process->threads;
	}
	return result;
}

int sandbox_measure(const struct sandbox_locations *locations, const char *reference, struct sandbox_stats *out,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_free char *path = NULL;
	struct timespec now;
	int result = registry_find(locations->state, reference, &entry, error);

	*out = (struct sandbox_stats){.name = NULL};
	if (result == 0)
		result = check_live(&entry, reference, error);
	if (result < 0)
		return result;
	memcpy(out->id, entry.id, sizeof(out->id));
	out->name = memory_text(registry_entry_name(&entry));
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	out->time = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	if (file_read(entry.directory, group_file, PATH_SIZE_MAX, &path, NULL, NULL) < 0)
		return measure_processes(locations, entry.id, out, error);
	/* It ends just now. */
	return measure_group(path, out) < 0 ? explain_state(reference, false, error) : 0;
}

void sandbox_stats_finish(struct sandbox_stats *stats)
{
	free(take_ptr(stats->name));
}
