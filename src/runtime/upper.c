#include "runtime/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "userns/userns.h"

static const char ephemeral_name[] = "ephemeral";
enum { UPPER_NAME_SIZE = 32 };

struct removal {
	int directory;
	const char *name;
};

static int remove_in_userns(void *argument, struct sandbox_error *error)
{
	const struct removal *removal = argument;

	test_point("container.removing-upper");
	return tree_remove(removal->directory, removal->name, error);
}

/* Subordinate ids own what is inside: only their root can delete it, or the host's. */
int upper_remove_tree(int directory, const char *name, const struct idmap *idmap, struct sandbox_error *error)
{
	struct removal removal = {directory, name};

	if (geteuid() == 0)
		return tree_remove(directory, name, error);
	return userns_run(idmap, remove_in_userns, &removal, error);
}

/*
 * Opens the directory of ephemeral layers, with a lock. Whoever makes one there holds it shared until the new one
 * has a lock of its own; whoever looks for those of the dead holds it exclusively, and so never meets a half-made one.
 */
static int open_ephemeral(const char *state, int lock, struct sandbox_error *error)
{
	auto_free char *path = memory_format("%s/%s", state, ephemeral_name);
	auto_close int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory < 0)
		return error_set(error, errno, "open %s", path);
	while (flock(directory, lock) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "lock %s", path);
	return take_fd(&directory);
}

/*
 * The next layer whose sandbox is dead: a descriptor that keeps other sweepers from it, and its name; or -1. So many
 * are passed over, which could not be removed.
 */
static int find_dead_upper(const char *state, size_t skip, char *out_name, size_t size)
{
	auto_close int ephemeral = open_ephemeral(state, LOCK_EX | LOCK_NB, NULL);
	auto_closedir DIR *stream = NULL;
	const char *name;

	if (ephemeral < 0)
		return -1;
	stream = directory_read(take_fd(&ephemeral));
	while (stream && (name = directory_next(stream))) {
		auto_close int upper = -1;

		if (*name == '.' || strlen(name) >= size)
			continue;
		upper = openat(dirfd(stream), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (upper < 0 || flock(upper, LOCK_EX | LOCK_NB) < 0 || skip-- > 0)
			continue;
		(void)snprintf(out_name, size, "%s", name);
		return take_fd(&upper);
	}
	return -1;
}

/* A large one takes time: nobody who makes a new one waits for that. */
void uppers_sweep(const char *state, const struct idmap *idmap)
{
	auto_free char *path = memory_format("%s/%s", state, ephemeral_name);
	size_t stubborn = 0;

	for (;;) {
		char name[UPPER_NAME_SIZE];
		auto_close int upper = find_dead_upper(state, stubborn, name, sizeof(name)), ephemeral = -1;
		struct sandbox_error problem = {0};

		if (upper < 0)
			return;
		log_debug("remove the writable layer %s of a sandbox that was killed", name);
		ephemeral = file_open_directory(AT_FDCWD, path, NULL);
		if (ephemeral >= 0 && upper_remove_tree(ephemeral, name, idmap, &problem) == 0)
			continue;
		log_debug("%s", problem.text);
		stubborn++;
	}
}

/* Only the host's root is a stranger to the sandbox's root, who has all rights over the caller's own files. */
static int give_to_root(int directory, const struct idmap *idmap, struct sandbox_error *error)
{
	uint32_t owner = geteuid(), group = getegid();

	(void)id_extents_lookup(&idmap->users, 0, &owner);
	(void)id_extents_lookup(&idmap->groups, 0, &group);
	if (geteuid() == 0 && fchown(directory, owner, group) < 0)
		return error_set(error, errno, "give the writable layer to the root of the sandbox");
	return 0;
}

int upper_make_kept(int directory, const char *name, const struct idmap *idmap, struct sandbox_error *error)
{
	auto_close int layer = -1;

	if (mkdirat(directory, name, 0700) < 0)
		return error_set(error, errno, "make the writable layer");
	layer = file_open_directory(directory, name, error);
	return layer < 0 ? layer : give_to_root(layer, idmap, error);
}

int upper_make(struct upper_layer *upper, const char *state, const struct idmap *idmap, struct sandbox_error *error)
{
	auto_free char *path = memory_format("%s/%s", state, ephemeral_name);
	auto_close int ephemeral = -1;
	uint64_t number;
	int result = file_make_directories(path, 0700, error);

	if (result < 0) {
		error_cause(error, SANDBOX_E_HOME_UNUSABLE, "the writable layer is to lie there");
		return error_fix(error, "name a directory that you can make or write with --state DIR");
	}
	ephemeral = open_ephemeral(state, LOCK_SH, error);
	if (ephemeral < 0)
		return ephemeral;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_set(error, errno, "draw a random number");
	upper->idmap = idmap;
	upper->path = memory_format("%s/%016llx", path, (unsigned long long)number);
	if (mkdir(upper->path, 0700) < 0)
		return error_set(error, errno, "make %s", upper->path);
	test_point("container.upper-made");
	upper->lock = open(upper->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper->lock < 0 || flock(upper->lock, LOCK_EX | LOCK_NB) < 0)
		return error_set(error, errno, "lock %s", upper->path);
	return give_to_root(upper->lock, idmap, error);
}

void upper_remove(struct upper_layer *upper)
{
	auto_free char *path = take_ptr(upper->path);
	char *name = path ? strrchr(path, '/') : NULL;
	struct sandbox_error error = {0};
	auto_close int parent = -1;

	if (name) {
		*name++ = '\0';
		parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent >= 0 && upper_remove_tree(parent, name, upper->idmap, &error) < 0)
			log_notice("the writable layer stays behind: %s", error.text);
	}
	fd_close(&upper->lock);
}
