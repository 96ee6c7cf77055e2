/* From JSON to the rules that are in force. */
#include "security/seccomp_profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "security/capability.h"

enum {
	RULES_MAX = 20000,
	ERRNO_MAX = 4095, /* MAX_ERRNO of linux/err.h */
};

struct reader {
	const struct seccomp_circumstances *circumstances;
	struct seccomp_profile *profile;
	struct sandbox_error *error;
};

static int refuse(const struct reader *reader, const char *path, const char *key, const char *why)
{
	return error_set(reader->error, 0, "%s%s%s: %s", path, *path && *key ? "." : "", key, why);
}

/* --- words ------------------------------------------------------------------------------------------- */

struct word {
	const char *name;
	uint32_t value;
};

static const struct word *find_word(const struct word *words, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

static const struct word actions[] = {
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
};

static const struct word comparisons[] = {
	{"SCMP_CMP_EQ", SECCOMP_EQUAL},
	{"SCMP_CMP_NE", SECCOMP_DIFFERENT},
	{"SCMP_CMP_LT", SECCOMP_LESS},
	{"SCMP_CMP_LE", SECCOMP_LESS_OR_EQUAL},
	{"SCMP_CMP_GT", SECCOMP_GREATER},
	{"SCMP_CMP_GE", SECCOMP_GREATER_OR_EQUAL},
	{"SCMP_CMP_MASKED_EQ", SECCOMP_MASKED},
};

/* For one thread, which is all that loads the filter, TSYNC has nothing to do. */
static const struct word flags[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", 0},
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
};

/* The names of processors in libseccomp's constants (archMap) and in its tools (includes, excludes). */
static const struct {
	const char *constant, *tool;
	int column; /* enum seccomp_abi, or -1 for those that this program is not built for */
} architectures[] = {
	{"SCMP_ARCH_X86_64", "amd64", ABI_X86_64}, {"SCMP_ARCH_X86", "x86", ABI_I386}, {"SCMP_ARCH_X32", "x32", -1},
	{"SCMP_ARCH_AARCH64", "arm64", ABI_AARCH64}, {"SCMP_ARCH_ARM", "arm", ABI_ARM},
	{"SCMP_ARCH_RISCV64", "riscv64", -1}, {"SCMP_ARCH_LOONGARCH64", "loong64", -1},
	{"SCMP_ARCH_PPC", "ppc", -1}, {"SCMP_ARCH_PPC64", "ppc64", -1}, {"SCMP_ARCH_PPC64LE", "ppc64le", -1},
	{"SCMP_ARCH_S390", "s390", -1}, {"SCMP_ARCH_S390X", "s390x", -1},
	{"SCMP_ARCH_MIPS", "mips", -1}, {"SCMP_ARCH_MIPSEL", "mipsel", -1},
	{"SCMP_ARCH_MIPS64", "mips64", -1}, {"SCMP_ARCH_MIPSEL64", "mipsel64", -1},
	{"SCMP_ARCH_MIPS64N32", "mips64n32", -1}, {"SCMP_ARCH_MIPSEL64N32", "mipsel64n32", -1},
	{"SCMP_ARCH_PARISC", "parisc", -1}, {"SCMP_ARCH_PARISC64", "parisc64", -1},
	{"SCMP_ARCH_M68K", "m68k", -1}, {"SCMP_ARCH_SH", "sh", -1}, {"SCMP_ARCH_SHEB", "sheb", -1},
};

static enum seccomp_abi native(const struct reader *reader)
{
	return seccomp_machines[reader->circumstances->machine][0].column;
}

/* By the number or by the name, which Podman adds and prefers. *out_given: there was one. */
static int read_errno(const struct reader *reader, struct json_object *object, const char *path, const char *number_key,
	const char *name_key, uint32_t *out, bool *out_given)
{
	uint64_t number = UINT64_MAX;
	const char *name = "";
	int result = json_get_unsigned(object, path, number_key, true, ERRNO_MAX, &number, reader->error);

	*out_given = false;
	if (result == 0)
		result = json_get_string(object, path, name_key, true, &name, reader->error);
	if (result < 0)
		return result;
	for (int i = 1; *name && i <= ERRNO_MAX; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0) {
			number = (uint64_t)i;
			name = "";
		}
	}
	if (*name)
		return refuse(reader, path, name_key, "not the name of an error");
	*out_given = number != UINT64_MAX;
	if (*out_given)
		*out = (uint32_t)number;
	return 0;
}

