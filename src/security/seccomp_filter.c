/*
 * From the table of calls to a program for the kernel's classic BPF machine.
 *
 * For each architecture: an array with one verdict per number; neighbours of one verdict joined into
 * ranges; the ranges as a binary tree of "is it at least this number?", whose leaves return a verdict
 * or look at an argument. The tree is shallow (seven or eight steps), and most calls never see it: the
 * kernel runs every number through the program once, when it is loaded, and remembers those that are
 * allowed whatever their arguments are (Linux 5.11).
 *
 * Arguments are compared by their low 32 bits only. That is all that the kernel itself looks at in the
 * ones that we care about (an int, or an unsigned long that it truncates), and a comparison of all 64
 * would be dodged by setting a high bit.
 */
#include "security/seccomp_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "security/capability.h"
#include "security/seccomp_rules.h"

#if defined(__x86_64__) || defined(__i386__)
static const enum seccomp_machine own_machine = SECCOMP_X86_64;
#elif defined(__aarch64__) || defined(__arm__)
static const enum seccomp_machine own_machine = SECCOMP_AARCH64;
#else
#error "seccomp_rules.c has no column for this architecture"
#endif

struct abi {
	enum seccomp_abi column;
	uint32_t audit; /* AUDIT_ARCH_… */
	const char *name;
};

/* Each machine's own architecture and the 32-bit one that it can also run. */
static const struct abi machines[SECCOMP_MACHINES][2] = {
	[SECCOMP_X86_64] = {{ABI_X86_64, AUDIT_ARCH_X86_64, "x86_64"}, {ABI_I386, AUDIT_ARCH_I386, "i386"}},
	[SECCOMP_AARCH64] = {{ABI_AARCH64, AUDIT_ARCH_AARCH64, "aarch64"}, {ABI_ARM, AUDIT_ARCH_ARM, "arm"}},
};

static enum seccomp_action decide(enum seccomp_class class, const struct seccomp_policy *policy)
{
	const struct seccomp_class_rule *rule = &seccomp_classes[class];

	if (rule->defence && test_defence_removed(rule->defence))
		return SECCOMP_ALLOW;
	if (rule->capabilities & policy->capabilities || (rule->nesting && policy->nesting))
		return SECCOMP_ALLOW;
	return rule->action;
}

/* --- ranges ------------------------------------------------------------------------------------------ */

/* Numbers are small, but for arm's private ones, which start at 0xf0000 and get slots of their own. */
enum {
	SLOTS_ORDINARY = 512,
	SLOTS_PRIVATE = 16,
	SLOTS = SLOTS_ORDINARY + SLOTS_PRIVATE,
	PRIVATE_FIRST = 0xf0000,
};

static size_t number_slot(int number)
{
	return (size_t)(number < PRIVATE_FIRST ? number : number - PRIVATE_FIRST + SLOTS_ORDINARY);
}

static uint32_t slot_number(size_t slot)
{
	return (uint32_t)(slot < SLOTS_ORDINARY ? slot : slot - SLOTS_ORDINARY + PRIVATE_FIRST);
}

/* All numbers from `first` to the next range's. */
struct range {
	uint32_t first;
	enum seccomp_action action;
};

/* Fills `out` (room for SLOTS) from number 0 to the last of 32 bits. The number of ranges. */
static size_t ranges_collect(enum seccomp_abi abi, const struct seccomp_policy *policy, struct range *out)
{
	enum seccomp_action unknown =
		test_defence_removed("seccomp-unknown") ? SECCOMP_ALLOW : SECCOMP_ABSENT;
	enum seccomp_action actions[SLOTS];
	size_t count = 0;

	for (size_t slot = 0; slot < SLOTS; slot++)
		actions[slot] = unknown;
	for (size_t i = 0; i < seccomp_call_count; i++)
		if (seccomp_calls[i].numbers[abi] != SECCOMP_NO_NUMBER)
			actions[number_slot(seccomp_calls[i].numbers[abi])] =
				decide(seccomp_calls[i].class, policy);

	for (size_t slot = 0; slot < SLOTS; slot++)
		if (slot == 0 || actions[slot] != actions[slot - 1])
			out[count++] = (struct range){slot_number(slot), actions[slot]};
	return count;
}

/* --- instructions ------------------------------------------------------------------------------------ */

enum { PROGRAM_MAX = 2048, JUMP_MAX = UINT8_MAX, VERDICTS_MAX = 8 };

/*
 * Jumps only lead forward and at most 255 instructions far, so the program is written from its end:
 * whatever an instruction leads to is there already. A place is the distance from the end.
 */
struct builder {
	const struct seccomp_policy *policy;
	struct sock_filter items[PROGRAM_MAX]; /* the last instruction first */
	size_t count;
	struct {
		uint32_t verdict;
		size_t place;
	} returns[VERDICTS_MAX]; /* the foremost return of each verdict */
	size_t return_count;
	bool overflow;
};

/* Puts an instruction before all others. Its place. */
static size_t prepend(struct builder *builder, struct sock_filter instruction)
{
	if (builder->count == PROGRAM_MAX) {
		builder->overflow = true;
		builder->count = 0;
	}
	builder->items[builder->count] = instruction;
	return ++builder->count;
}

