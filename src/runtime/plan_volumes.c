#include "runtime/plan_volumes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "base/text.h"

enum { VOLUME_PARTS = 3 };

static const uint64_t default_tmpfs_size = 64 << 20;

/* One of them, as it was typed; `words` is for messages. */
struct volume {
	const char *option;
	const char *words;
	const char *source;
	char *target; /* owned once it is normal */
	uint64_t attributes;
	uint64_t said; /* of the attributes, by words; a second word about the same would be a contradiction, or a slip */
	uint64_t size;
	uint64_t mode;
	bool has_size, has_mode;
};

static int volume_error(const struct volume *volume, const char *cause, const char *fix, struct sandbox_error *error)
{
	error_set(error, 0, "--%s \"%s\"", volume->option, volume->words);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "%s", fix);
}

static int doubled_error(const struct volume *volume, const char *word, struct sandbox_error *error)
{
	error_set(error, 0, "--%s \"%s\"", volume->option, volume->words);
	error_cause(error, SANDBOX_E_USAGE, "\"%s\" is about what another of its words says already", word);
	return error_fix(error, "leave one of the two out");
}

/* ---- options ---- */

struct volume_word {
	const char *word;
	uint64_t set;
	uint64_t clear;
};

static const struct volume_word volume_words[] = {
	{"ro", MOUNT_ATTR_RDONLY, 0},
	{"readonly", MOUNT_ATTR_RDONLY, 0},
	{"rw", 0, MOUNT_ATTR_RDONLY},
	{"noexec", MOUNT_ATTR_NOEXEC, 0},
	{"exec", 0, MOUNT_ATTR_NOEXEC},
	/* Always so, and said so in sandbox-run(1). */
	{"nosuid", 0, 0},
	{"nodev", 0, 0},
	{"rbind", 0, 0},
	/* SELinux labels, which Docker's users write out of habit. */
	{"z", 0, 0},
	{"Z", 0, 0},
};

static int unknown_option(const struct volume *volume, const char *word, bool is_tmpfs, struct sandbox_error *error)
{
	error_set(error, 0, "--%s \"%s\"", volume->option, volume->words);
	error_cause(error, SANDBOX_E_USAGE, "\"%s\" is not one of its options%s", word,
		is_tmpfs && strchr(word, '=') ? ", or has a value that it cannot have" : "");
	return error_fix(error, is_tmpfs ? "use size=SIZE, mode=OCTAL, ro, exec, noexec" : "use ro, rw, exec, noexec");
}

/* "size=64m" and so on. */
static int tmpfs_option(struct volume *volume, const char *word, struct sandbox_error *error)
{
	/* Both options have the short names: --mount the long ones, too, as for Docker. */
	const char *name = text_starts_with(word, "tmpfs-") ? word + strlen("tmpfs-") : word, *value = name + strlen("size=");
	bool is_size = text_starts_with(name, "size="), is_mode = text_starts_with(name, "mode=");
	bool *has = is_size ? &volume->has_size : &volume->has_mode;

	if (!(is_size && text_parse_size(value, &volume->size) && volume->size > 0) &&
	    !(is_mode && text_parse_octal(value, 07777, &volume->mode)))
		return unknown_option(volume, word, true, error);
	if (*has)
		return doubled_error(volume, word, error);
	*has = true;
	return 0;
}

static int volume_option(struct volume *volume, const char *word, bool is_tmpfs, struct sandbox_error *error)
{
	for (size_t i = 0; i < array_count(volume_words); i++) {
		uint64_t subject = volume_words[i].set | volume_words[i].clear;

		if (strcmp(volume_words[i].word, word) != 0)
			continue;
		if (volume->said & subject)
			return doubled_error(volume, word, error);
		volume->said |= subject;
		volume->attributes = (volume->attributes | volume_words[i].set) & ~volume_words[i].clear;
		return 0;
	}
	return is_tmpfs ? tmpfs_option(volume, word, error) : unknown_option(volume, word, false, error);
}

