#include "runtime/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/tree.h"
#include "userns/userns.h"

static const char ephemeral_name[] = "ephemeral";
static const char names_name[] = "names";
enum { UPPER_NAME_SIZE = 32 };

/* ---- names ---- */

/* /tmp is everybody's: a directory there must be ours alone before anything is believed that lies in it. */
static int open_own_directory(const char *path, struct sandbox_error *error)
{
	auto_close int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (directory < 0 || fstat(directory, &status) < 0)
		return error_set(error, errno, "open %s", path);
	if (status.st_uid != geteuid() || (status.st_mode & 022)) {
		error_set(error, EPERM, "use %s", path);
		error_cause(error, SANDBOX_E_HOME_UNUSABLE, "it belongs to somebody else, or others can write there");
		return error_fix(error, "remove it, or name another directory with --runroot DIR");
	}
	return take_fd(&directory);
}

static int open_names(const char *runtime, bool make, struct sandbox_error *error)
{
	auto_close int parent = -1;
	int names, result = make ? file_make_directories(runtime, 0700, error) : 0;

	if (result < 0)
		return result;
	parent = open_own_directory(runtime, error);
	if (parent < 0)
		return parent;
	if (make && mkdirat(parent, names_name, 0700) < 0 && errno != EEXIST)
		return error_set(error, errno, "make %s/%s", runtime, names_name);
	names = openat(parent, names_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return names < 0 ? error_set(error, errno, "open %s/%s", runtime, names_name) : names;
}

/* Locks the file of a name. -EWOULDBLOCK when its sandbox lives, -ESTALE when it was removed under our hands. */
static int lock_name(int names, const char *name, int *out)
{
	auto_close int lock = openat(names, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat status;

	if (lock < 0)
		return -errno;
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if (fstat(lock, &status) < 0)
		return -errno;
	if (status.st_nlink == 0)
		return -ESTALE;
	*out = take_fd(&lock);
	return 0;
}

/* The directory is locked shared meanwhile: sweep_names takes a file without a lock for one that was left behind. */
static int take_name(struct container *container, const char *runtime, const char *name, struct sandbox_error *error)
{
	int result;

	container->names = open_names(runtime, true, error);
	if (container->names < 0)
		return container->names;
	if (flock(container->names, LOCK_SH) < 0)
		return error_set(error, errno, "lock %s/%s", runtime, names_name);
	do
		result = lock_name(container->names, name, &container->name_lock);
	while (result == -ESTALE);
	(void)flock(container->names, LOCK_UN);
	if (result == 0) {
		container->name = memory_text(name);
		return 0;
	}
	if (result != -EWOULDBLOCK)
		return error_set(error, -result, "take the name %s", name);
	error_set(error, EEXIST, "name \"%s\"", name);
	error_cause(error, SANDBOX_E_NAME_IN_USE, "a running sandbox has that name");
	return error_fix(error, "choose another name");
}

/* A name whose file nobody holds belonged to a tool that was killed. */
static void sweep_names(const char *runtime)
{
	auto_close int names = open_names(runtime, false, NULL);
	auto_closedir DIR *stream = NULL;
	struct dirent *entry;

	if (names < 0 || flock(names, LOCK_EX | LOCK_NB) < 0)
		return;
	stream = fdopendir(names);
	if (!stream)
		return;
	(void)take_fd(&names);
	while ((entry = readdir(stream))) {
		auto_close int lock = -1;

		if (entry->d_name[0] == '.')
			continue;
		lock = openat(dirfd(stream), entry->d_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
	}
}

/* ---- writable layers on disk ---- */

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
static int remove_upper(int directory, const char *name, const struct idmap *idmap, struct sandbox_error *error)
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
	struct dirent *entry;

	if (ephemeral < 0)
		return -1;
	stream = fdopendir(ephemeral);
	if (!stream)
		return -1;
	(void)take_fd(&ephemeral);
	while ((entry = readdir(stream))) {
		auto_close int upper = -1;

		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= size)
			continue;
		upper = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (upper < 0 || flock(upper, LOCK_EX | LOCK_NB) < 0 || skip-- > 0)
			continue;
		(void)snprintf(out_name, size, "%s", entry->d_name);
		return take_fd(&upper);
	}
	return -1;
}

/* A large one takes time: nobody who makes a new one waits for that. */
static void sweep_uppers(const char *state, const struct idmap *idmap)
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
		if (ephemeral >= 0 && remove_upper(ephemeral, name, idmap, &problem) == 0)
			continue;
		log_debug("%s", problem.text);
		stubborn++;
	}
}

