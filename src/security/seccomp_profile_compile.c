/*
 * From a profile's rules to a program. The leaf of a number is a verdict, or, with bit 32 set, the index of
 * the call whose arguments decide.
 */
#include "security/seccomp_profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/scope.h"

#define LEAF_ARGUMENTS (UINT64_C(1) << 32)

/* The rules of one architecture. */
struct compiler {
	const struct seccomp_profile *profile;
	enum seccomp_abi abi;
};

bool seccomp_verdict_stricter(uint32_t verdict, uint32_t other)
{
	/* The kernel's order is that of the actions as signed numbers. */
	return (int32_t)(verdict & SECCOMP_RET_ACTION_FULL) < (int32_t)(other & SECCOMP_RET_ACTION_FULL);
}

static uint32_t strictest(uint32_t verdict, uint32_t other)
{
	return seccomp_verdict_stricter(other, verdict) ? other : verdict;
}

/* --- one call ---------------------------------------------------------------------------------------- */

/* The first rule without conditions, or NULL. */
static const struct seccomp_profile_rule *plain_rule(const struct seccomp_profile *profile, size_t call)
{
	for (size_t i = 0; i < profile->rule_count; i++)
		if (profile->rules[i].call == call && profile->rules[i].condition_count == 0)
			return &profile->rules[i];
	return NULL;
}

/* What a call gets when no condition holds. */
static uint32_t plain_verdict(const struct seccomp_profile *profile, size_t call)
{
	const struct seccomp_profile_rule *plain = plain_rule(profile, call);

	return plain ? plain->verdict : profile->otherwise;
}

/* Whether a condition can make a difference: next to a rule without, only a stricter one does. */
static bool rule_counts(const struct seccomp_profile *profile, const struct seccomp_profile_rule *rule)
{
	const struct seccomp_profile_rule *plain = plain_rule(profile, rule->call);

	return rule->condition_count > 0 && (!plain || seccomp_verdict_stricter(rule->verdict, plain->verdict));
}

static bool has_conditions(const struct seccomp_profile *profile, size_t call)
{
	for (size_t i = 0; i < profile->rule_count; i++)
		if (profile->rules[i].call == call && rule_counts(profile, &profile->rules[i]))
			return true;
	return false;
}

/* The worst that can befall a call, whatever its arguments are. */
static uint32_t worst_verdict(const struct seccomp_profile *profile, size_t call)
{
	uint32_t worst = plain_verdict(profile, call);

	for (size_t i = 0; i < profile->rule_count; i++)
		if (profile->rules[i].call == call && rule_counts(profile, &profile->rules[i]))
			worst = strictest(worst, profile->rules[i].verdict);
	return worst;
}

static size_t find_call(const char *name)
{
	size_t call = 0;

	while (call < seccomp_call_count && strcmp(seccomp_calls[call].name, name) != 0)
		call++;
	return call;
}

/* --- conditions -------------------------------------------------------------------------------------- */

static uint32_t low(uint64_t value)
{
	return (uint32_t)value;
}

