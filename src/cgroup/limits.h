/*
 * Limits as the kernel wants them: cgroups(7), and Documentation/admin-guide/cgroup-v2.rst. One table has an option,
 * its controller, its file, and who writes the value.
 */
#ifndef CGROUP_LIMITS_H
#define CGROUP_LIMITS_H

#include <sandbox/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUSET,
	CGROUP_IO,
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CONTROLLER_COUNT
};

/* A set of controllers is a number with the bits 1 << controller. */
enum { CGROUP_ALL_CONTROLLERS = (1 << CGROUP_CONTROLLER_COUNT) - 1 };

const char *cgroup_controller_name(enum cgroup_controller controller);

/* The set that a file such as cgroup.controllers names; words that are no controller of ours are passed over. */
unsigned int cgroup_controllers_parse(const char *text);

/* "cpu memory", or "none"; `buffer` is returned. */
const char *cgroup_controllers_format(unsigned int set, char *buffer, size_t size);

enum cgroup_hold {
	CGROUP_HOLD_HARD,    /* by the kernel */
	CGROUP_HOLD_SAMPLED, /* the supervisor looks now and then, and ends the sandbox */
};

struct cgroup_limit {
	const char *option;  /* "memory" */
	enum cgroup_controller controller;
	const char *file;    /* "memory.max" */
	char *value;         /* what is written to it, without a newline */
	uint64_t quantity;   /* bytes of memory, or processes: what can be sampled; 0 for all others */
	bool implied;        /* nobody asked for it by name: a kernel without the file is no error */
	enum cgroup_hold hold;
};

struct cgroup_limits {
	struct cgroup_limit *items;
	size_t count;
};

/* Reads all requests; they are checked as far as this can be done without a group. 0 or -errno. */
int cgroup_limits_decide(const struct sandbox_limits *wanted, struct cgroup_limits *out, struct sandbox_error *error);
void cgroup_limits_finish(struct cgroup_limits *limits);

/* The controllers of those limits that are to be held hard. */
unsigned int cgroup_limits_controllers(const struct cgroup_limits *limits);

/* The limit that this option asked for, or NULL. */
const struct cgroup_limit *cgroup_limits_find(const struct cgroup_limits *limits, const char *option);

/*
 * The numbers of a list such as "0-3,8", as a set of `count` bits in `out`. False when it is malformed, empty, or
 * names a number that is not below `count`.
 */
bool cgroup_list_parse(const char *text, size_t count, bool *out);

#endif
