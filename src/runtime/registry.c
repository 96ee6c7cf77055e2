#include "runtime/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/tree.h"
#include "image/layer_ids.h"
#include "runtime/kept.h"
#include "runtime/upper.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HEX     DIGITS "abcdef"

enum { LOCK_RETRIES = 20, NAME_RETRIES = 1000, LOCK_PAUSE_MICROSECONDS = 10 * 1000, TRASH_SIZE = REGISTRY_ENTRY_SIZE + 1 };

static const char all_name[] = "sandboxes";

bool registry_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length && length <= REGISTRY_NAME_MAX && strspn(name, LETTERS DIGITS) &&
		strspn(name, LETTERS DIGITS "_.-") == length;
}

int registry_check_name(const char *name, const char *what, struct sandbox_error *error)
{
	if (registry_name_is_valid(name))
		return 0;
	error_set(error, 0, "%s \"%.128s\"", what, name);
	error_cause(error, SANDBOX_E_USAGE, "a name is a letter or digit, then letters, digits, '_', '.' and '-', %d at most",
		REGISTRY_NAME_MAX);
	return error_fix(error, "choose another name");
}

const char *registry_entry_name(const struct registry_entry *entry)
{
	return entry->called[REGISTRY_ID_SIZE - 1] == '-' ? entry->called + REGISTRY_ID_SIZE : NULL;
}

