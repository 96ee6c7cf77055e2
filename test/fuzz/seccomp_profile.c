/*
 * Profiles of system calls: whatever the JSON says, what comes out are rules of calls that exist, and a program that
 * ends, within its bounds, with a verdict that the profile names.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "security/capability.h"
#include "security/seccomp_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t value;

	if (offset % sizeof(value) != 0 || offset + sizeof(value) > sizeof(*data))
		abort();
	memcpy(&value, (const char *)data + offset, sizeof(value));
	return value;
}

static bool is_taken(const struct sock_filter *item, uint32_t loaded)
{
	switch (BPF_OP(item->code)) {
	case BPF_JEQ:
		return loaded == item->k;
	case BPF_JGE:
		return loaded >= item->k;
	case BPF_JGT:
		return loaded > item->k;
	default:
		abort();
	}
}

/* Also checks that the program cannot run over its end: every jump leads forward, to an instruction. */
static uint32_t run(const struct seccomp_program *program, const struct seccomp_data *data)
{
	uint32_t loaded = 0;

	for (size_t at = 0; at < program->count; at++) {
		const struct sock_filter *item = &program->items[at];

		if (item->code == (BPF_RET | BPF_K))
			return item->k;
		if (item->code == (BPF_LD | BPF_W | BPF_ABS))
			loaded = load(data, item->k);
		else if (item->code == (BPF_ALU | BPF_AND | BPF_K))
			loaded &= item->k;
		else if (item->code == (BPF_JMP | BPF_JA))
			at += item->k;
		else
			at += is_taken(item, loaded) ? item->jt : item->jf;
	}
	abort();
}

static bool is_named(const struct seccomp_profile *profile, uint32_t verdict)
{
	bool named = verdict == profile->otherwise || verdict == (SECCOMP_RET_ERRNO | 38); /* ENOSYS */

	for (size_t i = 0; i < profile->rule_count; i++)
		named = named || profile->rules[i].verdict == verdict;
	return named;
}

static void check_program(const struct seccomp_profile *profile, const struct seccomp_program *program,
	const struct seccomp_architecture architectures[2])
{
	static const uint64_t values[] = {0, 1, UINT64_C(1) << 32, UINT64_MAX};

	for (uint32_t number = 0; number < 512; number++)
		for (size_t i = 0; i < 2 * array_count(values); i++) {
			uint64_t value = values[i / 2];
			const struct seccomp_data data = {.nr = (int)number, .arch = architectures[i % 2].audit,
				.args = {value, value, value, value, value, value}};

			if (!is_named(profile, run(program, &data)))
				abort();
		}
}

static void check_rules(const struct seccomp_profile *profile)
{
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct seccomp_profile_rule *rule = &profile->rules[i];

		if (rule->call >= seccomp_call_count || rule->condition_count > SECCOMP_CONDITIONS_MAX)
			abort();
		for (size_t j = 0; j < rule->condition_count; j++)
			if (rule->conditions[j].argument >= SECCOMP_CONDITIONS_MAX)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seccomp_circumstances circumstances = {SECCOMP_X86_64, CAPABILITY_DEFAULT, 6, 1};
	auto_finish(seccomp_profile_finish) struct seccomp_profile profile = {0};
	auto_finish(seccomp_program_finish) struct seccomp_program program = {0};
	auto_free char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (seccomp_profile_parse(text, size, "profile", &circumstances, &profile, NULL) < 0)
		return 0;
	check_rules(&profile);
	if (seccomp_profile_compile(&profile, SECCOMP_X86_64, &program, NULL) == 0)
		check_program(&profile, &program, seccomp_machines[SECCOMP_X86_64]);
	return 0;
}
