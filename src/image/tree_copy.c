#include "image/tree_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/copy_work.h"
#include "image/store.h"

/*
 * Depth first with one directory open on each side, however deep the tree is: what is still to be entered waits on a
 * stack of names, and the way back is "..", which nobody moves in a store.
 */
struct walk {
	struct copy_work *work;
	int source, target;  /* the present directories */
	unsigned int depth;  /* of them; 0 for the root */
	char *pending;       /* for each: its depth (unsigned int), its name, and the length of the name (size_t) */
	size_t used, room;
};

int copy_failed(struct sandbox_error *error, int code, const char *name, const char *doing)
{
	(void)error_set(error, code, "copy \"%.200s\": %s", name, doing);
	(void)image_store_explain_full(error);
	return code ? -code : -EINVAL;
}

/* ---- what is still to be entered ---- */

static int push(struct walk *walk, const char *name, struct sandbox_error *error)
{
	size_t length = strlen(name) + 1, size = sizeof(unsigned int) + length + sizeof(length);
	unsigned int depth = walk->depth + 1;
	char *end;

	if (walk->used + size > walk->room) {
		size_t room = walk->room ? 2 * walk->room : 64 << 10;
		char *larger = realloc(walk->pending, room);

		if (!larger)
			return error_set(error, ENOMEM, "remember the directories to be copied");
		walk->pending = larger;
		walk->room = room;
	}
	end = walk->pending + walk->used;
	memcpy(end, &depth, sizeof(depth));
	memcpy(end + sizeof(depth), name, length);
	memcpy(end + sizeof(depth) + length, &length, sizeof(length));
	walk->used += size;
	return 0;
}

/* The name that was pushed last. It stays readable until the next push. */
static const char *pop(struct walk *walk, unsigned int *out_depth)
{
	const char *end = walk->pending + walk->used, *name;
	size_t length;

	memcpy(&length, end - sizeof(length), sizeof(length));
	name = end - sizeof(length) - length;
	memcpy(out_depth, name - sizeof(*out_depth), sizeof(*out_depth));
	walk->used -= sizeof(*out_depth) + length + sizeof(length);
	return name;
}

/* ---- hard links ---- */

/*
 * The first name of a file gets a second one in `links`, its inode's number, from which the later names are linked;
 * the last of them takes that one over, so that there are never more names than the archive had.
 */
static void link_name(const struct stat *status, char out[24])
{
	(void)snprintf(out, 24, "%llx", (unsigned long long)status->st_ino);
}

