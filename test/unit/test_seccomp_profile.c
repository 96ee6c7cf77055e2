/*
 * Profiles of the user's: what is read, what is refused with which words, and the verdicts of the compiled program, on
 * every architecture. libseccomp compiles the same rules, and where both can hold them the verdicts are the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "bpf_machine.h"
#include "security/capability.h"
#include "security/seccomp_profile.h"

static const char shipped[] = "/usr/share/containers/seccomp.json";

#define BIT     CAPABILITY_BIT
#define HIGH    (UINT64_C(1) << 32)
#define ALLOWED SECCOMP_RET_ALLOW
#define FAILS(code) (SECCOMP_RET_ERRNO | (code))
#define ARCHES  "\"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"], "

static const struct seccomp_circumstances here = {SECCOMP_X86_64, CAPABILITY_DEFAULT, 6, 1};

static struct seccomp_program compile_for(const char *text, const struct seccomp_circumstances *circumstances)
{
	auto_finish(seccomp_profile_finish) struct seccomp_profile profile = {0};
	struct seccomp_program program = {0};
	struct sandbox_error error = {0};

	if (seccomp_profile_parse(text, strlen(text), "test", circumstances, &profile, &error) < 0 ||
	    seccomp_profile_compile(&profile, circumstances->machine, &program, &error) < 0)
		fail_msg("%s", error.text);
	return program;
}

static uint32_t ask(const struct seccomp_program *program, uint32_t audit, uint32_t number, uint64_t first, uint64_t second,
	uint64_t third)
{
	const struct seccomp_data data = {.nr = (int)number, .arch = audit, .args = {first, second, third}};

	return bpf_run(program, &data);
}

struct row {
	uint32_t audit;
	uint32_t number;
	uint64_t args[3];
	uint32_t wanted;
};

static void check_rows_of(
	const char *text, const struct seccomp_circumstances *circumstances, const struct row *rows, size_t count)
{
	auto_finish(seccomp_program_finish) struct seccomp_program program = compile_for(text, circumstances);

	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		uint32_t got = ask(&program, row->audit, row->number, row->args[0], row->args[1], row->args[2]);

		if (got != row->wanted)
			fail_msg("row %zu: %#x instead of %#x", i, got, row->wanted);
	}
}

#define check_rows(text, rows) check_rows_of(text, &here, rows, array_count(rows))

/* --- verdicts ---------------------------------------------------------------------------------------- */