static int volume_options(struct volume *volume, char *words, bool is_tmpfs, struct sandbox_error *error)
{
	char *word;
	int result = 0;

	while (result == 0 && (word = strsep(&words, ",")))
		result = volume_option(volume, word, is_tmpfs, error);
	return result;
}

/* ---- targets and sources ---- */

/* Without doubled and trailing slashes and "."; ".." is refused, since the image says where it would lead. */
static char *normal_target(const char *target)
{
	auto_free char *copy = memory_text(target);
	char *normal = memory_zeroed(strlen(target) + 2, 1), *out = normal, *rest = copy, *name;

	while ((name = strsep(&rest, "/"))) {
		if (strcmp(name, "..") == 0) {
			free(normal);
			return NULL;
		}
		if (*name && strcmp(name, ".") != 0)
			out += sprintf(out, "/%s", name);
	}
	return normal;
}

static bool lies_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static const struct {
	const char *option, *form;
} forms[] = {
	{"volume", "write SOURCE:/TARGET"},
	{"mount", "write type=bind,source=SOURCE,target=/TARGET or type=tmpfs,target=/TARGET"},
	{"tmpfs", "write /TARGET[:OPTIONS]"},
	{"device", "name one below /dev: /dev/NAME[:/TARGET]"},
};

static int form_error(const struct volume *volume, const char *cause, struct sandbox_error *error)
{
	size_t i = 0;

	while (strcmp(forms[i].option, volume->option) != 0)
		i++;
	return volume_error(volume, cause, forms[i].form, error);
}

static int decide_target(struct volume *volume, const char *target, struct sandbox_error *error)
{
	/* As for Docker, which would make a volume without a name. */
	if (!target && strcmp(volume->option, "volume") == 0 && *volume->words == '/')
		return volume_error(volume, "it has a single path, and the target is an absolute path inside the sandbox",
			"write SOURCE:/TARGET, or --tmpfs /TARGET for an empty folder", error);
	if (!target)
		return form_error(volume, "the target is missing, an absolute path inside the sandbox", error);
	if (*target != '/')
		return form_error(volume, "the target is not an absolute path inside the sandbox", error);
	volume->target = normal_target(target);
	if (!volume->target || !*volume->target)
		return volume_error(volume, "the target must not be / or contain ..", "name a directory below /", error);
	if (lies_below(volume->target, "/proc") || lies_below(volume->target, "/sys"))
		return volume_error(volume, "/proc and /sys belong to the kernel and are masked", "choose another target",
			error);
	return 0;
}

static int decide_bind(struct volume *volume, struct mount_list *list, struct sandbox_error *error)
{
	struct mount_step step = {MOUNT_BIND, .target = volume->target, .attributes = volume->attributes};
	auto_free char *path = NULL;
	struct stat status;

	if (!volume->source || !*volume->source)
		return form_error(volume, "the source is missing", error);
	if (*volume->source == '~')
		return volume_error(volume, "~ is the shell's, and was quoted or is in a file",
			"write the path of your home directory", error);
	if (*volume->source != '/' && *volume->source != '.')
		return volume_error(volume, "the source is a bare name, and there are no named volumes",
			"write ./NAME for a file or folder here, or an absolute path", error);
	path = realpath(volume->source, NULL);
	if (!path || stat(path, &status) < 0) {
		int code = errno;

		error_set(error, code, "--%s \"%s\": %s", volume->option, volume->words, volume->source);
		return error_fix(error, "check the path; a missing source is not made");
	}
	step.source = path;
	step.device = status.st_dev;
	step.inode = status.st_ino;
	step.why = volume->option;
	mount_list_add(list, &step);
	return 0;
}

static int decide_tmpfs(const struct volume *volume, struct mount_list *list)
{
	struct mount_step step = {MOUNT_TMPFS, .target = volume->target, .size = volume->size, .follow_links = true,
		.mode = (uint32_t)volume->mode, .attributes = volume->attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.why = volume->option};

	mount_list_add(list, &step);
	return 0;
}

