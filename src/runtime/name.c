#include "runtime/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"

const char name_kind_group[] = "groups";

static int open_names(const char *runtime, const char *kind, bool make, struct sandbox_error *error)
{
	auto_close int parent = -1;
	int names, result = make ? file_make_directories(runtime, 0700, error) : 0;

	if (result < 0) {
		error_cause(error, SANDBOX_E_HOME_UNUSABLE, "names are kept there while their sandboxes run");
		return error_fix(error, "name a directory that you can make or write with --runroot DIR");
	}
	parent = file_open_own_directory(AT_FDCWD, runtime, "--runroot", error);
	if (parent < 0)
		return parent;
	if (make && mkdirat(parent, kind, 0700) < 0 && errno != EEXIST)
		return error_set(error, errno, "make %s/%s", runtime, kind);
	names = openat(parent, kind, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return names < 0 ? error_set(error, errno, "open %s/%s", runtime, kind) : names;
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

/* The directory is locked shared meanwhile: names_sweep takes a file without a lock for one that was left behind. */
int name_take(struct name_lease *lease, const char *runtime, const char *kind, const char *name,
	struct sandbox_error *error)
{
	int result;

	lease->names = open_names(runtime, kind, true, error);
	if (lease->names < 0)
		return lease->names;
	if (flock(lease->names, LOCK_SH) < 0)
		return error_set(error, errno, "lock %s/%s", runtime, kind);
	do
		result = lock_name(lease->names, name, &lease->lock);
	while (result == -ESTALE);
	(void)flock(lease->names, LOCK_UN);
	if (result == 0) {
		lease->name = memory_text(name);
		return 0;
	}
	if (result != -EWOULDBLOCK)
		return error_set(error, -result, "take the name %s", name);
	error_set(error, EEXIST, "name \"%s\"", name);
	error_cause(error, SANDBOX_E_NAME_IN_USE, "a running sandbox has that name");
	return error_fix(error, "choose another name");
}

/* A name whose file nobody holds belonged to a tool that was killed. */
void names_sweep(const char *runtime, const char *kind, bool (*clean)(int lock))
{
	auto_close int names = open_names(runtime, kind, false, NULL);
	auto_closedir DIR *stream = NULL;
	const char *name;

	if (names < 0 || flock(names, LOCK_EX | LOCK_NB) < 0)
		return;
	stream = directory_read(take_fd(&names));
	while (stream && (name = directory_next(stream))) {
		auto_close int lock = -1;

		if (*name == '.')
			continue;
		lock = openat(dirfd(stream), name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0 && (!clean || clean(lock)))
			(void)unlinkat(dirfd(stream), name, 0);
	}
}

void name_release(struct name_lease *lease)
{
	if (lease->name)
		(void)unlinkat(lease->names, lease->name, 0);
	free(take_ptr(lease->name));
	/* Last: who waits for the name finds its file gone. */
	fd_close(&lease->lock);
	fd_close(&lease->names);
}