static void calls_get_their_action(void **state)
{
	static const char text[] = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, " ARCHES "\"syscalls\": ["
		"{\"names\": [\"read\", \"write\", \"no_such_call_yet\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		"{\"name\": \"getpid\", \"action\": \"SCMP_ACT_LOG\"},"
		"{\"names\": [\"reboot\"], \"action\": \"SCMP_ACT_KILL_PROCESS\"},"
		"{\"names\": [\"swapon\"], \"action\": \"SCMP_ACT_KILL\"},"
		"{\"names\": [\"swapoff\"], \"action\": \"SCMP_ACT_TRAP\", \"comment\": \"none\"},"
		"{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\"},"
		"{\"names\": [\"umount2\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 13, \"errno\": \"ENODEV\"},"
		"{\"names\": [\"chroot\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 13}]}";
	static const struct row rows[] = {
		{AUDIT_ARCH_X86_64, 0, {0}, ALLOWED}, {AUDIT_ARCH_X86_64, 1, {0}, ALLOWED},
		{AUDIT_ARCH_I386, 3, {0}, ALLOWED}, {AUDIT_ARCH_X86_64, 2, {0}, FAILS(ENOSYS)},
		{AUDIT_ARCH_X86_64, 39, {0}, SECCOMP_RET_LOG},
		{AUDIT_ARCH_X86_64, 169, {0}, SECCOMP_RET_KILL_PROCESS}, {AUDIT_ARCH_I386, 88, {0}, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_X86_64, 167, {0}, SECCOMP_RET_KILL_THREAD}, {AUDIT_ARCH_X86_64, 168, {0}, SECCOMP_RET_TRAP},
		{AUDIT_ARCH_X86_64, 165, {0}, FAILS(EPERM)}, {AUDIT_ARCH_X86_64, 166, {0}, FAILS(ENODEV)},
		{AUDIT_ARCH_X86_64, 161, {0}, FAILS(EACCES)},
		{AUDIT_ARCH_X86_64, 4096, {0}, FAILS(ENOSYS)}, {AUDIT_ARCH_X86_64, UINT32_MAX, {0}, FAILS(ENOSYS)},
		/* x32 and strangers, whatever the profile says. */
		{AUDIT_ARCH_X86_64, 0x40000000, {0}, FAILS(ENOSYS)}, {AUDIT_ARCH_X86_64, 0x40000001, {0}, FAILS(ENOSYS)},
		{AUDIT_ARCH_AARCH64, 63, {0}, FAILS(ENOSYS)}, {0, 0, {0}, FAILS(ENOSYS)},
	};

	(void)state;
	check_rows(text, rows);
}

static void what_is_not_named_gets_the_default(void **state)
{
	static const char deny[] = "{\"defaultAction\": \"SCMP_ACT_ALLOW\", " ARCHES
		"\"syscalls\": [{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\"}]}";
	static const char empty[] = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": \"ENOSYS\"}";
	static const struct row denied[] = {
		{AUDIT_ARCH_X86_64, 165, {0}, FAILS(EPERM)}, {AUDIT_ARCH_I386, 21, {0}, FAILS(EPERM)},
		{AUDIT_ARCH_X86_64, 164, {0}, ALLOWED}, {AUDIT_ARCH_X86_64, 1000, {0}, ALLOWED},
		/* x32 would get around it. */
		{AUDIT_ARCH_X86_64, 0x40000000 | 165, {0}, FAILS(ENOSYS)}, {AUDIT_ARCH_X86_64, UINT32_MAX, {0}, FAILS(ENOSYS)},
	};
	static const struct row nothing[] = {
		{AUDIT_ARCH_X86_64, 0, {0}, FAILS(ENOSYS)}, {AUDIT_ARCH_X86_64, 165, {0}, FAILS(ENOSYS)},
		{AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, {0}, FAILS(ENOSYS)}, {AUDIT_ARCH_I386, 3, {0}, FAILS(ENOSYS)},
	};

	(void)state;
	check_rows(deny, denied);
	check_rows(empty, nothing);
}

static void architectures_are_chosen(void **state)
{
	static const char rules[] = "\"syscalls\": [{\"names\": [\"getpid\"], \"action\": \"SCMP_ACT_ALLOW\"}]}";
	static const struct seccomp_circumstances arm = {SECCOMP_AARCH64, 0, 6, 1};
	static const struct {
		const char *start;
		bool compat;
	} starts[] = {
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", ", false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86_64\"], ", false},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_ARM\"], ", true},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\", "
		 "\"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]}, {\"architecture\": \"SCMP_ARCH_AARCH64\", "
		 "\"subArchitectures\": [\"SCMP_ARCH_ARM\"]}], ", true},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"archMap\": [{\"architecture\": \"SCMP_ARCH_S390X\", "
		 "\"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_ARM\"]}], ", false},
	};

	(void)state;
	for (size_t i = 0; i < array_count(starts); i++) {
		auto_free char *text = memory_format("%s%s", starts[i].start, rules);
		uint32_t compat = starts[i].compat ? ALLOWED : FAILS(ENOSYS);
		const struct row x86[] = {{AUDIT_ARCH_X86_64, 39, {0}, ALLOWED}, {AUDIT_ARCH_I386, 20, {0}, compat}};
		const struct row arms[] = {{AUDIT_ARCH_AARCH64, 172, {0}, ALLOWED}, {AUDIT_ARCH_ARM, 20, {0}, compat},
			{AUDIT_ARCH_X86_64, 39, {0}, FAILS(ENOSYS)}};

		check_rows(text, x86);
		check_rows_of(text, &arm, arms, array_count(arms));
	}
}