/* ---- the four spellings ---- */

static int add_volume(const char *words, struct mount_list *list, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(words);
	char *rest = copy, *parts[VOLUME_PARTS] = {0};
	struct volume volume = {.option = "volume", .words = words};
	int result = 0;

	for (size_t i = 0; i < VOLUME_PARTS && rest; i++)
		parts[i] = strsep(&rest, ":");
	if (rest)
		return volume_error(&volume, "it has too many colons", "write SOURCE:TARGET[:OPTIONS]", error);
	volume.source = parts[0];
	result = decide_target(&volume, parts[1], error);
	if (result == 0 && parts[2])
		result = volume_options(&volume, parts[2], false, error);
	if (result == 0)
		result = decide_bind(&volume, list, error);
	free(volume.target);
	return result;
}

static int add_tmpfs(const char *words, struct mount_list *list, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(words);
	char *rest = copy, *target = strsep(&rest, ":");
	struct volume volume = {.option = "tmpfs", .words = words, .attributes = MOUNT_ATTR_NOEXEC,
		.size = default_tmpfs_size, .mode = 01777};
	int result = decide_target(&volume, target, error);

	if (result == 0 && rest)
		result = volume_options(&volume, rest, true, error);
	if (result == 0)
		result = decide_tmpfs(&volume, list);
	free(volume.target);
	return result;
}

enum mount_key { MOUNT_KEY_TYPE, MOUNT_KEY_SOURCE, MOUNT_KEY_TARGET, MOUNT_KEY_COUNT };

static const struct {
	const char *name;
	enum mount_key key;
} mount_keys[] = {
	{"type=", MOUNT_KEY_TYPE},
	{"source=", MOUNT_KEY_SOURCE},
	{"src=", MOUNT_KEY_SOURCE},
	{"target=", MOUNT_KEY_TARGET},
	{"dst=", MOUNT_KEY_TARGET},
	{"destination=", MOUNT_KEY_TARGET},
};

/* Puts the value of "key=value" into its place; all other words become a list again, in `options`, which is large enough. */
static int read_mount_keys(const struct volume *volume, char *words, const char *values[MOUNT_KEY_COUNT], char *options,
	struct sandbox_error *error)
{
	char *end = options, *word;

	while ((word = strsep(&words, ","))) {
		size_t i = 0;

		while (i < array_count(mount_keys) && !text_starts_with(word, mount_keys[i].name))
			i++;
		if (i == array_count(mount_keys))
			end = stpcpy(stpcpy(end, end == options ? "" : ","), word);
		else if (values[mount_keys[i].key])
			return doubled_error(volume, word, error);
		else
			values[mount_keys[i].key] = word + strlen(mount_keys[i].name);
	}
	return 0;
}

static int add_mount(const char *words, struct mount_list *list, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(words), *options = memory_zeroed(strlen(words) + 2, 1);
	struct volume volume = {.option = "mount", .words = words, .size = default_tmpfs_size, .mode = 01777};
	const char *values[MOUNT_KEY_COUNT] = {NULL}, *type;
	int result = read_mount_keys(&volume, copy, values, options, error);
	bool is_tmpfs;

	if (result < 0)
		return result;
	type = values[MOUNT_KEY_TYPE];
	volume.source = values[MOUNT_KEY_SOURCE];
	is_tmpfs = type && strcmp(type, "tmpfs") == 0;
	if (!is_tmpfs && (!type || strcmp(type, "bind") != 0))
		return volume_error(&volume, "its type is neither bind nor tmpfs",
			"write type=bind,source=SOURCE,target=/TARGET or type=tmpfs,target=/TARGET", error);
	if (is_tmpfs && volume.source)
		return volume_error(&volume, "an empty folder in memory has no source", "leave source= out, or write type=bind",
			error);
	result = decide_target(&volume, values[MOUNT_KEY_TARGET], error);
	if (result == 0 && *options)
		result = volume_options(&volume, options, is_tmpfs, error);
	if (result == 0)
		result = is_tmpfs ? decide_tmpfs(&volume, list) : decide_bind(&volume, list, error);
	free(volume.target);
	return result;
}

