#include "runtime/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/tree.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX     DIGITS "abcdef"

static const char all_name[] = "sandboxes";

bool registry_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length && length <= REGISTRY_NAME_MAX && strspn(name, LETTERS DIGITS) &&
		strspn(name, LETTERS DIGITS "_.-") == length;
}

const char *registry_entry_name(const struct registry_entry *entry)
{
	return entry->called[REGISTRY_ID_SIZE - 1] == '-' ? entry->called + REGISTRY_ID_SIZE : NULL;
}

void registry_entry_finish(struct registry_entry *entry)
{
	if (entry->directory >= 0)
		(void)close(take_fd(&entry->directory));
	if (entry->all >= 0)
		(void)close(take_fd(&entry->all));
}

/* ---- the directory of all ---- */

static int flock_whole(int fd, int operation)
{
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Opened and locked. -ENOENT when there is none and none is to be made. */
static int open_all(const char *state, bool make, int lock, struct sandbox_error *error)
{
	auto_close int all = -1, parent = -1;
	int result = make ? file_make_directories(state, 0700, error) : 0;

	if (result < 0) {
		error_cause(error, SANDBOX_E_HOME_UNUSABLE, "what is known of sandboxes is kept there");
		return error_fix(error, "name a directory that you can make or write with --state DIR");
	}
	parent = file_open_own_directory(AT_FDCWD, state, "--state", error);
	if (parent < 0)
		return parent;
	if (make && mkdirat(parent, all_name, 0700) < 0 && errno != EEXIST)
		return error_set(error, errno, "make %s/%s", state, all_name);
	all = file_open_own_directory(parent, all_name, "--state", error);
	if (all < 0)
		return all;
	result = flock_whole(all, lock);
	return result < 0 ? error_set(error, -result, "lock %s/%s", state, all_name) : take_fd(&all);
}

static bool parse_entry(const char *called, struct registry_entry *out)
{
	size_t length = strlen(called), digits = strspn(called, HEX);

	if (length >= REGISTRY_ENTRY_SIZE || digits < REGISTRY_ID_SIZE - 1)
		return false;
	if (called[REGISTRY_ID_SIZE - 1] &&
	    (called[REGISTRY_ID_SIZE - 1] != '-' || !registry_name_is_valid(called + REGISTRY_ID_SIZE)))
		return false;
	memcpy(out->called, called, length + 1);
	memcpy(out->id, called, REGISTRY_ID_SIZE - 1);
	out->id[REGISTRY_ID_SIZE - 1] = '\0';
	return true;
}

/* The next entry of a directory stream, opened; `all` is the stream's own. False at the end. */
static bool next_entry(DIR *stream, struct registry_entry *out)
{
	struct dirent *item;

	while ((item = readdir(stream))) {
		*out = (struct registry_entry){.all = dirfd(stream), .directory = -1};
		if (!parse_entry(item->d_name, out))
			continue;
		out->directory = openat(out->all, item->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (out->directory >= 0)
			return true;
	}
	return false;
}

/* Takes the descriptor. */
static int walk_all(int *all, registry_visitor *visit, void *context, struct sandbox_error *error)
{
	auto_closedir DIR *stream = fdopendir(*all);
	struct registry_entry entry;
	int result = 0;

	if (!stream)
		return error_set(error, errno, "read the directory of sandboxes");
	(void)take_fd(all);
	while (result == 0 && next_entry(stream, &entry)) {
		result = visit(context, &entry, error);
		(void)close(entry.directory);
	}
	return result;
}

int registry_visit(const char *state, registry_visitor *visit, void *context, struct sandbox_error *error)
{
	auto_close int all = open_all(state, false, LOCK_SH, error);

	if (all == -ENOENT) {
		error_clear(error);
		return 0;
	}
	return all < 0 ? all : walk_all(&all, visit, context, error);
}

/* ---- one entry ---- */

bool registry_is_live(const struct registry_entry *entry)
{
	if (flock(entry->directory, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	(void)flock(entry->directory, LOCK_UN);
	return false;
}

int registry_lock(const struct registry_entry *entry)
{
	return flock(entry->directory, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* An entry by the same name. A dead one that leaves nothing has had its name: it will be swept. */
struct search {
	const char *name;
	bool found;
};

static int compare_name(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	struct search *search = context;
	const char *name = registry_entry_name(entry);

	(void)error;
	if (name && strcmp(name, search->name) == 0)
		search->found = true;
	return 0;
}

static int refuse_name(const char *name, struct sandbox_error *error)
{
	error_set(error, EEXIST, "name \"%s\"", name);
	error_cause(error, SANDBOX_E_NAME_IN_USE, "another sandbox has that name");
	return error_fix(error, "choose another name, or remove it: sandbox rm %s", name);
}

/* With a descriptor of its own: the walk closes it, and the lock must stay. */
static int check_name_is_free(int all, const char *name, struct sandbox_error *error)
{
	struct search search = {.name = name};
	auto_close int copy = openat(all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (copy < 0)
		return error_set(error, errno, "read the directory of sandboxes");
	result = walk_all(&copy, compare_name, &search, error);
	if (result < 0)
		return result;
	return search.found ? refuse_name(name, error) : 0;
}

static int draw_id(char out[REGISTRY_ID_SIZE], struct sandbox_error *error)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_set(error, errno, "draw a random number");
	(void)snprintf(out, REGISTRY_ID_SIZE, "%012llx", (unsigned long long)(number >> 16));
	return 0;
}

static int make_entry(const char *name, struct registry_entry *out, struct sandbox_error *error)
{
	int result = draw_id(out->id, error);

	if (result < 0)
		return result;
	(void)snprintf(out->called, sizeof(out->called), "%s%s%s", out->id, name ? "-" : "", name ? name : "");
	if (mkdirat(out->all, out->called, 0700) < 0)
		return error_set(error, errno, "make a directory for the sandbox");
	out->directory = openat(out->all, out->called, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out->directory < 0 || flock(out->directory, LOCK_EX | LOCK_NB) < 0)
		return error_set(error, errno, "lock the sandbox's directory");
	return 0;
}

int registry_add(const char *state, const char *name, const char *record, struct registry_entry *out,
	struct sandbox_error *error)
{
	int result;

	*out = (struct registry_entry)REGISTRY_ENTRY_INIT;
	out->all = open_all(state, true, LOCK_EX, error);
	if (out->all < 0)
		return out->all;
	result = name ? check_name_is_free(out->all, name, error) : 0;
	if (result == 0)
		result = make_entry(name, out, error);
	test_point("registry.made");
	if (result == 0)
		result = file_replace(out->directory, "record.json", record, strlen(record), 0600, error);
	if (result < 0 && out->directory >= 0)
		(void)tree_remove(out->all, out->called, NULL);
	(void)flock(out->all, LOCK_UN);
	return result;
}

void registry_remove(struct registry_entry *entry)
{
	struct sandbox_error error = {0};

	/* The lock of all keeps those who list from a directory that is half gone. */
	if (entry->directory >= 0 && flock_whole(entry->all, LOCK_EX) == 0 &&
	    tree_remove(entry->all, entry->called, &error) < 0)
		log_notice("the sandbox's directory stays behind: %s", error.text);
	registry_entry_finish(entry);
}

/* ---- finding ---- */

enum match { MATCH_NONE, MATCH_PREFIX, MATCH_NAME, MATCH_ID };

struct lookup {
	const char *reference;
	struct registry_entry best;
	enum match match;
	bool ambiguous;
};

static enum match match_entry(const struct registry_entry *entry, const char *reference)
{
	const char *name = registry_entry_name(entry);

	if (strcmp(entry->id, reference) == 0)
		return MATCH_ID;
	if (name && strcmp(name, reference) == 0)
		return MATCH_NAME;
	return *reference && strncmp(entry->id, reference, strlen(reference)) == 0 ? MATCH_PREFIX : MATCH_NONE;
}

static int look_at(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	struct lookup *lookup = context;
	enum match match = match_entry(entry, lookup->reference);

	if (match && match == lookup->match)
		lookup->ambiguous = true;
	if (match <= lookup->match)
		return 0;
	registry_entry_finish(&lookup->best);
	lookup->best = *entry;
	/* Opened anew: a copy would share the lock, and keep it when the walk is over. */
	lookup->best.all = openat(entry->all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lookup->best.directory = openat(entry->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lookup->match = match;
	lookup->ambiguous = false;
	return lookup->best.all < 0 || lookup->best.directory < 0 ? error_set(error, errno, "open a sandbox's directory") : 0;
}

static int not_found(const struct lookup *lookup, struct sandbox_error *error)
{
	error_set(error, ENOENT, "sandbox \"%s\"", lookup->reference);
	error_cause(error, SANDBOX_E_SANDBOX_UNKNOWN, "%s", lookup->ambiguous ? "several ids begin like that"
		: "no sandbox has that name or id");
	return error_fix(error, "see `sandbox ps -a`");
}

int registry_find(const char *state, const char *reference, struct registry_entry *out, struct sandbox_error *error)
{
	struct lookup lookup = {.reference = reference, .best = REGISTRY_ENTRY_INIT};
	int result = registry_visit(state, look_at, &lookup, error);

	if (result == 0 && (lookup.match == MATCH_NONE || lookup.ambiguous))
		result = not_found(&lookup, error);
	if (result < 0)
		registry_entry_finish(&lookup.best);
	else
		*out = lookup.best;
	return result;
}

/* ---- sweeping ---- */

struct sweep {
	bool (*bury)(const struct registry_entry *entry);
};

static int sweep_entry(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	const struct sweep *sweep = context;

	(void)error;
	if (registry_lock(entry) == 0 && sweep->bury(entry))
		(void)tree_remove(entry->all, entry->called, NULL);
	return 0;
}

void registry_sweep(const char *state, bool (*bury)(const struct registry_entry *entry))
{
	struct sweep sweep = {bury};
	auto_close int all = open_all(state, false, LOCK_EX | LOCK_NB, NULL);

	if (all >= 0)
		(void)walk_all(&all, sweep_entry, &sweep, NULL);
}