/* openat with a condition, the others refused. Its first argument decides. */
static void conditions_compare_64_bits(void **state)
{
	static const struct {
		const char *op;
		uint64_t value, second, argument;
		bool holds;
	} cases[] = {
		{"EQ", 5, 0, 5, true}, {"EQ", 5, 0, 4, false}, {"EQ", 5, 0, HIGH | 5, false},
		{"EQ", HIGH | 5, 0, HIGH | 5, true}, {"EQ", HIGH | 5, 0, 5, false},
		{"NE", 5, 0, 4, true}, {"NE", 5, 0, 5, false},
		{"NE", HIGH | 5, 0, 5, true}, {"NE", HIGH | 5, 0, HIGH | 5, false},
		{"LT", 5, 0, 4, true}, {"LT", 5, 0, 5, false}, {"LT", 5, 0, HIGH, false}, {"LT", HIGH, 0, UINT32_MAX, true},
		{"LT", HIGH | 5, 0, HIGH | 4, true}, {"LT", HIGH | 5, 0, HIGH | 5, false},
		{"LE", 5, 0, 5, true}, {"LE", 5, 0, 6, false}, {"LE", 5, 0, HIGH, false}, {"LE", HIGH, 0, HIGH, true},
		{"LE", HIGH, 0, HIGH | 1, false},
		{"GT", 5, 0, 6, true}, {"GT", 5, 0, 5, false}, {"GT", 5, 0, HIGH, true}, {"GT", HIGH | 5, 0, 6, false},
		{"GT", HIGH | 5, 0, HIGH | 6, true}, {"GT", 0, 0, 0, false},
		{"GE", 5, 0, 5, true}, {"GE", 5, 0, 4, false}, {"GE", HIGH, 0, UINT32_MAX, false}, {"GE", HIGH, 0, HIGH, true},
		{"GE", 0, 0, 0, true}, {"GE", UINT64_MAX, 0, UINT64_MAX, true}, {"GE", UINT64_MAX, 0, UINT64_MAX - 1, false},
		{"MASKED_EQ", 0x7e020000, 0, 0x11, true}, {"MASKED_EQ", 0x7e020000, 0, 0x10000000, false},
		{"MASKED_EQ", 0x7e020000, 0, HIGH | 0x10000000, false}, {"MASKED_EQ", 0xf0, 0x10, 0x1f, true},
		{"MASKED_EQ", 0xf0, 0x10, 0x2f, false}, {"MASKED_EQ", HIGH, HIGH, HIGH | 7, true},
		{"MASKED_EQ", HIGH, HIGH, 7, false}, {"MASKED_EQ", HIGH, 0, 7, true}, {"MASKED_EQ", 0xf0, 0x1f, 0x1f, false},
	};

	(void)state;
	for (size_t i = 0; i < array_count(cases); i++) {
		auto_free char *text = memory_format("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": "
			"[\"openat\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": %llu, "
			"\"valueTwo\": %llu, \"op\": \"SCMP_CMP_%s\"}]}]}", (unsigned long long)cases[i].value,
			(unsigned long long)cases[i].second, cases[i].op);
		const struct row row[] = {
			{AUDIT_ARCH_X86_64, 257, {cases[i].argument}, cases[i].holds ? ALLOWED : FAILS(EPERM)}};

		check_rows(text, row);
	}
}

/* TIOCSTI with a bit set that the kernel does not look at: CVE-2019-7303, CVE-2019-10063. */
static void high_bits_get_around_nothing(void **state)
{
	static const char deny[] = "{\"defaultAction\": \"SCMP_ACT_ALLOW\", " ARCHES "\"syscalls\": [{\"names\": [\"ioctl\"], "
		"\"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_EQ\"}]},"
		"{\"names\": [\"getpriority\"], \"action\": \"SCMP_ACT_ERRNO\", "
		"\"args\": [{\"index\": 1, \"value\": 18446744073709551615, \"op\": \"SCMP_CMP_EQ\"}]}]}";
	static const char allow[] = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " ARCHES "\"syscalls\": [{\"names\": [\"ioctl\"], "
		"\"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_NE\"}]}]}";
	/* No stricter than the default, and yet what keeps the other entry from allowing it. */
	static const char except[] = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " ARCHES "\"syscalls\": [{\"names\": [\"ioctl\"], "
		"\"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}]}, "
		"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", "
		"\"args\": [{\"index\": 1, \"value\": 21522, \"op\": \"SCMP_CMP_EQ\"}]}]}";
	static const struct row rows[] = {
		{AUDIT_ARCH_X86_64, 16, {0, TCGETS}, ALLOWED}, {AUDIT_ARCH_X86_64, 16, {0, TIOCSTI}, FAILS(EPERM)},
		{AUDIT_ARCH_X86_64, 16, {0, HIGH | TIOCSTI}, FAILS(EPERM)},
		{AUDIT_ARCH_X86_64, 16, {0, UINT64_MAX << 32 | TIOCSTI}, FAILS(EPERM)},
		{AUDIT_ARCH_I386, 54, {0, TIOCSTI}, FAILS(EPERM)}, {AUDIT_ARCH_I386, 54, {0, TCGETS}, ALLOWED},
	};
	static const struct row negative[] = {
		{AUDIT_ARCH_X86_64, 140, {0, UINT64_MAX}, FAILS(EPERM)}, {AUDIT_ARCH_I386, 96, {0, UINT32_MAX}, FAILS(EPERM)},
		{AUDIT_ARCH_X86_64, 140, {0, UINT32_MAX}, FAILS(EPERM)}, {AUDIT_ARCH_X86_64, 140, {0, 1}, ALLOWED},
		{AUDIT_ARCH_I386, 96, {0, 1}, ALLOWED},
	};

	(void)state;
	check_rows(deny, rows);
	check_rows(deny, negative);
	check_rows(allow, rows);
	check_rows(except, rows);
}

