/*
 * System call profiles of the user's, in Docker's JSON format, which Podman and the OCI runtime
 * specification share: https://docs.docker.com/engine/security/seccomp/, seccomp(2).
 *
 * Read as Docker reads it: entries whose `includes` and `excludes` do not fit are passed over (all capabilities
 * of `includes` are wanted, one of `excludes` is enough); two conditions on one argument of one entry are two
 * entries; the first entry without conditions for a call counts among those. Stricter than Docker where two
 * entries fit a call: of that one and all whose conditions hold the strictest decides, in the kernel's own order
 * (seccomp(2), "return value"), while libseccomp would let an entry without conditions wipe out the others.
 *
 * What cannot be held is an error that names the place: keys that are not known (a misspelt "excludes" would
 * change the meaning), calls to be refused that no machine is known to have, SCMP_ACT_NOTIFY and SCMP_ACT_TRACE,
 * which need a partner. Calls to be allowed that are not known stay refused: a profile for younger kernels loads.
 *
 * Conditions hold on every architecture, and however a call is made:
 * - i386's socketcall and ipc, and its mmap and select, have their arguments in memory, where no filter looks.
 *   They get the strictest verdict that the call behind them could get.
 * - x32 is refused whole, architectures that the profile does not name, too (ENOSYS).
 * - The kernel takes many arguments for an int. What compares equal by its lower half alone is equal to an entry that
 *   refuses, and not different to one that allows, or setting a high bit would get around the profile. Less and greater
 *   compare all 64 bits, as sizes need it.
 */
#ifndef SECURITY_SECCOMP_PROFILE_H
#define SECURITY_SECCOMP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "security/seccomp_program.h"
#include "security/seccomp_rules.h"

/* What includes and excludes are compared with. */
struct seccomp_circumstances {
	enum seccomp_machine machine;
	uint64_t capabilities; /* of the payload's bounding set */
	unsigned int kernel_major, kernel_minor;
};

enum seccomp_comparison {
	SECCOMP_EQUAL,
	SECCOMP_DIFFERENT,
	SECCOMP_LESS,
	SECCOMP_LESS_OR_EQUAL,
	SECCOMP_GREATER,
	SECCOMP_GREATER_OR_EQUAL,
	SECCOMP_MASKED, /* with `mask` equal to `value` */
};

struct seccomp_condition {
	unsigned int argument;
	enum seccomp_comparison comparison;
	uint64_t value, mask;
};

enum { SECCOMP_CONDITIONS_MAX = 6 };

struct seccomp_profile_rule {
	size_t call;      /* index of seccomp_calls */
	uint32_t verdict; /* SECCOMP_RET_… with its data */
	struct seccomp_condition conditions[SECCOMP_CONDITIONS_MAX]; /* all hold, or there are none */
	size_t condition_count;
};

struct seccomp_profile {
	uint32_t otherwise; /* the verdict of calls that no rule speaks of */
	bool compat;        /* the machine's 32-bit architecture is included */
	unsigned int flags; /* SECCOMP_FILTER_FLAG_… */
	struct seccomp_profile_rule *rules;
	size_t rule_count;
};

/* `name` is for errors: E_SECCOMP_PROFILE with the JSON path. 0 or -errno; *out is to be finished in either case. */
int seccomp_profile_parse(const char *text, size_t size, const char *name,
	const struct seccomp_circumstances *circumstances, struct seccomp_profile *out, struct sandbox_error *error);
void seccomp_profile_finish(struct seccomp_profile *profile);
/* What is said of one that cannot be had, after why: E_SECCOMP_PROFILE. -errno. */
int seccomp_profile_explain(const char *name, struct sandbox_error *error);

/* Whether the kernel ranks the first above the second: killing, trapping, an error, logging, allowing. */
bool seccomp_verdict_stricter(uint32_t verdict, uint32_t other);

/* 0 or -errno: -E2BIG when the kernel would not take so long a program. */
int seccomp_profile_compile(const struct seccomp_profile *profile, enum seccomp_machine machine,
	struct seccomp_program *out, struct sandbox_error *error);

/*
 * All of it for a file, or what was given in the place of its name, "{...}", this machine and the running kernel. *out_summary
 * is a line for --dry-run, *out_text what was read, which can be given again; the caller frees both. 0 or -errno.
 */
int seccomp_profile_load(const char *given, uint64_t capabilities, struct seccomp_program *out, char **out_summary,
	char **out_text, struct sandbox_error *error);

#endif