void registry_entry_finish(struct registry_entry *entry)
{
	fd_close(&entry->hold);
	fd_close(&entry->directory);
	fd_close(&entry->all);
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

/*
 * The next entry of a directory stream, opened; `all` is the stream's own. 1, 0 at the end, or -errno: of one that is passed
 * over, others would remove what it stands on.
 */
static int next_entry(DIR *stream, struct registry_entry *out, struct sandbox_error *error)
{
	const char *called;

	while ((called = directory_next(stream))) {
		*out = (struct registry_entry){.all = dirfd(stream), .directory = -1, .hold = -1};
		if (!parse_entry(called, out))
			continue;
		out->directory = openat(out->all, called, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (out->directory >= 0)
			return 1;
		/* Removed at this moment, or no directory. */
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			return error_set(error, errno, "open the directory of sandbox %s", out->called);
	}
	return errno ? error_set(error, errno, "read the directory of sandboxes") : 0;
}

/* Takes the descriptor. */
static int walk_all(int *all, registry_visitor *visit, void *context, struct sandbox_error *error)
{
	auto_closedir DIR *stream = directory_read(take_fd(all));
	struct registry_entry entry;
	int found = 0, result = 0;

	if (!stream)
		return error_set(error, errno, "read the directory of sandboxes");
	while (result == 0 && (found = next_entry(stream, &entry, error)) > 0) {
		result = visit(context, &entry, error);
		(void)close(entry.directory);
	}
	return found < 0 ? found : result;
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

int registry_hold(const char *state, struct sandbox_error *error)
{
	return open_all(state, test_defence_removed("hold-makes"), LOCK_SH, error);
}

/* ---- removing ---- */

/* Subordinate ids own what a kept one has written. */
static int remove_layer(int directory, struct sandbox_error *error)
{
	struct layer_ids ids;

	if (faccessat(directory, kept_layer_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (layer_ids_load(directory, &ids, error) < 0)
		return tree_remove(directory, kept_layer_name, error);
	error_clear(error);
	return upper_remove_tree(directory, kept_layer_name, &ids.map, error);
}

static int remove_trash(int all, const char *trash, int directory, struct sandbox_error *error)
{
	int result = remove_layer(directory, error);

	test_point("registry.emptied");
	return result < 0 ? result : tree_remove(all, trash, error);
}

/* From now on it does not exist. 0 or -errno. The registry is locked. */
static int discard(int all, const char *called, char out_trash[TRASH_SIZE])
{
	(void)snprintf(out_trash, TRASH_SIZE, ".%s", called);
	return renameat(all, called, all, out_trash) < 0 ? -errno : 0;
}

static bool is_same(int directory, const struct stat *status)
{
	struct stat own;

	return fstat(directory, &own) == 0 && own.st_dev == status->st_dev && own.st_ino == status->st_ino;
}

/* What it is called now: it may have been renamed, or removed (-ENOENT). The registry is locked. */
static int refresh(struct registry_entry *entry)
{
	auto_closedir DIR *stream = directory_read(openat(entry->all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const char *called;

	if (!stream)
		return -errno;
	while ((called = directory_next(stream))) {
		struct registry_entry found;
		struct stat status;

		if (!parse_entry(called, &found) || strcmp(found.id, entry->id) != 0)
			continue;
		if (fstatat(dirfd(stream), called, &status, AT_SYMLINK_NOFOLLOW) < 0 || !is_same(entry->directory, &status))
			continue;
		memcpy(entry->called, found.called, sizeof(entry->called));
		return 0;
	}
	return errno ? -errno : -ENOENT;
}

/* 0 or -errno. */
static int discard_locked(struct registry_entry *entry, char out_trash[TRASH_SIZE])
{
	int result = flock_whole(entry->all, LOCK_EX);

	if (result < 0)
		return result;
	result = refresh(entry);
	if (result == 0)
		result = discard(entry->all, entry->called, out_trash);
	(void)flock(entry->all, LOCK_UN);
	return result;
}

static int explain_stay(const struct registry_entry *entry, int code, struct sandbox_error *error)
{
	const char *name = registry_entry_name(entry);

	error_set(error, code, "remove sandbox \"%s\"", name ? name : entry->id);
	error_cause(error, SANDBOX_E_HOME_UNUSABLE, "the directory of sandboxes cannot be changed");
	return error_fix(error, "see that you may write it, below --state DIR, and remove the sandbox again");
}

int registry_remove(struct registry_entry *entry, registry_burial *bury, struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	char trash[TRASH_SIZE];
	int result;

	if (entry->directory < 0) {
		registry_entry_finish(entry);
		return 0;
	}
	result = discard_locked(entry, trash);
	test_point("registry.discarded");
	/* Who waits for it finds that there is no such entry. */
	registry_let_name(entry);
	if (result == 0)
		(void)bury(entry);
	if (result == 0 && remove_trash(entry->all, trash, entry->directory, &problem) < 0)
		log_notice("something of the sandbox stays behind: %s", problem.text);
	registry_entry_finish(entry);
	return result < 0 ? explain_stay(entry, -result, error) : 0;
}

/* ---- one entry ---- */

bool registry_is_live(const struct registry_entry *entry)
{
	if (flock(entry->directory, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	(void)flock(entry->directory, LOCK_UN);
	return false;
}

int registry_refresh(struct registry_entry *entry)
{
	int result = flock_whole(entry->all, LOCK_SH);

	if (result < 0)
		return result;
	result = refresh(entry);
	(void)flock(entry->all, LOCK_UN);
	return result;
}

/* Why an entry that was found could not be looked at again. -errno: -ENOENT alone says that it is gone. */
static int explain_refresh(const struct registry_entry *entry, int result, struct sandbox_error *error)
{
	if (result == -ENOENT)
		return registry_unknown(entry->id, false, error);
	return error_set(error, -result, "look for the sandbox %s", entry->id);
}

int registry_refuse_live(const struct registry_entry *entry, struct sandbox_error *error)
{
	const char *name = registry_entry_name(entry) ? registry_entry_name(entry) : entry->id;

	error_set(error, EBUSY, "sandbox \"%s\"", name);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "it runs, or another command works on it");
	return error_fix(error, "sandbox stop %s", name);
}

int registry_lock_idle(struct registry_entry *entry, struct sandbox_error *error)
{
	int result;

	for (int i = 0; flock(entry->directory, LOCK_EX | LOCK_NB) < 0; i++) {
		/* Who only looks has the lock for an instant, and what a killed supervisor left for the time of its death. */
		if (i == LOCK_RETRIES)
			return registry_refuse_live(entry, error);
		usleep(LOCK_PAUSE_MICROSECONDS);
	}
	result = registry_refresh(entry);
	return result < 0 ? explain_refresh(entry, result, error) : 0;
}

/* By a file of its own: the lock of the entry is its supervisor's, and that of all is for moments. -ENOENT: not kept. */
static int open_name_lock(const struct registry_entry *entry)
{
	int file = openat(entry->directory, layer_ids_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return file < 0 ? -errno : file;
}

int registry_hold_name(struct registry_entry *entry, struct sandbox_error *error)
{
	auto_close int file = -1;
	int result;

	if (entry->hold >= 0)
		return 0;
	file = open_name_lock(entry);
	result = file < 0 ? file : flock_whole(file, LOCK_SH);
	if (result == 0)
		result = registry_refresh(entry);
	if (result < 0)
		return error_set(error, -result, "hold on to the name of %s", entry->id);
	entry->hold = take_fd(&file);
	return 0;
}

void registry_let_name(struct registry_entry *entry)
{
	/* Processes that were begun meanwhile have copies of the descriptor. */
	if (entry->hold >= 0)
		(void)flock(entry->hold, LOCK_UN);
	fd_close(&entry->hold);
}

static int refuse_starting(const struct registry_entry *entry, const char *what, struct sandbox_error *error)
{
	error_set(error, EBUSY, "%s %s", what, entry->called);
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "it is starting, as it is now, or another command changes it");
	return error_fix(error, "try again once it runs, or has failed to");
}

/* A start takes milliseconds. */
int registry_lock_name(const struct registry_entry *entry, const char *what, int *out, struct sandbox_error *error)
{
	auto_close int file = open_name_lock(entry);

	*out = -1;
	if (file < 0)
		return error_set(error, -file, "%s %s", what, entry->called);
	for (int i = 0; flock(file, LOCK_EX | LOCK_NB) < 0; i++) {
		if (i == NAME_RETRIES)
			return refuse_starting(entry, what, error);
		usleep(LOCK_PAUSE_MICROSECONDS);
	}
	*out = take_fd(&file);
	return 0;
}

/* An entry by the same name. */
struct search {
	const char *name;
	registry_burial *bury;
	bool found;
};

/* Dead, and nothing of it is to stay: what has come here first is the sweep. */
static bool gives_way(const struct registry_entry *entry, registry_burial *bury)
{
	char trash[TRASH_SIZE];

	return flock(entry->directory, LOCK_EX | LOCK_NB) == 0 && bury(entry) &&
		discard(entry->all, entry->called, trash) == 0;
}

static int compare_name(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	struct search *search = context;
	const char *name = registry_entry_name(entry);

	(void)error;
	if (name && strcmp(name, search->name) == 0 && !gives_way(entry, search->bury))
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
static int check_name_is_free(int all, const char *name, registry_burial *bury, struct sandbox_error *error)
{
	struct search search = {.name = name, .bury = bury};
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

static void set_called(struct registry_entry *entry, const char *name)
{
	(void)snprintf(entry->called, sizeof(entry->called), "%s%s%s", entry->id, name ? "-" : "", name ? name : "");
}

static int make_entry(const char *name, struct registry_entry *out, struct sandbox_error *error)
{
	int result = draw_id(out->id, error);

	if (result < 0)
		return result;
	set_called(out, name);
	if (mkdirat(out->all, out->called, 0700) < 0)
		return error_set(error, errno, "make a directory for the sandbox");
	out->directory = openat(out->all, out->called, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out->directory < 0 || flock(out->directory, LOCK_EX | LOCK_NB) < 0)
		return error_set(error, errno, "lock the sandbox's directory");
	return 0;
}

/* Nobody has found it yet, so nobody is waited for. One that is not kept has no such lock. */
static int hold_new_name(struct registry_entry *entry, struct sandbox_error *error)
{
	auto_close int file = open_name_lock(entry);
	int result = file < 0 ? file : flock_whole(file, LOCK_SH);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return error_set(error, -result, "hold on to the name of %s", entry->id);
	entry->hold = take_fd(&file);
	return 0;
}

int registry_add(const char *state, const char *name, registry_burial *bury, registry_filler *fill, void *context,
	struct registry_entry *out, struct sandbox_error *error)
{
	int result;

	*out = (struct registry_entry)REGISTRY_ENTRY_INIT;
	out->all = open_all(state, true, LOCK_EX, error);
	if (out->all < 0)
		return out->all;
	result = name ? check_name_is_free(out->all, name, bury, error) : 0;
	if (result == 0)
		result = make_entry(name, out, error);
	test_point("registry.made");
	if (result == 0)
		result = fill(context, out, error);
	if (result == 0)
		result = hold_new_name(out, error);
	if (result < 0 && out->directory >= 0)
		(void)tree_remove(out->all, out->called, NULL);
	(void)flock(out->all, LOCK_UN);
	return result;
}

int registry_rename(struct registry_entry *entry, const char *name, registry_burial *bury, struct sandbox_error *error)
{
	char before[REGISTRY_ENTRY_SIZE];
	auto_close int held = -1;
	int result = registry_lock_name(entry, "rename", &held, error);

	if (result < 0 && result != -ENOENT)
		return result;
	error_clear(error);
	result = flock_whole(entry->all, LOCK_EX);
	if (result == 0)
		result = refresh(entry);
	if (result < 0)
		return explain_refresh(entry, result, error);
	memcpy(before, entry->called, sizeof(before));
	result = check_name_is_free(entry->all, name, bury, error);
	if (result == 0) {
		set_called(entry, name);
		if (renameat(entry->all, before, entry->all, entry->called) < 0)
			result = error_set(error, errno, "rename the sandbox's directory");
	}
	(void)flock(entry->all, LOCK_UN);
	return result;
}

/* ---- sweeping ---- */

struct sweep {
	registry_burial *bury;
};

static int sweep_entry(void *context, const struct registry_entry *entry, struct sandbox_error *error)
{
	const struct sweep *sweep = context;

	(void)error;
	(void)gives_way(entry, sweep->bury);
	return 0;
}

/* The next one that nobody removes any more: locked, and what it was called; or -1. So many are passed over, which stay. */
static int find_trash(int all, size_t skip, struct registry_entry *out)
{
	auto_closedir DIR *stream = directory_read(openat(all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const char *called;

	while (stream && (called = directory_next(stream))) {
		struct registry_entry found;
		auto_close int directory = -1;

		if (*called != '.' || !parse_entry(called + 1, &found))
			continue;
		directory = openat(all, called, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (directory < 0 || flock(directory, LOCK_EX | LOCK_NB) < 0 || skip-- > 0)
			continue;
		*out = found;
		return take_fd(&directory);
	}
	return -1;
}

/* A large one takes time: nobody waits for that. */
static void sweep_trash(const char *state, registry_burial *bury)
{
	auto_free char *path = memory_format("%s/%s", state, all_name);
	auto_close int all = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	size_t stubborn = 0;

	while (all >= 0) {
		struct sandbox_error problem = {0};
		struct registry_entry entry;
		char trash[TRASH_SIZE];
		auto_close int directory = find_trash(all, stubborn, &entry);

		if (directory < 0)
			return;
		entry.all = all;
		entry.directory = directory;
		(void)bury(&entry);
		(void)snprintf(trash, TRASH_SIZE, ".%s", entry.called);
		if (remove_trash(all, trash, directory, &problem) == 0)
			continue;
		log_debug("%s", problem.text);
		stubborn++;
	}
}

void registry_sweep(const char *state, registry_burial *bury)
{
	struct sweep sweep = {bury};
	auto_close int all = open_all(state, false, LOCK_EX | LOCK_NB, NULL);

	if (all >= 0) {
		(void)walk_all(&all, sweep_entry, &sweep, NULL);
		sweep_trash(state, bury);
	} else if (all == -EWOULDBLOCK) {
		sweep_trash(state, bury);
	}
}