static void the_strictest_entry_decides(void **state)
{
#define CONDITION(argument, value) \
	"\"args\": [{\"index\": " #argument ", \"value\": " #value ", \"op\": \"SCMP_CMP_EQ\"}]"
	static const char text[] = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": ["
		/* Of entries without conditions the first; libseccomp does likewise. */
		"{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		"{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\"},"
		/* An entry for everything does not wipe out a stricter one, in whichever order. */
		"{\"names\": [\"kill\"], \"action\": \"SCMP_ACT_KILL_PROCESS\", " CONDITION(0, 7) "},"
		"{\"names\": [\"kill\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		"{\"names\": [\"tkill\"], \"action\": \"SCMP_ACT_ALLOW\"},"
		"{\"names\": [\"tkill\"], \"action\": \"SCMP_ACT_TRAP\", " CONDITION(1, 7) "},"
		/* A looser one says nothing. */
		"{\"names\": [\"tgkill\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 5},"
		"{\"names\": [\"tgkill\"], \"action\": \"SCMP_ACT_ALLOW\", " CONDITION(0, 7) "},"
		/* Conditions that hold at once. */
		"{\"names\": [\"dup2\"], \"action\": \"SCMP_ACT_ALLOW\", " CONDITION(0, 1) "},"
		"{\"names\": [\"dup2\"], \"action\": \"SCMP_ACT_LOG\", " CONDITION(1, 2) "},"
		"{\"names\": [\"dup2\"], \"action\": \"SCMP_ACT_KILL_THREAD\", " CONDITION(2, 3) "}]}";
#undef CONDITION
	static const struct row rows[] = {
		{AUDIT_ARCH_X86_64, 165, {0}, ALLOWED},
		{AUDIT_ARCH_X86_64, 62, {7}, SECCOMP_RET_KILL_PROCESS}, {AUDIT_ARCH_X86_64, 62, {8}, ALLOWED},
		{AUDIT_ARCH_X86_64, 200, {0, 7}, SECCOMP_RET_TRAP}, {AUDIT_ARCH_X86_64, 200, {7, 0}, ALLOWED},
		{AUDIT_ARCH_X86_64, 234, {7}, FAILS(EIO)}, {AUDIT_ARCH_X86_64, 234, {8}, FAILS(EIO)},
		{AUDIT_ARCH_X86_64, 33, {1}, ALLOWED}, {AUDIT_ARCH_X86_64, 33, {0, 2}, SECCOMP_RET_LOG},
		{AUDIT_ARCH_X86_64, 33, {1, 2}, SECCOMP_RET_LOG}, {AUDIT_ARCH_X86_64, 33, {1, 2, 3}, SECCOMP_RET_KILL_THREAD},
		{AUDIT_ARCH_X86_64, 33, {0}, FAILS(EPERM)},
	};

	(void)state;
	check_rows(text, rows);
}

static void two_conditions_on_one_argument_are_alternatives(void **state)
{
	static const char text[] = "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"personality\"], "
		"\"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}, "
		"{\"index\": 0, \"value\": 8, \"op\": \"SCMP_CMP_EQ\"}]}, {\"names\": [\"openat\"], \"action\": "
		"\"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}, "
		"{\"index\": 1, \"value\": 8, \"op\": \"SCMP_CMP_EQ\"}]}]}";
	static const struct row rows[] = {
		{AUDIT_ARCH_X86_64, 135, {0}, ALLOWED}, {AUDIT_ARCH_X86_64, 135, {8}, ALLOWED},
		{AUDIT_ARCH_X86_64, 135, {9}, FAILS(EPERM)}, {AUDIT_ARCH_X86_64, 257, {1, 8}, ALLOWED},
		{AUDIT_ARCH_X86_64, 257, {1, 9}, FAILS(EPERM)}, {AUDIT_ARCH_X86_64, 257, {0, 8}, FAILS(EPERM)},
	};

	(void)state;
	check_rows(text, rows);
}

/* What lies behind i386's socketcall and ipc, and the arguments of its mmap and select, no filter sees. */
static void conditions_hold_behind_one_number(void **state)
{
#define START "{\"defaultAction\": \"SCMP_ACT_ERRNO\", " ARCHES "\"syscalls\": [" \
	"{\"names\": [\"bind\", \"semop\", \"read\"], \"action\": \"SCMP_ACT_ALLOW\"}," \
	"{\"names\": [\"shmat\"], \"action\": \"SCMP_ACT_KILL_PROCESS\"}," \
	"{\"names\": [\"socket\", \"semctl\", \"mmap\", \"select\", \"mmap2\"], \"action\": \"SCMP_ACT_ALLOW\", " \
	"\"args\": [{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}]}"
	static const struct row rows[] = {
		{AUDIT_ARCH_X86_64, 41, {1}, ALLOWED}, {AUDIT_ARCH_X86_64, 41, {2}, FAILS(EPERM)},
		{AUDIT_ARCH_I386, 359, {1}, ALLOWED}, {AUDIT_ARCH_I386, 359, {2}, FAILS(EPERM)},
		{AUDIT_ARCH_I386, 102, {1}, FAILS(EPERM)}, {AUDIT_ARCH_I386, 102, {2}, ALLOWED},
		{AUDIT_ARCH_I386, 102, {3}, FAILS(EPERM)}, {AUDIT_ARCH_I386, 102, {99}, FAILS(EPERM)},
		{AUDIT_ARCH_I386, 117, {1}, ALLOWED}, {AUDIT_ARCH_I386, 117, {0x10001}, ALLOWED},
		{AUDIT_ARCH_I386, 117, {3}, FAILS(EPERM)}, {AUDIT_ARCH_I386, 117, {0x10003}, FAILS(EPERM)},
		{AUDIT_ARCH_I386, 117, {21}, SECCOMP_RET_KILL_PROCESS},
		{AUDIT_ARCH_I386, 90, {1}, FAILS(EPERM)}, {AUDIT_ARCH_X86_64, 9, {1}, ALLOWED},
		{AUDIT_ARCH_I386, 192, {1}, ALLOWED}, {AUDIT_ARCH_I386, 82, {1}, FAILS(EPERM)},
	};
	static const struct row refused[] = {
		{AUDIT_ARCH_I386, 102, {1}, FAILS(EPERM)}, {AUDIT_ARCH_I386, 102, {2}, FAILS(EPERM)},
		{AUDIT_ARCH_I386, 117, {1}, ALLOWED},
	};

	(void)state;
	check_rows(START "]}", rows);
	/* Allowed by their own names they are still no way around. */
	check_rows(START ", {\"names\": [\"socketcall\", \"ipc\"], \"action\": \"SCMP_ACT_ALLOW\"}]}", rows);
	check_rows(START ", {\"names\": [\"socketcall\"], \"action\": \"SCMP_ACT_ERRNO\"}]}", refused);
#undef START
}

static void circumstances_decide(void **state)
{
	static const struct {
		const char *terms;
		bool applies;
	} cases[] = {
		{"\"includes\": {}, \"excludes\": {}", true},
		{"\"includes\": {\"caps\": [\"CAP_CHOWN\"]}", true},
		{"\"includes\": {\"caps\": [\"CAP_CHOWN\", \"CAP_SYS_ADMIN\"]}", false},
		{"\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}", true},
		{"\"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\", \"CAP_CHOWN\"]}", false},
		{"\"includes\": {\"arches\": [\"arm64\", \"amd64\"]}", true},
		{"\"includes\": {\"arches\": [\"x86\", \"x32\", \"s390x\"]}", false},
		{"\"excludes\": {\"arches\": [\"amd64\"]}", false},
		{"\"excludes\": {\"arches\": [\"arm64\", \"x86\"]}", true},
		{"\"includes\": {\"minKernel\": \"6.1\"}", true},
		{"\"includes\": {\"minKernel\": \"4.19\"}", true},
		{"\"includes\": {\"minKernel\": \"6.2\"}", false},
		{"\"includes\": {\"minKernel\": \"7.0\"}", false},
		{"\"excludes\": {\"minKernel\": \"6.1\"}", false},
		{"\"excludes\": {\"minKernel\": \"6.10\"}", true},
		{"\"includes\": {\"caps\": [\"CAP_CHOWN\"], \"minKernel\": \"7.0\"}", false},
		{"\"includes\": {\"caps\": null, \"arches\": []}, \"excludes\": null", true},
	};

	(void)state;
	for (size_t i = 0; i < array_count(cases); i++) {
		auto_free char *text = memory_format("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": "
			"[\"mount\"], \"action\": \"SCMP_ACT_ALLOW\", %s}]}", cases[i].terms);
		const struct row row[] = {{AUDIT_ARCH_X86_64, 165, {0}, cases[i].applies ? ALLOWED : FAILS(EPERM)}};

		check_rows(text, row);
	}
}

/* --- errors ------------------------------------------------------------------------------------------ */

static void mistakes_name_their_place(void **state)
{
#define ENTRY(text) "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"mount\"], " text "}]}"
#define ARGS(text)  ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"args\": [" text "]")
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "parse JSON"}, {"{", "unexpected end"}, {"[]", "profile: not an object"}, {"{}",
		 "profile.defaultAction: missing"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\"} {}", "parse JSON"},
		{"{\"defaultAction\": \"ALLOW\"}", "profile.defaultAction: not an action"},
		{"{\"defaultAction\": \"SCMP_ACT_TRACE\"}", "SCMP_ACT_TRACE needs a tracer"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultAction\": \"SCMP_ACT_KILL\"}", "given twice"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscals\": []}", "profile.syscals: not known"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}", "only SCMP_ACT_ERRNO"},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4096}",
		 "profile.defaultErrnoRet: not between"},
		{"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrno\": \"ENOTHING\"}", "profile.defaultErrno"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/run/x\"}", "profile.listenerPath"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]}",
		 "flags.SECCOMP_"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_VAX\"]}",
		 "architectures.SCMP_ARCH_VAX"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [1]}", "architectures[0]: expected string"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86\"], \"archMap\": [{}]}",
		 "archMap: give"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"archMap\": [{}]}", "archMap[0].architecture: missing"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": {}}", "profile.syscalls: expected array"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [1]}", "syscalls[0]: not an object"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"action\": \"SCMP_ACT_KILL\"}]}",
		 "syscalls[0].names: give"},
		{"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a_misspelt_call\"], "
		 "\"action\": \"SCMP_ACT_ERRNO\"}]}", "syscalls[0].names.a_misspelt_call: not a system call"},
		{ENTRY("\"action\": \"SCMP_ACT_NOTIFY\""), "syscalls[0].action: SCMP_ACT_NOTIFY needs"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"errnoRet\": 1"), "syscalls[0].errnoRet: only"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"name\": \"mount\""), "syscalls[0].names: give"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"exclude\": {}"), "syscalls[0].exclude: not known"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"cap\": []}"), "syscalls[0].includes.cap: not known"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"excludes\": {\"caps\": [\"CAP_X\"]}"),
		 "syscalls[0].excludes.caps.CAP_X"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": [\"vax\"]}"),
		 "syscalls[0].includes.arches.vax"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"minKernel\": \"new\"}"),
		 "syscalls[0].includes.minKernel"},
		{ENTRY("\"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"minKernel\": \"4.\"}"),
		 "syscalls[0].includes.minKernel"},
		{ARGS("{\"index\": 6, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}"), "syscalls[0].args[0].index: not between 0 and 5"},
		{ARGS("{\"index\": 0, \"value\": -1, \"op\": \"SCMP_CMP_EQ\"}"), "syscalls[0].args[0].value: not between"},
		{ARGS("{\"index\": 0, \"value\": 1.5, \"op\": \"SCMP_CMP_EQ\"}"), "syscalls[0].args[0].value: expected int"},
		{ARGS("{\"index\": 0, \"value\": 1}"), "syscalls[0].args[0].op: missing"},
		{ARGS("{\"index\": 0, \"value\": 1, \"op\": \"EQ\"}"), "syscalls[0].args[0].op: not a comparison"},
		{ARGS("1"), "syscalls[0].args[0]: not an object"},
	};