static int add_device(const char *words, struct mount_list *list, struct sandbox_error *error)
{
	auto_free char *copy = memory_text(words);
	char *rest = copy, *source = strsep(&rest, ":"), *target = rest ? strsep(&rest, ":") : source;
	struct volume volume = {.option = "device", .words = words};
	auto_free char *path = realpath(source, NULL);
	struct stat status;
	int result;

	if (rest)
		return volume_error(&volume, "access to a device cannot be divided", "leave the third part out", error);
	result = decide_target(&volume, target, error);
	if (result == 0 && (!path || stat(path, &status) < 0))
		result = volume_error(&volume, "there is no such device here", "see `ls /dev`", error);
	else if (result == 0 && !S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))
		result = volume_error(&volume, "the source is not a device node", "name one below /dev", error);
	if (result == 0) {
		struct mount_step step = {MOUNT_DEVICE, .target = volume.target, .source = path, .device = status.st_rdev,
			.why = "device"};

		mount_list_add(list, &step);
	}
	free(volume.target);
	return result;
}

/* ---- all of them ---- */

static size_t depth(const char *path)
{
	size_t slashes = 0;

	for (; *path; path++)
		slashes += *path == '/';
	return slashes;
}

static int add_each(const struct sandbox_strings *list, int (*add)(const char *, struct mount_list *,
	struct sandbox_error *), struct mount_list *out, struct sandbox_error *error)
{
	int result = 0;

	for (size_t i = 0; i < list->count && result == 0; i++)
		result = add(list->items[i], out, error);
	return result;
}

/* An outer target would hide an inner one that came before it. Insertion keeps the order of equals. */
static void sort_by_depth(struct mount_list *list)
{
	for (size_t i = 1; i < list->count; i++)
		for (size_t j = i; j > 0 && depth(list->steps[j].target) < depth(list->steps[j - 1].target); j--) {
			struct mount_step step = list->steps[j];

			list->steps[j] = list->steps[j - 1];
			list->steps[j - 1] = step;
		}
}

/* By the same option what is typed overrides what a file says: it comes later, and hides the other. */
static bool overrides(const struct sandbox_spec *spec, const char *option)
{
	const char *origins = strings_variable(&spec->given, option);

	return origins && !text_starts_with(origins, "--");
}

static int refuse_doubled(const struct sandbox_spec *spec, const struct mount_list *list, struct sandbox_error *error)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t j = 0; j < i; j++) {
			bool is_same = strcmp(list->steps[i].why, list->steps[j].why) == 0;

			if (strcmp(list->steps[i].target, list->steps[j].target) != 0 ||
			    (is_same && overrides(spec, list->steps[i].why)))
				continue;
			error_set(error, 0, "--%s at %s", list->steps[i].why, list->steps[i].target);
			error_cause(error, SANDBOX_E_USAGE, "--%s puts something there already", list->steps[j].why);
			return error_fix(error, "leave one of the two out, or choose another target");
		}
	return 0;
}

int plan_decide_volumes(const struct sandbox_spec *spec, struct mount_list *out, struct sandbox_error *error)
{
	auto_finish(mount_list_finish) struct mount_list list = {0};
	int result = add_each(&spec->volume, add_volume, &list, error);

	if (result == 0)
		result = add_each(&spec->mount, add_mount, &list, error);
	if (result == 0)
		result = add_each(&spec->tmpfs, add_tmpfs, &list, error);
	if (result == 0)
		result = add_each(&spec->device, add_device, &list, error);
	if (result == 0)
		result = refuse_doubled(spec, &list, error);
	if (result < 0)
		return result;
	sort_by_depth(&list);
	for (size_t i = 0; i < list.count; i++)
		mount_list_add(out, &list.steps[i]);
	return 0;
}
