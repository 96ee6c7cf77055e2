/*
 * From the table of calls to a program: seccomp_program.h. A leaf is an enum seccomp_action.
 *
 * Arguments are compared by their low 32 bits only. That is all that the kernel itself looks at in the
 * ones that we care about (an int, or an unsigned long that it truncates), and a comparison of all 64
 * would be dodged by setting a high bit.
 */
#include "security/seccomp_filter.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "base/scope.h"
#include "base/test_switch.h"
#include "security/capability.h"
#include "security/seccomp_program.h"
#include "security/seccomp_rules.h"

static enum seccomp_action decide(enum seccomp_class class, const struct seccomp_policy *policy)
{
	const struct seccomp_class_rule *rule = &seccomp_classes[class];

	if (rule->defence && test_defence_removed(rule->defence))
		return SECCOMP_ALLOW;
	if (rule->capabilities & policy->capabilities || (rule->nesting && policy->nesting))
		return SECCOMP_ALLOW;
	return rule->action;
}

/* --- verdicts that depend on an argument ------------------------------------------------------------- */

/* A value that is allowed, to all or to those who have one of the capabilities. */
struct allowed {
	uint32_t value;
	uint64_t capabilities;
};

static size_t place_allowed(struct seccomp_builder *builder, const struct seccomp_policy *policy,
	const struct allowed *rows, size_t count, size_t otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (!rows[i].capabilities || rows[i].capabilities & policy->capabilities)
			otherwise = seccomp_place_jump(builder, BPF_JEQ, rows[i].value,
				seccomp_place_return(builder, SECCOMP_RET_ALLOW), otherwise);
	return otherwise;
}

/* socket(2) and socketpair(2): others look as if the kernel had been built without them. */
static size_t place_socket(struct seccomp_builder *builder, const struct seccomp_policy *policy)
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

	place_allowed(builder, policy, protocols, array_count(protocols),
		seccomp_place_errno(builder, EPROTONOSUPPORT));
	netlink = seccomp_place_load_low(builder, 2);
	place_allowed(builder, policy, families, array_count(families),
		seccomp_place_jump(
			builder, BPF_JEQ, AF_NETLINK, netlink, seccomp_place_errno(builder, EAFNOSUPPORT)));
	return seccomp_place_load_low(builder, 0);
}

/*
 * ioctl(2): TIOCSTI types into a terminal, TIOCLINUX pastes into a console, and TIOCSETD loads line
 * disciplines, old modules that have been a way into the kernel more than once.
 */
static size_t place_ioctl(struct seccomp_builder *builder)
{
	static const uint32_t refused[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
	size_t next = seccomp_place_return(builder, SECCOMP_RET_ALLOW);

	for (size_t i = 0; i < array_count(refused); i++)
		next = seccomp_place_jump(builder, BPF_JEQ, refused[i], seccomp_place_errno(builder, EPERM), next);
	return seccomp_place_load_low(builder, 1);
}

static const uint32_t namespace_flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
	CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/* clone(2), unshare(2): the first argument has none of these flags. */
static size_t place_without_flags(struct seccomp_builder *builder, uint32_t flags)
{
	seccomp_place_jump(builder, BPF_JSET, flags, seccomp_place_errno(builder, EPERM),
		seccomp_place_return(builder, SECCOMP_RET_ALLOW));
	return seccomp_place_load_low(builder, 0);
}

/* personality(2): asking, PER_LINUX32, an old version number, and what debuggers and sanitizers need. */
static size_t place_personality(struct seccomp_builder *builder)
{
	const uint32_t ask = UINT32_MAX, harmless = PER_LINUX32 | UNAME26 | ADDR_NO_RANDOMIZE;
	size_t allow = seccomp_place_return(builder, SECCOMP_RET_ALLOW);
	size_t bits = seccomp_place_jump(builder, BPF_JSET, ~harmless, seccomp_place_errno(builder, EPERM), allow);

	seccomp_place_jump(builder, BPF_JEQ, ask, allow, bits);
	return seccomp_place_load_low(builder, 0);
}

static size_t place_action(struct seccomp_builder *builder, uint64_t leaf, const void *policy)
{
	switch ((enum seccomp_action)leaf) {
	case SECCOMP_ABSENT:
		break;
	case SECCOMP_ALLOW:
		return seccomp_place_return(builder, SECCOMP_RET_ALLOW);
	case SECCOMP_REFUSE:
		return seccomp_place_errno(builder, EPERM);
	case SECCOMP_SOCKET:
		return place_socket(builder, policy);
	case SECCOMP_IOCTL:
		return place_ioctl(builder);
	case SECCOMP_CLONE: /* the bit of CLONE_NEWTIME is part of the exit signal here */
		return place_without_flags(builder, namespace_flags);
	case SECCOMP_UNSHARE:
		return place_without_flags(builder, namespace_flags | CLONE_NEWTIME);
	case SECCOMP_PERSONALITY:
		return place_personality(builder);
	}
	return seccomp_place_errno(builder, ENOSYS);
}

/* --- the program ------------------------------------------------------------------------------------- */

static void place_abi(
	struct seccomp_builder *builder, const struct seccomp_policy *policy, const struct seccomp_architecture *abi)
{
	enum seccomp_action unknown =
		test_defence_removed("seccomp-unknown") ? SECCOMP_ALLOW : SECCOMP_ABSENT;
	struct seccomp_leaves leaves = {place_action, policy, .beyond = unknown};

	for (size_t slot = 0; slot < SECCOMP_SLOTS; slot++)
		leaves.items[slot] = unknown;
	for (size_t i = 0; i < seccomp_call_count; i++)
		if (seccomp_calls[i].numbers[abi->column] != SECCOMP_NO_NUMBER)
			leaves.items[seccomp_slot(seccomp_calls[i].numbers[abi->column])] =
				decide(seccomp_calls[i].class, policy);
	seccomp_place_architecture(builder, abi->audit, &leaves);
}

int seccomp_filter_compile_for(enum seccomp_machine machine, const struct seccomp_policy *policy,
	struct seccomp_program *out, struct sandbox_error *error)
{
	const struct seccomp_architecture *abis = seccomp_machines[machine];
	struct seccomp_builder builder;

	seccomp_builder_start(&builder);
	seccomp_place_errno(&builder, ENOSYS);
	if (test_defence_removed("seccomp-compat"))
		seccomp_place_jump(
			&builder, BPF_JEQ, abis[1].audit, seccomp_place_return(&builder, SECCOMP_RET_ALLOW), 1);
	else
		place_abi(&builder, policy, &abis[1]);
	place_abi(&builder, policy, &abis[0]);
	return seccomp_builder_end(&builder, out, error);
}

int seccomp_filter_compile(
	const struct seccomp_policy *policy, struct seccomp_program *out, struct sandbox_error *error)
{
	return seccomp_filter_compile_for(SECCOMP_OWN_MACHINE, policy, out, error);
}

const char *seccomp_filter_format(const struct seccomp_policy *policy, char *buffer, size_t size)
{
	const struct seccomp_architecture *abis = seccomp_machines[SECCOMP_OWN_MACHINE];
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