#undef ARGS
#undef ENTRY

	(void)state;
	for (size_t i = 0; i < array_count(cases); i++) {
		struct sandbox_error error = {0};
		struct seccomp_profile profile;

		if (seccomp_profile_parse(cases[i].text, strlen(cases[i].text), "test", &here, &profile, &error) == 0)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(error.text, cases[i].error) || error.id != SANDBOX_E_SECCOMP_PROFILE)
			fail_msg("%s: %s", cases[i].text, error.text);
		seccomp_profile_finish(&profile);
	}
}

/* Far more conditions than a jump is long are held; more than the kernel takes are an error. */
static void long_profiles_are_held_or_refused(void **state)
{
	(void)state;
	for (unsigned int count = 300; count <= 3000; count += 2700) {
		auto_finish(seccomp_profile_finish) struct seccomp_profile profile = {0};
		auto_finish(seccomp_program_finish) struct seccomp_program program = {0};
		auto_free char *text = memory_text("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [");
		int result;

		for (unsigned int i = 0; i < count; i++)
			memory_append(&text, "%s{\"name\": \"dup\", \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, "
				"\"value\": %u, \"op\": \"SCMP_CMP_EQ\"}]}", i ? ", " : "", i * 2);
		memory_append(&text, "]}");
		assert_int_equal(seccomp_profile_parse(text, strlen(text), "test", &here, &profile, NULL), 0);
		result = seccomp_profile_compile(&profile, SECCOMP_X86_64, &program, NULL);
		assert_int_equal(result, count == 300 ? 0 : -E2BIG);
		for (unsigned int i = 0; result == 0 && i < 2 * count; i++)
			assert_int_equal(ask(&program, AUDIT_ARCH_X86_64, 32, i, 0, 0), i % 2 ? FAILS(EPERM) : ALLOWED);
	}
}