static int read_action(const struct reader *reader, struct json_object *object, const char *path, const char *key,
	uint32_t *out)
{
	const struct word *action;
	const char *name;
	int result = json_get_string(object, path, key, false, &name, reader->error);

	if (result < 0)
		return result;
	if (strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return refuse(reader, path, key, "SCMP_ACT_NOTIFY needs a program that answers, and there is none");
	if (strcmp(name, "SCMP_ACT_TRACE") == 0)
		return refuse(reader, path, key, "SCMP_ACT_TRACE needs a tracer, and there is none");
	action = find_word(actions, array_count(actions), name);
	if (!action)
		return refuse(reader, path, key, "not an action that is known");
	*out = action->value;
	return 0;
}

/* An action with its errno: its own, or else `fallback`. `keys` are those of the action, its errno and the errno's name. */
static int read_verdict(const struct reader *reader, struct json_object *object, const char *path,
	const char *const keys[3], uint32_t fallback, uint32_t *out)
{
	uint32_t action = 0, code = fallback;
	bool given = false;
	int result = read_action(reader, object, path, keys[0], &action);

	if (result == 0)
		result = read_errno(reader, object, path, keys[1], keys[2], &code, &given);
	if (result < 0)
		return result;
	if (action != SECCOMP_RET_ERRNO && given)
		return refuse(reader, path, keys[1], "only SCMP_ACT_ERRNO has one");
	*out = action | (action == SECCOMP_RET_ERRNO ? code : 0);
	return 0;
}

/* --- whether an entry is in force -------------------------------------------------------------------- */

static int list_has_architecture(const struct reader *reader, struct json_object *list, const char *path, bool *out)
{
	const char *name;

	*out = false;
	for (size_t i = 0; i < json_length(list); i++) {
		size_t known = 0;

		if (json_item_string(list, path, i, &name, reader->error) < 0)
			return -EINVAL;
		while (known < array_count(architectures) && strcmp(architectures[known].tool, name) != 0)
			known++;
		if (known == array_count(architectures))
			return refuse(reader, path, name, "not the name of an architecture");
		if (architectures[known].column == (int)native(reader))
			*out = true;
	}
	return 0;
}

static int list_capabilities(const struct reader *reader, struct json_object *list, const char *path, uint64_t *out)
{
	const char *name;

	*out = 0;
	for (size_t i = 0; i < json_length(list); i++) {
		int number;

		if (json_item_string(list, path, i, &name, reader->error) < 0)
			return -EINVAL;
		number = capability_number(name);
		if (number < 0)
			return refuse(reader, path, name, "not the name of a capability");
		*out |= CAPABILITY_BIT(number);
	}
	return 0;
}

/* MAJOR.MINOR */
static int read_kernel(const struct reader *reader, const char *path, const char *text, bool *out_reached)
{
	const struct seccomp_circumstances *here = reader->circumstances;
	const char *dot = strchr(text, '.');
	auto_free char *first = memory_text_n(text, dot ? (size_t)(dot - text) : 0);
	uint64_t major, minor;

	if (!text_parse_unsigned(first, UINT16_MAX, &major) || !text_parse_unsigned(dot + 1, UINT16_MAX, &minor))
		return refuse(reader, path, "minKernel", "not MAJOR.MINOR");
	*out_reached = here->kernel_major > major || (here->kernel_major == major && here->kernel_minor >= minor);
	return 0;
}

/* What an object of conditions says of here. What it does not speak of is not given. */
struct terms {
	bool has_arches, arch_here;
	uint64_t capabilities;
	bool has_kernel, kernel_reached;
};

static int read_terms(const struct reader *reader, struct json_object *entry, const char *entry_path, const char *key,
	struct terms *out)
{
	static const char *const known[] = {"arches", "caps", "minKernel", NULL};
	struct json_object *object = NULL, *arches = NULL, *capabilities = NULL;
	auto_free char *path = memory_format("%s.%s", entry_path, key);
	auto_free char *arches_path = memory_format("%s.arches", path);
	auto_free char *capabilities_path = memory_format("%s.caps", path);
	const char *kernel = "";
	int result = json_get_object(entry, entry_path, key, true, &object, reader->error);

	*out = (struct terms){0};
	if (result < 0 || !object)
		return result;
	if (json_check_keys(object, path, known, reader->error) < 0 ||
	    json_get_array(object, path, "arches", true, &arches, reader->error) < 0 ||
	    json_get_array(object, path, "caps", true, &capabilities, reader->error) < 0 ||
	    json_get_string(object, path, "minKernel", true, &kernel, reader->error) < 0 ||
	    list_has_architecture(reader, arches, arches_path, &out->arch_here) < 0 ||
	    list_capabilities(reader, capabilities, capabilities_path, &out->capabilities) < 0)
		return -EINVAL;
	out->has_arches = json_length(arches) > 0;
	out->has_kernel = *kernel != '\0';
	return out->has_kernel ? read_kernel(reader, path, kernel, &out->kernel_reached) : 0;
}

static int entry_applies(const struct reader *reader, struct json_object *entry, const char *path, bool *out)
{
	uint64_t here = reader->circumstances->capabilities;
	struct terms wanted, unwanted;

	if (read_terms(reader, entry, path, "includes", &wanted) < 0 ||
	    read_terms(reader, entry, path, "excludes", &unwanted) < 0)
		return -EINVAL;
	*out = (!wanted.has_arches || wanted.arch_here) && (wanted.capabilities & ~here) == 0 &&
		(!wanted.has_kernel || wanted.kernel_reached) && !unwanted.arch_here &&
		(unwanted.capabilities & here) == 0 && !unwanted.kernel_reached;
	return 0;
}

/* --- entries ----------------------------------------------------------------------------------------- */

static int read_condition(const struct reader *reader, struct json_object *object, const char *path,
	struct seccomp_condition *out)
{
	static const char *const known[] = {"index", "value", "valueTwo", "op", NULL};
	const struct word *comparison;
	uint64_t argument, value, second = 0;
	const char *name;

	if (json_check_keys(object, path, known, reader->error) < 0 ||
	    json_get_unsigned(object, path, "index", false, SECCOMP_CONDITIONS_MAX - 1, &argument, reader->error) < 0 ||
	    json_get_unsigned(object, path, "value", false, UINT64_MAX, &value, reader->error) < 0 ||
	    json_get_unsigned(object, path, "valueTwo", true, UINT64_MAX, &second, reader->error) < 0 ||
	    json_get_string(object, path, "op", false, &name, reader->error) < 0)
		return -EINVAL;
	comparison = find_word(comparisons, array_count(comparisons), name);
	if (!comparison)
		return refuse(reader, path, "op", "not a comparison that is known");
	*out = (struct seccomp_condition){(unsigned int)argument, (enum seccomp_comparison)comparison->value, value,
		UINT64_MAX};
	/* SCMP_CMP_MASKED_EQ: the first value is the mask. */
	if (out->comparison == SECCOMP_MASKED) {
		out->mask = value;
		out->value = second;
	}
	return 0;
}

/* *out_alternatives: one argument has two conditions, so that each is a rule of its own. */
static int read_conditions(const struct reader *reader, struct json_object *entry, const char *entry_path,
	struct seccomp_profile_rule *rule, bool *out_alternatives)
{
	struct json_object *list = NULL;
	unsigned int seen = 0;
	int result = json_get_array(entry, entry_path, "args", true, &list, reader->error);

	*out_alternatives = false;
	if (result < 0)
		return result;
	if (json_length(list) > SECCOMP_CONDITIONS_MAX)
		return refuse(reader, entry_path, "args", "more than six conditions");
	for (size_t i = 0; i < json_length(list); i++) {
		struct seccomp_condition *condition = &rule->conditions[rule->condition_count++];
		auto_free char *path = memory_format("%s.args[%zu]", entry_path, i);

		result = read_condition(reader, json_item(list, i), path, condition);
		if (result < 0)
			return result;
		*out_alternatives |= (seen >> condition->argument & 1) != 0;
		seen |= 1U << condition->argument;
	}
	return 0;
}

static int add_rule(const struct reader *reader, const struct seccomp_profile_rule *rule)
{
	struct seccomp_profile *profile = reader->profile;

	if (profile->rule_count == RULES_MAX)
		return refuse(reader, "syscalls", "", "too many");
	profile->rules = memory_room(profile->rules, profile->rule_count, sizeof(*profile->rules));
	profile->rules[profile->rule_count++] = *rule;
	return 0;
}

static int add_alternatives(const struct reader *reader, const struct seccomp_profile_rule *rule)
{
	int result = 0;

	for (size_t i = 0; i < rule->condition_count && result == 0; i++) {
		struct seccomp_profile_rule one = {rule->call, rule->verdict, {rule->conditions[i]}, 1};

		result = add_rule(reader, &one);
	}
	return result;
}

static int add_call(const struct reader *reader, const char *path, const char *name, bool alternatives,
	struct seccomp_profile_rule *rule)
{
	rule->call = 0;
	while (rule->call < seccomp_call_count && strcmp(seccomp_calls[rule->call].name, name) != 0)
		rule->call++;
	if (rule->call < seccomp_call_count)
		return alternatives ? add_alternatives(reader, rule) : add_rule(reader, rule);
	/* An entry that would only allow it leaves it to the default; one that refuses would not be held. */
	if (seccomp_verdict_stricter(rule->verdict, reader->profile->otherwise))
		return refuse(reader, path, name, "not a system call that is known, so it could not be refused");
	return 0;
}

static int read_names(const struct reader *reader, struct json_object *entry, const char *entry_path, bool alternatives,
	struct seccomp_profile_rule *rule)
{
	struct json_object *list = NULL;
	const char *name = NULL;
	auto_free char *path = memory_format("%s.names", entry_path);
	int result = json_get_array(entry, entry_path, "names", true, &list, reader->error);

	if (result == 0)
		result = json_get_string(entry, entry_path, "name", true, &name, reader->error);
	if (result < 0)
		return result;
	if (!list == !name)
		return refuse(reader, entry_path, "names", "give either names or name");
	if (name)
		return add_call(reader, entry_path, name, alternatives, rule);
	for (size_t i = 0; i < json_length(list) && result == 0; i++) {
		result = json_item_string(list, path, i, &name, reader->error);
		if (result == 0)
			result = add_call(reader, path, name, alternatives, rule);
	}
	return result;
}

static int read_entry(const struct reader *reader, struct json_object *entry, const char *path)
{
	static const char *const known[] = {"names", "name", "action", "errnoRet", "errno", "args", "comment", "includes",
		"excludes", NULL};
	static const char *const keys[] = {"action", "errnoRet", "errno"};
	struct seccomp_profile_rule rule = {0};
	bool applies, alternatives;

	if (json_check_keys(entry, path, known, reader->error) < 0 ||
	    read_verdict(reader, entry, path, keys, EPERM, &rule.verdict) < 0 ||
	    read_conditions(reader, entry, path, &rule, &alternatives) < 0 ||
	    entry_applies(reader, entry, path, &applies) < 0)
		return -EINVAL;
	return applies ? read_names(reader, entry, path, alternatives, &rule) : 0;
}

/* --- the whole --------------------------------------------------------------------------------------- */

/* Whether the machine's 32-bit architecture is in a list of libseccomp's constants. */
static int list_has_compat(const struct reader *reader, struct json_object *list, const char *path)
{
	enum seccomp_abi compat = seccomp_machines[reader->circumstances->machine][1].column;
	const char *name;

	for (size_t i = 0; i < json_length(list); i++) {
		size_t known = 0;

		if (json_item_string(list, path, i, &name, reader->error) < 0)
			return -EINVAL;
		while (known < array_count(architectures) && strcmp(architectures[known].constant, name) != 0)
			known++;
		if (known == array_count(architectures))
			return refuse(reader, path, name, "not an architecture that is known");
		if (architectures[known].column == (int)compat)
			reader->profile->compat = true;
	}
	return 0;
}

/* Only the entry of this machine's own architecture counts. */
static int read_architecture_map(const struct reader *reader, struct json_object *map)
{
	static const char *const known[] = {"architecture", "subArchitectures", NULL};

	for (size_t i = 0; i < json_length(map); i++) {
		struct json_object *entry = json_item(map, i), *list = NULL;
		auto_free char *path = memory_format("archMap[%zu]", i);
		auto_free char *list_path = memory_format("%s.subArchitectures", path);
		const char *name;

		if (json_check_keys(entry, path, known, reader->error) < 0 ||
		    json_get_string(entry, path, "architecture", false, &name, reader->error) < 0 ||
		    json_get_array(entry, path, "subArchitectures", true, &list, reader->error) < 0)
			return -EINVAL;
		for (size_t j = 0; j < array_count(architectures); j++)
			if (architectures[j].column == (int)native(reader) &&
			    strcmp(architectures[j].constant, name) == 0 &&
			    list_has_compat(reader, list, list_path) < 0)
				return -EINVAL;
	}
	return 0;
}

static int read_architectures(const struct reader *reader, struct json_object *root)
{
	struct json_object *list = NULL, *map = NULL;

	if (json_get_array(root, "profile", "architectures", true, &list, reader->error) < 0 ||
	    json_get_array(root, "profile", "archMap", true, &map, reader->error) < 0)
		return -EINVAL;
	if (json_length(list) && json_length(map))
		return refuse(reader, "profile", "archMap", "give either archMap or architectures");
	return json_length(map) ? read_architecture_map(reader, map) : list_has_compat(reader, list, "architectures");
}

static int read_flags(const struct reader *reader, struct json_object *root)
{
	struct json_object *list = NULL;
	const char *name;
	int result = json_get_array(root, "profile", "flags", true, &list, reader->error);

	for (size_t i = 0; i < json_length(list) && result == 0; i++) {
		const struct word *flag;

		result = json_item_string(list, "flags", i, &name, reader->error);
		if (result < 0)
			return result;
		flag = find_word(flags, array_count(flags), name);
		if (!flag)
			return refuse(reader, "flags", name, "not a flag that can be held");
		reader->profile->flags |= flag->value;
	}
	return result;
}

static int refuse_listener(const struct reader *reader, struct json_object *root)
{
	static const char *const keys[] = {"listenerPath", "listenerMetadata"};

	for (size_t i = 0; i < array_count(keys); i++) {
		const char *text = "";

		if (json_get_string(root, "profile", keys[i], true, &text, reader->error) < 0)
			return -EINVAL;
		if (*text)
			return refuse(reader, "profile", keys[i], "no other program is let in on the sandbox's calls");
	}
	return 0;
}

static int read_profile(const struct reader *reader, struct json_object *root)
{
	static const char *const known[] = {"defaultAction", "defaultErrnoRet", "defaultErrno", "archMap", "architectures",
		"flags", "listenerPath", "listenerMetadata", "syscalls", NULL};
	static const char *const keys[] = {"defaultAction", "defaultErrnoRet", "defaultErrno"};
	struct json_object *entries = NULL;

	if (json_check_keys(root, "profile", known, reader->error) < 0 ||
	    read_verdict(reader, root, "profile", keys, EPERM, &reader->profile->otherwise) < 0 ||
	    read_architectures(reader, root) < 0 || read_flags(reader, root) < 0 || refuse_listener(reader, root) < 0 ||
	    json_get_array(root, "profile", "syscalls", true, &entries, reader->error) < 0)
		return -EINVAL;
	for (size_t i = 0; i < json_length(entries); i++) {
		auto_free char *path = memory_format("syscalls[%zu]", i);

		if (read_entry(reader, json_item(entries, i), path) < 0)
			return -EINVAL;
	}
	return 0;
}

int seccomp_profile_explain(const char *name, struct sandbox_error *error)
{
	(void)error_wrap(error, "system call profile %s", name);
	(void)error_cause(error, SANDBOX_E_SECCOMP_PROFILE, "it is not a profile in Docker's format, or asks for what cannot "
		"be held");
	return error_fix(error, "correct the profile, or use --security-opt seccomp=default");
}

int seccomp_profile_parse(const char *text, size_t size, const char *name,
	const struct seccomp_circumstances *circumstances, struct seccomp_profile *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *root = NULL;
	struct reader reader = {circumstances, out, error};
	int result;

	*out = (struct seccomp_profile){0};
	result = json_parse(text, size, "JSON", &root, error);
	if (result == 0)
		result = read_profile(&reader, root);
	return result < 0 ? seccomp_profile_explain(name, error) : 0;
}

void seccomp_profile_finish(struct seccomp_profile *profile)
{
	free(profile->rules);
	*profile = (struct seccomp_profile){0};
}
