/*
 * Running a helper program (newuidmap, getsubids): absolute path, an empty environment but PATH and
 * LC_ALL=C, standard input from /dev/null, standard output and error captured, bounded.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct spawn {
	pid_t pid;  /* 0 once it was waited for */
	int output; /* read end of its standard output and error, -1 when there is none */
	int lent;   /* a descriptor (above 2) that it is to have besides, as its number 3; -1: none. It stays the caller's. */
};

#define SPAWN_INIT {.pid = 0, .output = -1, .lent = -1}

/* Starts `argv` (NULL-terminated; argv[0] is an absolute path). 0 or -errno. */
int spawn_start(struct spawn *spawn, char *const argv[], struct sandbox_error *error);

/*
 * Waits for it. *out_status is a raw wait status; *out_output its output (NUL-terminated, at most
 * 64 KiB, the caller frees) when not NULL. 0 or -errno.
 */
int spawn_wait(struct spawn *spawn, int *out_status, char **out_output, struct sandbox_error *error);

/*
 * Starts a program that is to outlive us, with an empty environment and with `count` descriptors (8 at most) from 3 on.
 * It forks, and its first process ends as soon as all is well: that is waited for. 0 or -errno.
 */
int spawn_detached(char *const argv[], const int *fds, size_t count, struct sandbox_error *error);

/* Ends and reaps a helper that nobody waited for. For auto_finish. */
void spawn_finish(struct spawn *spawn);

#endif