/* --- the profile that container tools ship ----------------------------------------------------------- */

static char *read_shipped(void)
{
	char *text = NULL;

	if (file_read(AT_FDCWD, shipped, 1 << 20, &text, NULL, NULL) < 0)
		skip();
	return text;
}

static struct seccomp_program compile_by_libseccomp(const struct seccomp_profile *profile)
{
	struct seccomp_program program = {0};
	auto_close int file = memfd_create("program", MFD_CLOEXEC);
	scmp_filter_ctx filter = seccomp_init(profile->otherwise);
	struct stat status;

	assert_true(file >= 0 && filter);
	assert_int_equal(seccomp_arch_add(filter, SCMP_ARCH_X86), 0);
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct seccomp_profile_rule *rule = &profile->rules[i];
		int number = seccomp_syscall_resolve_name(seccomp_calls[rule->call].name);
		struct scmp_arg_cmp conditions[SECCOMP_CONDITIONS_MAX];

		if (number == __NR_SCMP_ERROR || rule->verdict == profile->otherwise)
			continue;
		for (size_t j = 0; j < rule->condition_count; j++)
			conditions[j] = (struct scmp_arg_cmp){rule->conditions[j].argument,
				rule->conditions[j].comparison == SECCOMP_EQUAL ? SCMP_CMP_EQ : SCMP_CMP_NE,
				rule->conditions[j].value, 0};
		assert_int_equal(seccomp_rule_add_array(filter, rule->verdict, number, (unsigned int)rule->condition_count,
			conditions), 0);
	}
	assert_int_equal(seccomp_export_bpf(filter, file), 0);
	seccomp_release(filter);
	assert_int_equal(fstat(file, &status), 0);
	program.count = (size_t)status.st_size / sizeof(*program.items);
	program.items = memory_zeroed(program.count, sizeof(*program.items));
	assert_int_equal(pread(file, program.items, (size_t)status.st_size, 0), status.st_size);
	return program;
}

