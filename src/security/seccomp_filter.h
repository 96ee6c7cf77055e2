/*
 * The payload's system call filter: seccomp(2), seccomp_rules.c says what it holds.
 *
 * An allow-list. Calls that the table does not know, among them all that future kernels will add, and
 * everything of x32 and of foreign architectures, answer ENOSYS, so that a libc falls back to older
 * calls; those that it refuses answer EPERM as the kernel would do for lack of a privilege. The 32-bit
 * calls of the machine (int 0x80 on x86_64) are held to the same rows.
 *
 * We compile the filter ourselves, at each start: libseccomp's compiler takes five to eight
 * milliseconds for such a list, more than all the rest of a start, and the kernel two to five times
 * as long to load its program of 700 to 860 instructions. Neighbouring numbers of one verdict joined
 * into ranges, and the ranges searched as a binary tree, make 280 instructions in some 30
 * microseconds. A unit test runs the program for every call of every architecture. What is needed between
 * loading it and exec (capset, prctl, setresuid, close_range, execve and so on) is allowed.
 *
 * Defences removed in the test build: "seccomp" (nothing is loaded), "seccomp-compat" (32-bit calls
 * are not filtered), "seccomp-unknown" (what the table does not know is allowed), and the name that
 * each class of calls has in seccomp_rules.c.
 */
#ifndef SECURITY_SECCOMP_FILTER_H
#define SECURITY_SECCOMP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "security/seccomp_program.h"
#include "security/seccomp_rules.h"

struct seccomp_policy {
	uint64_t capabilities; /* of the payload's bounding set, see capability.h */
	bool nesting;          /* it may make namespaces and mounts of its own */
};

/* Compiles for the machine that this program was built for. 0 or -errno. */
int seccomp_filter_compile(
	const struct seccomp_policy *policy, struct seccomp_program *out, struct sandbox_error *error);

/* Compiles for any machine, so that a test sees them all. 0 or -errno. */
int seccomp_filter_compile_for(enum seccomp_machine machine, const struct seccomp_policy *policy,
	struct seccomp_program *out, struct sandbox_error *error);

/*
 * One line for --dry-run: "349 system calls allowed, 6 of them by argument, all others refused; x86_64 and
 * i386". `buffer` is returned.
 */
const char *seccomp_filter_format(const struct seccomp_policy *policy, char *buffer, size_t size);

#endif
