/*
 * Programs for the kernel's classic BPF machine, as seccomp(2) takes them, and what writes them:
 * seccomp_filter.c for our own filter, seccomp_profile_compile.c for a profile of the user's.
 *
 * Jumps only lead forward, so a program is written from its end: whatever an instruction leads to is
 * there already. A place is the distance of an instruction from the end. A jump that is too long for
 * its eight bits goes by way of another instruction; the writer need not care.
 *
 * For each architecture there is an array with one leaf per number (what a leaf is, its writer knows);
 * neighbours of one leaf are joined into ranges, and the ranges become a binary tree of "is it at least
 * this number?". The tree is shallow (seven or eight steps), and most calls never see it: the kernel runs
 * every number through the program once, when it is loaded, and remembers those that are allowed whatever
 * their arguments are (Linux 5.11).
 */
#ifndef SECURITY_SECCOMP_PROGRAM_H
#define SECURITY_SECCOMP_PROGRAM_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Instructions for the kernel. Owns them. */
struct seccomp_program {
	struct sock_filter *items;
	size_t count;
	unsigned int flags; /* SECCOMP_FILTER_FLAG_… */
};

void seccomp_program_finish(struct seccomp_program *program);

/*
 * Puts this process, and all it will ever start, under the program, for good. One system call, which
 * needs no_new_privs or CAP_SYS_ADMIN: without no_new_privs it comes before the capabilities are
 * given up. 0 or -errno.
 */
int seccomp_program_load(const struct seccomp_program *program, struct sandbox_error *error);

/* Numbers are small, but for arm's private ones, which start at 0xf0000 and get slots of their own. */
enum {
	SECCOMP_SLOTS_ORDINARY = 512,
	SECCOMP_SLOTS_PRIVATE = 16,
	SECCOMP_SLOTS = SECCOMP_SLOTS_ORDINARY + SECCOMP_SLOTS_PRIVATE,
	SECCOMP_PRIVATE_FIRST = 0xf0000,
	SECCOMP_X32_FIRST = 0x40000000, /* __X32_SYSCALL_BIT */
};

size_t seccomp_slot(int number);

enum {
	SECCOMP_PROGRAM_MAX = BPF_MAXINSNS, /* more the kernel does not take */
	SECCOMP_VERDICTS_MAX = 16,
};

struct seccomp_builder {
	struct sock_filter items[SECCOMP_PROGRAM_MAX]; /* the last instruction first */
	size_t count;
	struct {
		uint32_t verdict;
		size_t place;
	} returns[SECCOMP_VERDICTS_MAX]; /* the foremost return of each verdict */
	size_t return_count;
	bool overflow;
};

void seccomp_builder_start(struct seccomp_builder *builder);

/* The place of a return with this verdict (SECCOMP_RET_…), which may be one that is there already. */
size_t seccomp_place_return(struct seccomp_builder *builder, uint32_t verdict);
size_t seccomp_place_errno(struct seccomp_builder *builder, uint32_t code);

/* A comparison of what is loaded with `value`: BPF_JEQ, BPF_JGE, BPF_JGT, or BPF_JSET (shares a bit). */
size_t seccomp_place_jump(
	struct seccomp_builder *builder, uint16_t comparison, uint32_t value, size_t if_true, size_t if_false);

/* Before what is at the front now: keeps of what is loaded only the bits of `mask`. */
size_t seccomp_place_and(struct seccomp_builder *builder, uint32_t mask);

/* Likewise: loads a half of an argument. */
size_t seccomp_place_load_low(struct seccomp_builder *builder, size_t argument);
size_t seccomp_place_load_high(struct seccomp_builder *builder, size_t argument);

/* Places what a leaf means, with the call's number loaded. The place. */
struct seccomp_leaves {
	size_t (*place)(struct seccomp_builder *builder, uint64_t leaf, const void *context);
	const void *context;
	uint64_t items[SECCOMP_SLOTS];
	uint64_t beyond; /* for x32, whose numbers come after all others */
};

/* The tree of an architecture (AUDIT_ARCH_…); for other ones the program goes on with what is at the front now. */
void seccomp_place_architecture(
	struct seccomp_builder *builder, uint32_t audit, const struct seccomp_leaves *leaves);

/* Closes the program. 0, or -E2BIG when it is too long for the kernel. */
int seccomp_builder_end(
	struct seccomp_builder *builder, struct seccomp_program *out, struct sandbox_error *error);

#endif