/* The place of a return with this verdict, near enough to be jumped to for a while. */
static size_t place_return(struct builder *builder, uint32_t verdict)
{
	size_t slot = 0;

	while (slot < builder->return_count && builder->returns[slot].verdict != verdict)
		slot++;
	if (slot == VERDICTS_MAX) {
		builder->overflow = true;
		return 0;
	}
	if (slot == builder->return_count)
		builder->return_count++;
	else if (builder->count - builder->returns[slot].place < JUMP_MAX / 2)
		return builder->returns[slot].place;

	builder->returns[slot].verdict = verdict;
	builder->returns[slot].place =
		prepend(builder, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
	return builder->returns[slot].place;
}

static size_t place_errno(struct builder *builder, uint32_t code)
{
	return place_return(builder, SECCOMP_RET_ERRNO | code);
}

/* A comparison (BPF_JEQ, BPF_JGE, or BPF_JSET: shares a bit) of what is loaded with `value`. */
static size_t place_jump(
	struct builder *builder, uint16_t comparison, uint32_t value, size_t if_true, size_t if_false)
{
	size_t to_true = builder->count - if_true, to_false = builder->count - if_false;
	uint16_t code = (uint16_t)(BPF_JMP | comparison | BPF_K);

	if (to_true > JUMP_MAX || to_false > JUMP_MAX)
		builder->overflow = true;
	return prepend(
		builder, (struct sock_filter)BPF_JUMP(code, value, (uint8_t)to_true, (uint8_t)to_false));
}

/* A load, after which the program goes on with what is at the front now. */
static size_t place_load(struct builder *builder, size_t offset)
{
	return prepend(builder, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* The low half of an argument. */
static size_t place_load_argument(struct builder *builder, size_t index)
{
	size_t half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0;

	return place_load(builder, offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) + half);
}

/* --- verdicts that depend on an argument ------------------------------------------------------------- */

/* A value that is allowed, to all or to those who have one of the capabilities. */
struct allowed {
	uint32_t value;
	uint64_t capabilities;
};

static size_t place_allowed(
	struct builder *builder, const struct allowed *rows, size_t count, size_t otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (!rows[i].capabilities || rows[i].capabilities & builder->policy->capabilities)
			otherwise = place_jump(builder, BPF_JEQ, rows[i].value,
				place_return(builder, SECCOMP_RET_ALLOW), otherwise);
	return otherwise;
}

/* socket(2) and socketpair(2): others look as if the kernel had been built without them. */
static size_t place_socket(struct builder *builder)
{
	static const struct allowed families[] = {
		{AF_UNIX},
		{AF_INET},
		{AF_INET6},
		{AF_PACKET, CAPABILITY_BIT(CAP_NET_RAW)},
	};
	static const struct allowed protocols[] = {
		{NETLINK_ROUTE},
		{NETLINK_USERSOCK},
		{NETLINK_SOCK_DIAG},
		{NETLINK_KOBJECT_UEVENT},
		{NETLINK_GENERIC},
		{NETLINK_NETFILTER, CAPABILITY_BIT(CAP_NET_ADMIN)},
		{NETLINK_XFRM, CAPABILITY_BIT(CAP_NET_ADMIN)},
		{NETLINK_AUDIT, CAPABILITY_BIT(CAP_AUDIT_WRITE) | CAPABILITY_BIT(CAP_AUDIT_CONTROL)},
	};
	size_t netlink;

	place_allowed(builder, protocols, array_count(protocols), place_errno(builder, EPROTONOSUPPORT));
	netlink = place_load_argument(builder, 2);
	place_allowed(builder, families, array_count(families),
		place_jump(builder, BPF_JEQ, AF_NETLINK, netlink, place_errno(builder, EAFNOSUPPORT)));
	return place_load_argument(builder, 0);
}

/*
 * ioctl(2): TIOCSTI types into a terminal, TIOCLINUX pastes into a console, and TIOCSETD loads line
 * disciplines, old modules that have been a way into the kernel more than once.
 */
static size_t place_ioctl(struct builder *builder)
{
	static const uint32_t refused[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
	size_t next = place_return(builder, SECCOMP_RET_ALLOW);

	for (size_t i = 0; i < array_count(refused); i++)
		next = place_jump(builder, BPF_JEQ, refused[i], place_errno(builder, EPERM), next);
	return place_load_argument(builder, 1);
}

static const uint32_t namespace_flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
	CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/* clone(2), unshare(2): the first argument has none of these flags. */
static size_t place_without_flags(struct builder *builder, uint32_t flags)
{
	place_jump(builder, BPF_JSET, flags, place_errno(builder, EPERM),
		place_return(builder, SECCOMP_RET_ALLOW));
	return place_load_argument(builder, 0);
}

/* personality(2): asking, PER_LINUX32, an old version number, and what debuggers and sanitizers need. */
static size_t place_personality(struct builder *builder)
{
	const uint32_t ask = UINT32_MAX, harmless = PER_LINUX32 | UNAME26 | ADDR_NO_RANDOMIZE;
	size_t allow = place_return(builder, SECCOMP_RET_ALLOW);
	size_t bits = place_jump(builder, BPF_JSET, ~harmless, place_errno(builder, EPERM), allow);

	place_jump(builder, BPF_JEQ, ask, allow, bits);
	return place_load_argument(builder, 0);
}

static size_t place_action(struct builder *builder, enum seccomp_action action)
{
	switch (action) {
	case SECCOMP_ABSENT:
		break;
	case SECCOMP_ALLOW:
		return place_return(builder, SECCOMP_RET_ALLOW);
	case SECCOMP_REFUSE:
		return place_errno(builder, EPERM);
	case SECCOMP_SOCKET:
		return place_socket(builder);
	case SECCOMP_IOCTL:
		return place_ioctl(builder);
	case SECCOMP_CLONE: /* the bit of CLONE_NEWTIME is part of the exit signal here */
		return place_without_flags(builder, namespace_flags);
	case SECCOMP_UNSHARE:
		return place_without_flags(builder, namespace_flags | CLONE_NEWTIME);
	case SECCOMP_PERSONALITY:
		return place_personality(builder);
	}
	return place_errno(builder, ENOSYS);
}

/* --- the program ------------------------------------------------------------------------------------- */

/* With the call's number loaded. */
static size_t place_tree(struct builder *builder, const struct range *ranges, size_t count)
{
	size_t half = count / 2, above, below;

	if (count == 1)
		return place_action(builder, ranges->action);

	above = place_tree(builder, ranges + half, count - half);
	below = place_tree(builder, ranges, half);
	return place_jump(builder, BPF_JGE, ranges[half].first, above, below);
}

/* With the architecture loaded: its own calls, else what is at the front now. */
static void place_abi(struct builder *builder, const struct abi *abi)
{
	struct range ranges[SLOTS];
	size_t others = builder->count, count = ranges_collect(abi->column, builder->policy, ranges);

	place_tree(builder, ranges, count);
	place_load(builder, offsetof(struct seccomp_data, nr));
	prepend(builder, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(builder->count - others)));
	place_jump(builder, BPF_JEQ, abi->audit, builder->count - 1, builder->count);
}

int seccomp_filter_compile_for(enum seccomp_machine machine, const struct seccomp_policy *policy,
	struct seccomp_program *out, struct sandbox_error *error)
{
	const struct abi *abis = machines[machine];
	struct builder builder = {.policy = policy};

	place_errno(&builder, ENOSYS);
	if (test_defence_removed("seccomp-compat"))
		place_jump(&builder, BPF_JEQ, abis[1].audit, place_return(&builder, SECCOMP_RET_ALLOW), 1);
	else
		place_abi(&builder, &abis[1]);
	place_abi(&builder, &abis[0]);
	place_load(&builder, offsetof(struct seccomp_data, arch));
	if (builder.overflow)
		return error_set(error, E2BIG, "compile the system call filter");

	out->count = builder.count;
	out->items = memory_zeroed(builder.count, sizeof(*out->items));
	for (size_t i = 0; i < builder.count; i++)
		out->items[i] = builder.items[builder.count - 1 - i];
	return 0;
}

int seccomp_filter_compile(
	const struct seccomp_policy *policy, struct seccomp_program *out, struct sandbox_error *error)
{
	return seccomp_filter_compile_for(own_machine, policy, out, error);
}

void seccomp_program_finish(struct seccomp_program *program)
{
	if (!program)
		return;
	free(program->items);
	*program = (struct seccomp_program){0};
}

int seccomp_filter_load(const struct seccomp_program *program, struct sandbox_error *error)
{
	const struct sock_fprog list = {.len = (unsigned short)program->count, .filter = program->items};
	int code;

	if (test_defence_removed("seccomp"))
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &list) == 0)
		return 0;

	code = errno;
	error_set(error, code, "load the system call filter");
	if (code == ENOSYS || code == EINVAL)
		error_cause(error, SANDBOX_E_KERNEL_TOO_OLD,
			"the kernel was built without CONFIG_SECCOMP_FILTER");
	if (code == EPERM) {
		error_cause(error, SANDBOX_E_USERNS_FILTERED, "a filter around this process refuses further ones");
		error_fix(error, "start the outer container with --security-opt seccomp=unconfined");
	}
	return -code;
}

const char *seccomp_filter_format(const struct seccomp_policy *policy, char *buffer, size_t size)
{
	const struct abi *abis = machines[own_machine];
	unsigned int allowed = 0, by_argument = 0;

	for (size_t i = 0; i < seccomp_call_count; i++) {
		enum seccomp_action action = decide(seccomp_calls[i].class, policy);

		if (seccomp_calls[i].numbers[abis->column] == SECCOMP_NO_NUMBER || action == SECCOMP_ABSENT ||
			action == SECCOMP_REFUSE)
			continue;
		allowed++;
		by_argument += action != SECCOMP_ALLOW;
	}
	(void)snprintf(buffer, size,
		"%u system calls allowed, %u of them by argument, all others refused; %s and %s", allowed,
		by_argument, abis[0].name, abis[1].name);
	return buffer;
}
