/*
 * How much memory and how many processes a sandbox has, seen from outside: for hosts on which no group is delegated to
 * us. Theory of operation: init hands out a view of its pid namespace (a procfs), its root and its list of System V
 * segments, before the payload starts. The caller of the sandbox may read everything of its processes, since he owns
 * its user namespace.
 *
 * Memory is the sum of
 *   - private memory of all processes (their proportional share, in memory and swapped out),
 *   - what the sandbox's tmpfs mounts, System V segments and memfds have allocated, mapped or not,
 *   - other shared memory, by proportional share.
 * What is both in a tmpfs (or memfd, or segment) and mapped must not count twice: only when that could decide is each
 * process's list of mappings read, which takes longer. Nor must what is mapped by a child of vfork(2), which has its
 * parent's memory until it executes a program: only when it is too much altogether are processes compared.
 */
#ifndef CGROUP_SAMPLER_H
#define CGROUP_SAMPLER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct sampler {
	int processes;     /* the procfs of its pid namespace, or -1 */
	pid_t init;        /* as we see it: all of them descend from it */
	int segments;      /* its /proc/sysvipc/shm, or -1: this kernel has none */
	int *filesystems;  /* one descriptor in each of its tmpfs mounts; owned */
	size_t filesystem_count;
	dev_t memfds;      /* the kernel's own tmpfs */
	unsigned int turn; /* of looks, at threads that cannot all be looked at each time */
};

#define SAMPLER_INIT {.processes = -1, .segments = -1}

struct sampler_usage {
	uint64_t memory; /* bytes */
	uint64_t tasks;  /* processes and threads, init among them */
};

/* Learns where memfds live. 0 or -errno. */
int sampler_start(struct sampler *sampler, struct sandbox_error *error);

/* Takes the ownership of a descriptor in a tmpfs of the sandbox. */
void sampler_add_filesystem(struct sampler *sampler, int fd);

/*
 * Measures. More than `limit` bytes is only ever said of more than `limit`; below it the number may be too small by
 * what is mapped and in none of its file systems. Processes that end meanwhile do not count.
 */
void sampler_measure(struct sampler *sampler, uint64_t limit, struct sampler_usage *out);
void sampler_finish(struct sampler *sampler);

#endif
