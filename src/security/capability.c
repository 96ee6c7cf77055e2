#include "security/capability.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/test_switch.h"
#include "base/text.h"

enum { CAPABILITY_NUMBERS = 64 };

uint64_t capability_all(void)
{
	int count = cap_max_bits();

	return count >= CAPABILITY_NUMBERS ? UINT64_MAX : CAPABILITY_BIT(count) - 1;
}

int capability_number(const char *name)
{
	auto_free char *full = memory_format("%s%s", strncasecmp(name, "cap_", 4) == 0 ? "" : "cap_", name);
	cap_value_t number;

	/* cap_from_name stops at what ends a name in cap_from_text(3), and takes the rest for nothing. */
	if (strspn(full, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") != strlen(full))
		return -1;
	return cap_from_name(full, &number) == 0 && number < CAPABILITY_NUMBERS ? number : -1;
}

/* One of the two lists, understood. */
struct capability_list {
	uint64_t mask;
	bool all;
};

static int explain_unknown(const char *name, struct sandbox_error *error)
{
	auto_free char *shown = text_escape(name);

	error_set(error, 0, "unknown capability \"%s\"", shown);
	error_cause(error, SANDBOX_E_CAPABILITY, "neither capabilities(7) nor this program knows that name");
	return error_fix(
		error, "write CHOWN, CAP_CHOWN, NET_RAW… or ALL; `capsh --print` lists the kernel's");
}

static int parse_list(
	const struct sandbox_strings *names, struct capability_list *out, struct sandbox_error *error)
{
	struct capability_list list = {0};

	for (size_t i = 0; names && i < names->count; i++) {
		const char *name = names->items[i];
		int number = capability_number(name);

		if (strcasecmp(name, "ALL") == 0)
			list.all = true;
		else if (number >= 0)
			list.mask |= CAPABILITY_BIT(number);
		else
			return explain_unknown(name, error);
	}
	*out = list;
	return 0;
}

static int refuse_contradiction(
	const struct capability_list *add, const struct capability_list *drop, struct sandbox_error *error)
{
	auto_free char *names = capability_format(add->mask & drop->mask);

	if (!(add->mask & drop->mask) && !(add->all && drop->all))
		return 0;
	error_set(error, 0, "capability %s is both added and dropped", add->all && drop->all ? "ALL" : names);
	error_cause(error, SANDBOX_E_CAPABILITY, "--cap-add and --cap-drop name the same capability");
	return error_fix(error, "leave it out of one of them");
}

static int refuse_absent(uint64_t absent, struct sandbox_error *error)
{
	auto_free char *names = capability_format(absent);

	if (!absent)
		return 0;
	error_set(error, 0, "capability %s cannot be added", names);
	error_cause(error, SANDBOX_E_CAPABILITY, "the running kernel does not have it");
	return error_fix(
		error, "leave it out; /proc/sys/kernel/cap_last_cap is the last one that this kernel has");
}

int capability_decide(const struct sandbox_strings *add, const struct sandbox_strings *drop,
	uint64_t *out_mask, struct sandbox_error *error)
{
	struct capability_list added, dropped;
	uint64_t mask, all = capability_all();
	int result;

	result = parse_list(add, &added, error);
	if (result == 0)
		result = parse_list(drop, &dropped, error);
	if (result == 0)
		result = refuse_contradiction(&added, &dropped, error);
	if (result == 0)
		result = refuse_absent(added.mask & ~all, error);
	if (result < 0)
		return result;

	mask = added.all ? all : dropped.all ? 0 : CAPABILITY_DEFAULT & all;
	*out_mask = (mask & ~dropped.mask) | added.mask;
	return 0;
}

int capability_limit(uint64_t mask, struct sandbox_error *error)
{
	if (test_defence_removed("capabilities"))
		return 0;

	for (unsigned long number = 0; number < CAPABILITY_NUMBERS; number++) {
		if (mask & CAPABILITY_BIT(number) || prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL) /* above the kernel's last */
			break;
		return error_set(error, errno, "drop capability %lu from the bounding set", number);
	}
	return 0;
}

static uint64_t read_bounding_set(void)
{
	uint64_t mask = 0;

	for (unsigned long number = 0; number < CAPABILITY_NUMBERS; number++) {
		int held = prctl(PR_CAPBSET_READ, number, 0, 0, 0);

		if (held < 0)
			break;
		if (held)
			mask |= CAPABILITY_BIT(number);
	}
	return mask;
}

static uint64_t join_halves(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

/* Ambient capabilities need no look of their own: the kernel keeps them a subset of the inheritable ones. */
static int verify(uint64_t bounding, uint64_t held, struct sandbox_error *error)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint64_t effective, permitted, inheritable, bounded = read_bounding_set();

	if (syscall(SYS_capget, &header, data) < 0)
		return error_set(error, errno, "read capabilities back");
	effective = join_halves(data[0].effective, data[1].effective);
	permitted = join_halves(data[0].permitted, data[1].permitted);
	inheritable = join_halves(data[0].inheritable, data[1].inheritable);
	if (bounded == bounding && effective == held && permitted == held && inheritable == 0)
		return 0;

	return error_set(error, EPERM,
		"capabilities read back differ: bounding %" PRIx64 " permitted %" PRIx64 " effective %" PRIx64
		" inheritable %" PRIx64 ", wanted %" PRIx64 " %" PRIx64 " %" PRIx64 " 0",
		bounded, permitted, effective, inheritable, bounding, held, held);
}

int capability_apply(uint64_t mask, bool is_root, struct sandbox_error *error)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	uint64_t held = is_root ? mask : 0;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = (uint32_t)held, .permitted = (uint32_t)held},
		{.effective = (uint32_t)(held >> 32), .permitted = (uint32_t)(held >> 32)},
	};

	if (test_defence_removed("capabilities"))
		return 0;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_set(error, errno, "clear ambient capabilities");
	if (syscall(SYS_capset, &header, data) < 0)
		return error_set(error, errno, "set capabilities");
	return verify(mask, held, error);
}

void capability_names(uint64_t mask, struct sandbox_strings *out)
{
	for (int number = 0; number < CAPABILITY_NUMBERS; number++) {
		char *name;

		if (!(mask & CAPABILITY_BIT(number)))
			continue;
		/* "cap_chown", or a plain number for what libcap does not know. */
		name = cap_to_name(number);
		if (name) {
			char *shown = memory_text(strncmp(name, "cap_", 4) == 0 ? name + 4 : name);

			for (char *letter = shown; *letter; letter++)
				*letter = (char)toupper((unsigned char)*letter);
			strings_take(out, shown);
		}
		(void)cap_free(name);
	}
}

char *capability_format(uint64_t mask)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings names = {0};
	auto_free char *line = NULL;

	if (mask == 0 || mask == capability_all())
		return memory_text(mask ? "ALL" : "none");
	capability_names(mask, &names);
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *before = take_ptr(line);

		line = memory_format("%s%s%s", before ? before : "", before ? " " : "", names.items[i]);
	}
	return take_ptr(line);
}