static uint32_t high(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

/* The argument's bits of `mask` are `value`. With a mask of 32 bits only the lower half is looked at. */
static size_t place_masked(struct seccomp_builder *builder, unsigned int argument, uint64_t mask, uint64_t value,
	size_t if_true, size_t if_false)
{
	size_t next;

	seccomp_place_jump(builder, BPF_JEQ, low(value), if_true, if_false);
	if (low(mask) != UINT32_MAX)
		seccomp_place_and(builder, low(mask));
	next = seccomp_place_load_low(builder, argument);
	if (!high(mask) && !high(value))
		return next;
	seccomp_place_jump(builder, BPF_JEQ, high(value), next, if_false);
	if (high(mask) != UINT32_MAX)
		seccomp_place_and(builder, high(mask));
	return seccomp_place_load_high(builder, argument);
}

/* The argument is at least (BPF_JGE) or more than (BPF_JGT) `value`. */
static size_t place_order(struct seccomp_builder *builder, unsigned int argument, uint16_t comparison, uint64_t value,
	size_t if_true, size_t if_false)
{
	size_t next;

	seccomp_place_jump(builder, comparison, low(value), if_true, if_false);
	next = seccomp_place_load_low(builder, argument);
	next = seccomp_place_jump(builder, BPF_JEQ, high(value), next, if_false);
	seccomp_place_jump(builder, BPF_JGT, high(value), if_true, next);
	return seccomp_place_load_high(builder, argument);
}

/* Of 32 bits, with or without a sign: -1 is written as 4294967295 or as 18446744073709551615. */
static bool fits_int(uint64_t value)
{
	return high(value) == 0 || (high(value) == UINT32_MAX && low(value) > INT32_MAX);
}

/*
 * Which bits "equal" and "different" compare. `broad`: so that more arguments are equal, by the lower half where
 * the kernel may take the value for an int (on 32 bits it has nothing else).
 */
static uint64_t compared_bits(const struct compiler *compiler, const struct seccomp_condition *condition, bool broad)
{
	bool is_narrow = compiler->abi == ABI_I386 || compiler->abi == ABI_ARM;

	return broad && condition->mask == UINT64_MAX && (is_narrow || fits_int(condition->value)) ? UINT32_MAX : condition->mask;
}

static size_t place_equal(struct seccomp_builder *builder, const struct compiler *compiler,
	const struct seccomp_condition *condition, bool broad, size_t if_true, size_t if_false)
{
	uint64_t bits = compared_bits(compiler, condition, broad);

	return place_masked(builder, condition->argument, bits,
		bits == UINT32_MAX ? low(condition->value) : condition->value, if_true, if_false);
}

/* `refusing`: the rule lets nothing through that would be refused without it. When in doubt its condition holds, else not. */
static size_t place_condition(struct seccomp_builder *builder, const struct compiler *compiler,
	const struct seccomp_condition *condition, bool refusing, size_t if_true, size_t if_false)
{
	unsigned int argument = condition->argument;
	uint64_t value = condition->value;

	switch (condition->comparison) {
	case SECCOMP_EQUAL:
	case SECCOMP_MASKED:
		return place_equal(builder, compiler, condition, refusing, if_true, if_false);
	case SECCOMP_DIFFERENT:
		return place_equal(builder, compiler, condition, !refusing, if_false, if_true);
	case SECCOMP_LESS:
		return place_order(builder, argument, BPF_JGE, value, if_false, if_true);
	case SECCOMP_LESS_OR_EQUAL:
		return place_order(builder, argument, BPF_JGT, value, if_false, if_true);
	case SECCOMP_GREATER:
		return place_order(builder, argument, BPF_JGT, value, if_true, if_false);
	case SECCOMP_GREATER_OR_EQUAL:
		break;
	}
	return place_order(builder, argument, BPF_JGE, value, if_true, if_false);
}

static size_t place_rule(struct seccomp_builder *builder, const struct compiler *compiler,
	const struct seccomp_profile_rule *rule, size_t otherwise)
{
	/* As strict as the plain verdict is not nothing: it overrules an entry that allows. */
	bool refusing = !seccomp_verdict_stricter(plain_verdict(compiler->profile, rule->call), rule->verdict);
	size_t next = seccomp_place_return(builder, rule->verdict);

	for (size_t i = rule->condition_count; i-- > 0;)
		next = place_condition(builder, compiler, &rule->conditions[i], refusing, next, otherwise);
	return next;
}

/* The actions, the strictest last: what is placed last is looked at first. */
static const uint32_t ranks[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_ERRNO, SECCOMP_RET_TRAP,
	SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS};

static size_t place_call(struct seccomp_builder *builder, const struct compiler *compiler, size_t call)
{
	const struct seccomp_profile *profile = compiler->profile;
	size_t next = seccomp_place_return(builder, plain_verdict(profile, call));

	for (size_t rank = 0; rank < array_count(ranks); rank++)
		for (size_t i = profile->rule_count; i-- > 0;) {
			const struct seccomp_profile_rule *rule = &profile->rules[i];

			if (rule->call == call && (rule->verdict & SECCOMP_RET_ACTION_FULL) == ranks[rank] &&
			    rule_counts(profile, rule))
				next = place_rule(builder, compiler, rule, next);
		}
	return next;
}

/* --- many calls behind one number -------------------------------------------------------------------- */

struct multiplexed {
	uint32_t number; /* of the call in the multiplexer's first argument */
	const char *name;
};

/* linux/net.h */
static const struct multiplexed socket_calls[] = {
	{1, "socket"}, {2, "bind"}, {3, "connect"}, {4, "listen"}, {5, "accept"}, {6, "getsockname"}, {7, "getpeername"},
	{8, "socketpair"}, {9, "send"}, {10, "recv"}, {11, "sendto"}, {12, "recvfrom"}, {13, "shutdown"},
	{14, "setsockopt"}, {15, "getsockopt"}, {16, "sendmsg"}, {17, "recvmsg"}, {18, "accept4"}, {19, "recvmmsg"},
	{20, "sendmmsg"},
};

/* linux/ipc.h */
static const struct multiplexed ipc_calls[] = {
	{1, "semop"}, {2, "semget"}, {3, "semctl"}, {4, "semtimedop"}, {11, "msgsnd"}, {12, "msgrcv"}, {13, "msgget"},
	{14, "msgctl"}, {21, "shmat"}, {22, "shmdt"}, {23, "shmget"}, {24, "shmctl"},
};

static const struct {
	const char *name;
	const struct multiplexed *calls;
	size_t count;
	uint32_t bits; /* of the first argument; ipc(2) has a version in the others */
} multiplexers[] = {
	{"socketcall", socket_calls, array_count(socket_calls), UINT32_MAX},
	{"ipc", ipc_calls, array_count(ipc_calls), 0xffff},
};

/* Its index in `multiplexers`, or their number. */
static size_t multiplexer_of(size_t call)
{
	size_t i = 0;

	while (i < array_count(multiplexers) && strcmp(multiplexers[i].name, seccomp_calls[call].name) != 0)
		i++;
	return i;
}

/* Speaking of the multiplexer, too, can only make it stricter; not doing so leaves it to the calls behind it. */
static size_t place_multiplexer(struct seccomp_builder *builder, const struct compiler *compiler, size_t index)
{
	const struct seccomp_profile *profile = compiler->profile;
	size_t own = find_call(multiplexers[index].name), next = seccomp_place_return(builder, profile->otherwise);
	bool is_named = plain_rule(profile, own) || has_conditions(profile, own);

	for (size_t i = 0; i < multiplexers[index].count; i++) {
		const struct multiplexed *each = &multiplexers[index].calls[i];
		uint32_t verdict = worst_verdict(profile, find_call(each->name));

		if (is_named)
			verdict = strictest(verdict, worst_verdict(profile, own));
		next = seccomp_place_jump(
			builder, BPF_JEQ, each->number, seccomp_place_return(builder, verdict), next);
	}
	if (multiplexers[index].bits != UINT32_MAX)
		seccomp_place_and(builder, multiplexers[index].bits);
	return seccomp_place_load_low(builder, 0);
}

/* Calls of i386 that get a pointer to their arguments. */
static bool has_arguments_in_memory(const struct compiler *compiler, size_t call)
{
	const char *name = seccomp_calls[call].name;

	return compiler->abi == ABI_I386 && (strcmp(name, "mmap") == 0 || strcmp(name, "select") == 0);
}

/* --- the program ------------------------------------------------------------------------------------- */

static size_t place_leaf(struct seccomp_builder *builder, uint64_t leaf, const void *context)
{
	const struct compiler *compiler = context;
	size_t call = (size_t)(leaf & ~LEAF_ARGUMENTS), multiplexer;

	if (!(leaf & LEAF_ARGUMENTS))
		return seccomp_place_return(builder, (uint32_t)leaf);
	multiplexer = multiplexer_of(call);
	return multiplexer < array_count(multiplexers) ? place_multiplexer(builder, compiler, multiplexer)
						       : place_call(builder, compiler, call);
}

static uint64_t decide_leaf(const struct compiler *compiler, size_t call)
{
	if (multiplexer_of(call) < array_count(multiplexers))
		return LEAF_ARGUMENTS | call;
	if (has_arguments_in_memory(compiler, call))
		return worst_verdict(compiler->profile, call);
	return has_conditions(compiler->profile, call) ? LEAF_ARGUMENTS | call : plain_verdict(compiler->profile, call);
}

static void place_abi(struct seccomp_builder *builder, const struct seccomp_profile *profile,
	const struct seccomp_architecture *architecture)
{
	const struct compiler compiler = {profile, architecture->column};
	struct seccomp_leaves leaves = {place_leaf, &compiler, .beyond = SECCOMP_RET_ERRNO | ENOSYS};

	for (size_t slot = 0; slot < SECCOMP_SLOTS; slot++)
		leaves.items[slot] = profile->otherwise;
	for (size_t i = 0; i < seccomp_call_count; i++)
		if (seccomp_calls[i].numbers[architecture->column] != SECCOMP_NO_NUMBER)
			leaves.items[seccomp_slot(seccomp_calls[i].numbers[architecture->column])] =
				decide_leaf(&compiler, i);
	seccomp_place_architecture(builder, architecture->audit, &leaves);
}

int seccomp_profile_compile(const struct seccomp_profile *profile, enum seccomp_machine machine,
	struct seccomp_program *out, struct sandbox_error *error)
{
	struct seccomp_builder builder;

	seccomp_builder_start(&builder);
	seccomp_place_errno(&builder, ENOSYS);
	if (profile->compat)
		place_abi(&builder, profile, &seccomp_machines[machine][1]);
	place_abi(&builder, profile, &seccomp_machines[machine][0]);
	out->flags = profile->flags;
	return seccomp_builder_end(&builder, out, error);
}
