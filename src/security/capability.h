/*
 * Capabilities of the payload: capabilities(7). Names are Docker's and the kernel's: CHOWN, CAP_CHOWN
 * or cap_chown are one capability, ALL is every one that the running kernel knows. A set is a mask
 * with bit N for capability N.
 *
 * The payload's five sets are decided by one mask. Root gets permitted = effective = bounding = mask,
 * every other user gets permitted and effective empty and the same bounding set. Inheritable and
 * ambient are empty for all. Applied in two steps around the change of ids, because shrinking the
 * bounding set needs CAP_SETPCAP and changing ids needs CAP_SETUID:
 *
 *	capability_limit(mask, error);          bounding set, no way back
 *	setgroups(2), setresgid(2), setresuid(2)
 *	capability_apply(mask, is_root, error); the other four, and all five read back
 *
 * Defence removed in the test build by the name "capabilities".
 */
#ifndef SECURITY_CAPABILITY_H
#define SECURITY_CAPABILITY_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#include <sandbox/strings.h>

#include "base/error.h"

#define CAPABILITY_BIT(number) (UINT64_C(1) << (number))

/* What a sandbox's root may do inside when nothing is asked for. */
#define CAPABILITY_DEFAULT                                                                                   \
	(CAPABILITY_BIT(CAP_CHOWN) | CAPABILITY_BIT(CAP_DAC_OVERRIDE) | CAPABILITY_BIT(CAP_FOWNER) |         \
		CAPABILITY_BIT(CAP_FSETID) | CAPABILITY_BIT(CAP_KILL) |                                      \
		CAPABILITY_BIT(CAP_NET_BIND_SERVICE) | CAPABILITY_BIT(CAP_SETFCAP) |                         \
		CAPABILITY_BIT(CAP_SETGID) | CAPABILITY_BIT(CAP_SETPCAP) | CAPABILITY_BIT(CAP_SETUID) |      \
		CAPABILITY_BIT(CAP_SYS_CHROOT))

/* Every capability of the running kernel (its cap_last_cap), named or not. */
uint64_t capability_all(void);

/* The number of a name (not of ALL), or -1. */
int capability_number(const char *name);

/*
 * What --cap-add and --cap-drop make of the default, as Docker does: with ALL dropped, only what is
 * added; with ALL added, everything but what is dropped. Refused with E_CAPABILITY: unknown names,
 * adding what the running kernel does not have, and one name in both lists, of which Docker
 * silently keeps the more dangerous half. 0 or -errno; *out_mask is untouched on failure.
 */
int capability_decide(const struct sandbox_strings *add, const struct sandbox_strings *drop,
	uint64_t *out_mask, struct sandbox_error *error);

/* Reduces the bounding set to `mask`. Needs CAP_SETPCAP. 0 or -errno. */
int capability_limit(uint64_t mask, struct sandbox_error *error);

/*
 * Sets the other four sets, after the ids were changed: `is_root` says whether the user id is now 0.
 * Reads all five back: -EPERM when the kernel holds anything but what was asked for. 0 or -errno.
 */
int capability_apply(uint64_t mask, bool is_root, struct sandbox_error *error);

/* Appends the names in order of their numbers: "CHOWN", "DAC_OVERRIDE"… */
void capability_names(uint64_t mask, struct sandbox_strings *out);

/* The names in one line, "CHOWN DAC_OVERRIDE", "none" or "ALL". The caller frees. */
char *capability_format(uint64_t mask);

#endif