static int make_upper_directory(struct container *container, const char *state, struct plan *plan,
	struct sandbox_error *error)
{
	auto_free char *path = memory_format("%s/%s", state, ephemeral_name);
	auto_close int ephemeral = -1;
	uint32_t owner = geteuid(), group = getegid();
	uint64_t number;
	int result = file_make_directories(path, 0700, error);

	if (result < 0)
		return result;
	ephemeral = open_ephemeral(state, LOCK_SH, error);
	if (ephemeral < 0)
		return ephemeral;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_set(error, errno, "draw a random number");
	container->idmap = &plan->idmap;
	container->upper_path = memory_format("%s/%016llx", path, (unsigned long long)number);
	if (mkdir(container->upper_path, 0700) < 0)
		return error_set(error, errno, "make %s", container->upper_path);
	test_point("container.upper-made");
	container->upper_lock = open(container->upper_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (container->upper_lock < 0 || flock(container->upper_lock, LOCK_EX | LOCK_NB) < 0)
		return error_set(error, errno, "lock %s", container->upper_path);
	(void)id_extents_lookup(&plan->idmap.users, 0, &owner);
	(void)id_extents_lookup(&plan->idmap.groups, 0, &group);
	/* Only the host's root is a stranger to the sandbox's root, who has all rights over the caller's own files. */
	if (geteuid() == 0 && fchown(container->upper_lock, owner, group) < 0)
		return error_set(error, errno, "give %s to the root of the sandbox", container->upper_path);
	plan->root.upper = memory_text(container->upper_path);
	return 0;
}

/* ---- all of it ---- */

void container_sweep(const struct sandbox_locations *locations, const struct plan *plan)
{
	sweep_names(locations->runtime);
	sweep_uppers(locations->state, &plan->idmap);
}

int container_create(struct container *container, const struct sandbox_locations *locations, struct plan *plan,
	struct sandbox_error *error)
{
	int result = 0;

	if (plan->name)
		result = take_name(container, locations->runtime, plan->name, error);
	test_point("container.named");
	if (result < 0)
		return result;
	if (plan->upper_on_disk)
		result = make_upper_directory(container, locations->state, plan, error);
	test_point("container.created");
	return result;
}

static void end_init(struct container *container)
{
	if (container->init > 0) {
		(void)kill(container->init, SIGKILL);
		while (waitpid(container->init, NULL, 0) < 0 && errno == EINTR)
			;
	}
	container->init = 0;
	if (container->init_pidfd >= 0)
		(void)close(take_fd(&container->init_pidfd));
	if (container->channel >= 0)
		(void)close(take_fd(&container->channel));
}

static void finish_upper(struct container *container)
{
	auto_free char *path = take_ptr(container->upper_path);
	char *name = path ? strrchr(path, '/') : NULL;
	struct sandbox_error error = {0};
	auto_close int parent = -1;

	if (name) {
		*name++ = '\0';
		parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent >= 0 && remove_upper(parent, name, container->idmap, &error) < 0)
			log_notice("the writable layer stays behind: %s", error.text);
	}
	if (container->upper_lock >= 0)
		(void)close(take_fd(&container->upper_lock));
}

static void finish_chore(struct container *container)
{
	while (container->chore > 0 && waitpid(container->chore, NULL, 0) < 0 && errno == EINTR)
		;
	container->chore = 0;
}

static void finish_name(struct container *container)
{
	if (container->name)
		(void)unlinkat(container->names, container->name, 0);
	free(take_ptr(container->name));
	/* Last: who waits for the name finds its file gone. */
	if (container->name_lock >= 0)
		(void)close(take_fd(&container->name_lock));
	if (container->names >= 0)
		(void)close(take_fd(&container->names));
}

void container_finish(struct container *container)
{
	end_init(container);
	terminal_finish(&container->terminal);
	finish_chore(container);
	test_point("container.ended");
	finish_upper(container);
	test_point("container.upper-removed");
	finish_name(container);
}