/* Every call, with arguments that its conditions tell apart. */
static void compare_programs(const struct seccomp_program *ours, const struct seccomp_program *theirs)
{
	static const uint64_t values[] = {0, 1, 8, 9, 16, 0x20000, 0x20008, UINT32_MAX, 0x10000000};

	for (uint32_t number = 0; number < 512; number++)
		for (int compat = 0; compat < 2; compat++)
			for (size_t i = 0; i < array_count(values) * array_count(values); i++) {
				uint64_t first = values[i % array_count(values)], third = values[i / array_count(values)];
				uint32_t audit = compat ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
				uint32_t got = ask(ours, audit, number, first, 0, third);
				uint32_t wanted = ask(theirs, audit, number, first, 0, third);

				/* socketcall and ipc: libseccomp does not see through them. */
				if (compat && (number == 102 || number == 117) && seccomp_verdict_stricter(got, wanted))
					continue;
				/* Calls that a libseccomp of Debian 12 does not know. */
				if (got != wanted && number <= 450)
					fail_msg("number %u (%#lx, %#lx), compat %d: %#x instead of %#x", number,
						(unsigned long)first, (unsigned long)third, compat, got, wanted);
			}
}

static void the_shipped_profile_is_that_of_libseccomp(void **state)
{
	static const uint64_t capabilities[] = {0, CAPABILITY_DEFAULT, CAPABILITY_DEFAULT | BIT(CAP_SYS_ADMIN),
		BIT(CAP_AUDIT_WRITE) | BIT(CAP_SYS_PTRACE), UINT64_MAX};
	auto_free char *text = read_shipped();

	(void)state;
	for (size_t i = 0; i < array_count(capabilities); i++) {
		const struct seccomp_circumstances circumstances = {SECCOMP_X86_64, capabilities[i], 6, 1};
		auto_finish(seccomp_profile_finish) struct seccomp_profile profile = {0};
		auto_finish(seccomp_program_finish) struct seccomp_program ours = {0}, theirs = {0};

		assert_int_equal(seccomp_profile_parse(text, strlen(text), shipped, &circumstances, &profile, NULL), 0);
		assert_int_equal(seccomp_profile_compile(&profile, SECCOMP_X86_64, &ours, NULL), 0);
		theirs = compile_by_libseccomp(&profile);
		compare_programs(&ours, &theirs);
	}
}

