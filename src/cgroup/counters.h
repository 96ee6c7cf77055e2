/* What a group has used: the kernel's counters, by one table, as far as this kernel has them. */
#ifndef CGROUP_COUNTERS_H
#define CGROUP_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cgroup_counter {
	CGROUP_MEMORY_PEAK,    /* bytes; Linux 5.19 */
	CGROUP_SWAP_PEAK,      /* Linux 6.6 */
	CGROUP_MEMORY_HIGH,    /* times that memory.high slowed it down */
	CGROUP_MEMORY_MAX,     /* times that memory.max was met */
	CGROUP_MEMORY_OOM_KILL, /* processes that were ended for lack of memory */
	CGROUP_PIDS_PEAK,      /* Linux 6.6 */
	CGROUP_PIDS_MAX,       /* forks that were refused */
	CGROUP_CPU_USAGE,      /* microseconds, as are the next two */
	CGROUP_CPU_USER,
	CGROUP_CPU_SYSTEM,
	CGROUP_CPU_PERIODS,
	CGROUP_CPU_THROTTLED_PERIODS,
	CGROUP_CPU_THROTTLED,  /* microseconds */
	CGROUP_IO_READ,        /* bytes, of all devices */
	CGROUP_IO_WRITTEN,
	CGROUP_IO_READS,
	CGROUP_IO_WRITES,
	CGROUP_PRESSURE_CPU,   /* microseconds in which some process waited for it */
	CGROUP_PRESSURE_MEMORY,
	CGROUP_PRESSURE_IO,
	CGROUP_COUNTER_COUNT
};

struct cgroup_counters {
	bool known[CGROUP_COUNTER_COUNT];
	uint64_t values[CGROUP_COUNTER_COUNT];
};

/* Where a counter stands in a report: "memory", "peak". */
const char *cgroup_counter_section(enum cgroup_counter counter);
const char *cgroup_counter_name(enum cgroup_counter counter);

/* Reads those that are there from the group's directory. */
void cgroup_counters_read(int group, struct cgroup_counters *out);

/* Sums the numbers that follow `key` and a blank or "=" in a file's text; all of it is the number when `key` is NULL. */
bool cgroup_counter_parse(const char *text, const char *key, uint64_t *out);

#endif
