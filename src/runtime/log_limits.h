/* How much of what a detached sandbox writes is kept: --log-opt of sandbox-run(1). */
#ifndef RUNTIME_LOG_LIMITS_H
#define RUNTIME_LOG_LIMITS_H

#include <sandbox/strings.h>
#include <stdint.h>

#include "base/error.h"

enum { LOG_FILES_MAX = 100, LOG_FILE_NAME_SIZE = 8 };

struct log_limits {
	uint64_t size;  /* bytes of a file at most, before it becomes an older one */
	uint64_t files; /* 1 to LOG_FILES_MAX, with the one that is written */
};

/* The defaults: two files of 8 MiB. */
#define LOG_LIMITS_DEFAULT {.size = UINT64_C(8) << 20, .files = 2}

/* `given` holds max-size=SIZE and max-file=N; the last of each counts. 0 or -EINVAL with E_USAGE. */
int log_limits_decide(const struct sandbox_strings *given, struct log_limits *out, struct sandbox_error *error);

/* "log" for 0, the one that is written, "log.1" for the one before, and so on. Returns `buffer`. */
const char *log_file_name(uint64_t age, char buffer[LOG_FILE_NAME_SIZE]);

#endif