static void the_shipped_profile_holds(void **state)
{
	static const struct row plain[] = {
		{AUDIT_ARCH_X86_64, 0, {0}, ALLOWED}, {AUDIT_ARCH_X86_64, 161, {0}, ALLOWED}, /* chroot: by its capability */
		{AUDIT_ARCH_X86_64, 321, {0}, FAILS(EPERM)}, /* bpf */
		{AUDIT_ARCH_X86_64, 135, {8}, ALLOWED}, {AUDIT_ARCH_X86_64, 135, {0x400000}, FAILS(ENOSYS)},
		{AUDIT_ARCH_X86_64, 41, {AF_NETLINK, 3, 0}, ALLOWED}, {AUDIT_ARCH_X86_64, 41, {AF_NETLINK, 3, 9}, FAILS(EINVAL)},
		{AUDIT_ARCH_X86_64, 41, {AF_INET, 1, 9}, ALLOWED},
		{AUDIT_ARCH_X86_64, 41, {HIGH | AF_NETLINK, 3, HIGH | 9}, FAILS(EINVAL)},
		{AUDIT_ARCH_I386, 359, {AF_NETLINK, 3, 9}, FAILS(EINVAL)}, {AUDIT_ARCH_I386, 102, {1}, FAILS(ENOSYS)},
		{AUDIT_ARCH_I386, 102, {2}, ALLOWED}, {AUDIT_ARCH_I386, 117, {1}, ALLOWED},
		{AUDIT_ARCH_X86_64, 0x40000000, {0}, FAILS(ENOSYS)}, {AUDIT_ARCH_X86_64, 470, {0}, FAILS(ENOSYS)},
	};
	static const struct row admin[] = {{AUDIT_ARCH_X86_64, 321, {0}, ALLOWED}, {AUDIT_ARCH_I386, 102, {1}, ALLOWED}};
	static const struct seccomp_circumstances full = {SECCOMP_X86_64, UINT64_MAX, 6, 1};
	auto_free char *text = read_shipped();

	(void)state;
	check_rows(text, plain);
	check_rows_of(text, &full, admin, array_count(admin));
}

/* --- the kernel -------------------------------------------------------------------------------------- */

static int use_shipped(const char *path)
{
	auto_finish(seccomp_program_finish) struct seccomp_program program = {0};
	auto_free char *summary = NULL, *text = NULL;

	if (seccomp_profile_load(path, CAPABILITY_DEFAULT, &program, &summary, &text, NULL) < 0 || !strstr(summary, path))
		return 1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_program_load(&program, NULL) < 0)
		return 2;
	if (syscall(SYS_bpf, 0, NULL, 0) != -1 || errno != EPERM || syscall(SYS_personality, 0x400000) != -1 ||
	    errno != ENOSYS)
		return 3;
	if (syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 9) != -1 || errno != EINVAL || socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		return 4;
	return syscall(SYS_socket, AF_NETLINK | HIGH, SOCK_RAW, 9 | HIGH) == -1 && errno == EINVAL ? 0 : 5;
}

static void the_kernel_agrees(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (access(shipped, R_OK) < 0)
		skip();
	child = fork();
	if (child == 0)
		_exit(use_shipped(shipped));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_get_their_action),
		cmocka_unit_test(what_is_not_named_gets_the_default),
		cmocka_unit_test(architectures_are_chosen),
		cmocka_unit_test(conditions_compare_64_bits),
		cmocka_unit_test(high_bits_get_around_nothing),
		cmocka_unit_test(the_strictest_entry_decides),
		cmocka_unit_test(two_conditions_on_one_argument_are_alternatives),
		cmocka_unit_test(conditions_hold_behind_one_number),
		cmocka_unit_test(circumstances_decide),
		cmocka_unit_test(mistakes_name_their_place),
		cmocka_unit_test(long_profiles_are_held_or_refused),
		cmocka_unit_test(the_shipped_profile_is_that_of_libseccomp),
		cmocka_unit_test(the_shipped_profile_holds),
		cmocka_unit_test(the_kernel_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
