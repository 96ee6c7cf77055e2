/*
 * What a sandbox may use at most, as it was asked for: sandbox-run(1), "Limits". The names of the fields are those of
 * the options and the texts have Docker's form; NULL means that nothing was asked. Strings are owned.
 */
#ifndef SANDBOX_LIMITS_H
#define SANDBOX_LIMITS_H

#include <stdbool.h>

#include <sandbox/strings.h>

/* Who makes the control group that holds them. */
enum sandbox_cgroups {
	SANDBOX_CGROUPS_AUTO, /* the first that can */
	SANDBOX_CGROUPS_SYSTEMD,
	SANDBOX_CGROUPS_DELEGATED,
	SANDBOX_CGROUPS_NONE,
};

enum sandbox_limits_mode {
	SANDBOX_LIMITS_STRICT,      /* a limit that the kernel cannot hold is an error */
	SANDBOX_LIMITS_BEST_EFFORT, /* memory and processes are watched where the kernel cannot */
};

struct sandbox_limits {
	char *memory;
	char *memory_high;
	char *memory_swap; /* memory and swap together; -1: all swap that there is */
	char *cpus;        /* decimal */
	char *cpu_weight;
	char *cpu_shares;
	char *cpuset_cpus;
	char *cpuset_mems;
	char *pids_limit;
	char *io_weight;
	struct sandbox_strings device_read_bps; /* PATH:RATE */
	struct sandbox_strings device_write_bps;
	struct sandbox_strings device_read_iops;
	struct sandbox_strings device_write_iops;
	char *cgroup_parent;
	bool counting; /* a group also without limits, where there can be one, and a receipt */
	int cgroups; /* enum sandbox_cgroups */
	int mode;    /* enum sandbox_limits_mode */
};

#endif