/* 1 when `name` is made, as another name of a file that is there already; 0 when it is the first; or -errno. */
static int link_known(const struct walk *walk, const char *name, const struct stat *status, struct sandbox_error *error)
{
	int links = walk->work->copy->links, result;
	struct stat known;
	char number[24];

	link_name(status, number);
	if (fstatat(links, number, &known, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : copy_failed(error, errno, name, "look for its other names");
	if (known.st_nlink == status->st_nlink)
		result = renameat(links, number, walk->target, name);
	else
		result = linkat(links, number, walk->target, name, 0);
	return result < 0 ? copy_failed(error, errno, name, "link it") : 1;
}

static int link_remember(const struct walk *walk, const char *name, const struct stat *status, struct sandbox_error *error)
{
	char number[24];

	link_name(status, number);
	if (linkat(walk->target, name, walk->work->copy->links, number, 0) < 0)
		return copy_failed(error, errno, name, "keep it for its other names");
	return 0;
}

/* ---- the kinds of files ---- */

static int copy_file(const struct walk *walk, const char *name, const struct stat *expected, struct sandbox_error *error)
{
	auto_close int from = openat(walk->source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	auto_close int to = -1;
	struct file_owner owner;
	struct stat status;
	mode_t mode;
	int result;

	if (from < 0 || fstat(from, &status) < 0)
		return copy_failed(error, errno, name, "open it");
	if (!S_ISREG(status.st_mode) || status.st_ino != expected->st_ino)
		return copy_failed(error, EAGAIN, name, "open it: it was exchanged");
	result = copy_owner_read(walk->work, from, &status, name, &owner, error);
	if (result < 0)
		return result;
	mode = copy_owner_mode(walk->work, &owner) & 01777;
	to = openat(walk->target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (to < 0)
		return copy_failed(error, errno, name, "make it");
	result = copy_data(walk->work, from, to, &status, name, error);
	return result < 0 ? result : copy_attributes(walk->work, from, to, &status, &owner, mode, name, error);
}

static int copy_link(const struct walk *walk, const char *name, struct sandbox_error *error)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(walk->source, name, target, sizeof(target));

	if (length < 0 || length == sizeof(target))
		return copy_failed(error, length < 0 ? errno : ENAMETOOLONG, name, "read the link");
	target[length] = '\0';
	return symlinkat(target, walk->target, name) < 0 ? copy_failed(error, errno, name, "make the link") : 0;
}

/* A FIFO, or a whiteout of overlay, which needs no privilege: a character device with the number 0. */
static int copy_node(const struct walk *walk, const char *name, const struct stat *status, mode_t mode,
	struct sandbox_error *error)
{
	if (!S_ISFIFO(status->st_mode) && !(S_ISCHR(status->st_mode) && status->st_rdev == 0))
		return copy_failed(error, EINVAL, name, "a layer has no such file");
	if (mknodat(walk->target, name, (status->st_mode & S_IFMT) | (mode & 01777), 0) < 0)
		return copy_failed(error, errno, name, "make it");
	return 0;
}

static int copy_other(const struct walk *walk, const char *name, const struct stat *status, struct sandbox_error *error)
{
	struct file_owner owner;
	int result = copy_owner_read_at(walk->work, walk->source, status, name, &owner, error);

	if (result == 0)
		result = S_ISLNK(status->st_mode) ? copy_link(walk, name, error) :
			copy_node(walk, name, status, copy_owner_mode(walk->work, &owner), error);
	return result < 0 ? result : copy_attributes_at(walk->work, walk->target, status, &owner, name, error);
}

/* Further names of one link are noted, too: nobody knows which of them is the first that is asked for. */
static int note_link(const struct walk *walk, const char *name, const struct stat *status, struct sandbox_error *error)
{
	struct file_owner owner;
	int result;

	if (S_ISREG(status->st_mode))
		return 0;
	result = copy_owner_read_at(walk->work, walk->source, status, name, &owner, error);
	return result < 0 ? result : copy_note_owner(walk->work, walk->target, status, &owner, name, error);
}

static int copy_entry(struct walk *walk, const char *name, struct sandbox_error *error)
{
	struct copy_work *work = walk->work;
	struct stat status;
	int result = 0;

	if (fstatat(walk->source, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_failed(error, errno, name, "look at it");
	work->counts.entries++;
	if (work->copy->progress)
		work->copy->progress(work->copy->context, &work->counts);
	if (S_ISDIR(status.st_mode))
		return push(walk, name, error);
	if (status.st_nlink > 1)
		result = link_known(walk, name, &status, error);
	if (result != 0)
		return result < 0 ? result : note_link(walk, name, &status, error);
	result = S_ISREG(status.st_mode) ? copy_file(walk, name, &status, error) : copy_other(walk, name, &status, error);
	return result == 0 && status.st_nlink > 1 ? link_remember(walk, name, &status, error) : result;
}

/* ---- directories ---- */

/* Copies what is in the present directory; directories are put on the stack. */
static int copy_entries(struct walk *walk, struct sandbox_error *error)
{
	auto_closedir DIR *stream =
		directory_read(openat(walk->source, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC));
	const char *name;
	int result = 0;

	if (!stream)
		return error_set(error, errno, "read a directory of the layer");
	while (result == 0 && (name = directory_next(stream)))
		result = copy_entry(walk, name, error);
	if (result == 0 && errno)
		return error_set(error, errno, "read a directory of the layer");
	test_point("copy-directory");
	return result;
}

/* Steps down on both sides, or up with "..". */
static int step(struct walk *walk, const char *name, struct sandbox_error *error)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_close int source = openat(walk->source, name, flags | O_NOATIME), target = openat(walk->target, name, flags);

	if (source < 0 || target < 0)
		return copy_failed(error, errno, name, "open the directory");
	scope_close(&walk->source);
	scope_close(&walk->target);
	walk->source = take_fd(&source);
	walk->target = take_fd(&target);
	return 0;
}

/* The present directory has all that it should have: nothing is written into it any more. */
static int settle(const struct walk *walk, struct sandbox_error *error)
{
	static const char name[] = "a directory";
	struct file_owner owner;
	struct stat status;
	int result;

	if (fstat(walk->source, &status) < 0)
		return copy_failed(error, errno, name, "look at it");
	result = copy_owner_read(walk->work, walk->source, &status, name, &owner, error);
	if (result == 0)
		result = copy_devices(walk->work, walk->source, walk->target, name, error);
	/* It was 0700 until now. */
	return result < 0 ? result
			  : copy_attributes(walk->work, walk->source, walk->target, &status, &owner, 0700, name, error);
}

static int leave(struct walk *walk, struct sandbox_error *error)
{
	int result = settle(walk, error);

	if (result == 0)
		result = step(walk, "..", error);
	walk->depth--;
	return result;
}

static int enter(struct walk *walk, const char *name, unsigned int depth, struct sandbox_error *error)
{
	int result = 0;

	while (result == 0 && walk->depth >= depth)
		result = leave(walk, error);
	if (result < 0)
		return result;
	if (mkdirat(walk->target, name, 0700) < 0)
		return copy_failed(error, errno, name, "make the directory");
	result = step(walk, name, error);
	walk->depth++;
	return result < 0 ? result : copy_entries(walk, error);
}

static int copy_all(struct walk *walk, struct sandbox_error *error)
{
	int result = copy_entries(walk, error);

	while (result == 0 && walk->used) {
		unsigned int depth;
		const char *name = pop(walk, &depth);

		result = enter(walk, name, depth, error);
	}
	while (result == 0 && walk->depth)
		result = leave(walk, error);
	return result < 0 ? result : settle(walk, error);
}

/* As the importer's: a default ACL above would override modes, a set-group-id bit pass on a group. */
static int prepare(const struct tree_copy *copy, struct sandbox_error *error)
{
	static const char *const inherited[] = {"system.posix_acl_default", "system.posix_acl_access"};

	for (size_t i = 0; i < array_count(inherited); i++)
		if (fremovexattr(copy->target, inherited[i]) < 0 && errno != ENODATA && errno != ENOTSUP)
			return error_set(error, errno, "remove %s from the staging directory", inherited[i]);
	if (fchown(copy->target, 0, 0) < 0 || fchmod(copy->target, 0700) < 0)
		return error_set(error, errno, "take over the staging directory");
	(void)umask(0);
	/* A limit on the size of files is then an error. */
	(void)signal(SIGXFSZ, SIG_IGN);
	return 0;
}

static int again(int directory)
{
	return openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int tree_copy(const struct tree_copy *copy, struct tree_copy_counts *out, struct sandbox_error *error)
{
	auto_free unsigned char *buffer = malloc(COPY_BUFFER_SIZE);
	struct copy_work work = {.copy = copy, .buffer = buffer};
	struct walk walk = {.work = &work, .source = again(copy->source), .target = again(copy->target)};
	int result;

	if (!buffer || walk.source < 0 || walk.target < 0)
		result = error_set(error, buffer ? errno : ENOMEM, "begin to copy a layer");
	else
		result = prepare(copy, error);
	if (result == 0)
		result = copy_all(&walk, error);
	free(walk.pending);
	scope_close(&walk.source);
	scope_close(&walk.target);
	*out = work.counts;
	return result;
}
