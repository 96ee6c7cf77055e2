/*
 * Running sandboxes: pausing them, other limits, how much they use. They are found as sandbox/life.h says. To pause one and
 * to limit it takes a control group: without, E_SANDBOX_STATE; it was started without limits.
 */
#ifndef SANDBOX_STEER_H
#define SANDBOX_STEER_H

#include <sandbox/life.h>
#include <sandbox/limits.h>

/*
 * Stops all its processes where they are, or lets them go on. 0 or -errno: EBUSY with E_SANDBOX_STATE while sandbox_commit has
 * it paused.
 */
int sandbox_pause(const struct sandbox_locations *locations, const char *reference, bool on, struct sandbox_error *error);

/*
 * Changes the limits that are given; all others stay. One that is kept has them at its next start, too. 0 or -errno, and
 * some may have been changed then.
 */
int sandbox_update(const struct sandbox_locations *locations, const char *reference, const struct sandbox_limits *limits,
	struct sandbox_error *error);

enum sandbox_measure {
	SANDBOX_CPU_USAGE, /* microseconds since it was started */
	SANDBOX_CPU_THROTTLED,
	SANDBOX_MEMORY,    /* bytes */
	SANDBOX_MEMORY_LIMIT,
	SANDBOX_MEMORY_PEAK,
	SANDBOX_PIDS,
	SANDBOX_PIDS_LIMIT,
	SANDBOX_IO_READ,   /* bytes since it was started */
	SANDBOX_IO_WRITTEN,
	SANDBOX_PRESSURE_CPU, /* microseconds in which some process waited */
	SANDBOX_PRESSURE_MEMORY,
	SANDBOX_PRESSURE_IO,
	SANDBOX_MEASURE_COUNT
};

struct sandbox_stats {
	char id[SANDBOX_ID_SIZE];
	char *name;    /* NULL for none */
	bool paused;
	uint64_t time; /* microseconds of a clock that only goes forward: when it was measured */
	/*
	 * By its control group. Else added up from its processes: memory that several share counts for each, and processor
	 * time is lost of those whose parent did not wait for them.
	 */
	bool counted;
	bool known[SANDBOX_MEASURE_COUNT]; /* what this kernel counts, and where there is a limit */
	uint64_t values[SANDBOX_MEASURE_COUNT];
};

/* 0 or -errno; *out is to be finished in either case. */
int sandbox_measure(const struct sandbox_locations *locations, const char *reference, struct sandbox_stats *out,
	struct sandbox_error *error);
void sandbox_stats_finish(struct sandbox_stats *stats);

#endif
