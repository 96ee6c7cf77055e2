#include "image/tree_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "image/copy_work.h"
#include "image/tar_links.h"
#include "image/tree_walk.h"
#include "kernel/syscalls.h"

enum { DRAFT_SIZE = 40 };

/* A directory of the target, on the way down to the present one. Only that one is open: they may be thousands. */
struct target {
	struct stat status;
	bool made; /* here, and so it gets the attributes of the original */
};

struct work {
	const struct tree_place *place;
	struct tree_place_counts *counts;
	struct copy_work copy; /* for copy_data alone */
	struct tree_copy no_copy;
	struct tar_links links;
	int root; /* the first of the targets; borrowed */
	int here; /* the last */
	struct target *targets;
	size_t depth, room;
	char names[XATTR_LIST_MAX];
	char value[XATTR_SIZE_MAX];
};

static void work_free(struct work **slot)
{
	struct work *work = *slot;

	if (!work)
		return;
	scope_close(&work->here);
	free(work->targets);
	free(work->copy.buffer);
	tar_links_finish(&work->links);
	free(work);
}

static struct work *work_new(const struct tree_place *place, struct tree_place_counts *counts)
{
	auto_finish(work_free) struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->root = work->here = -1;
	work->place = place;
	work->counts = counts;
	work->copy.lives = true;
	work->copy.copy = &work->no_copy;
	work->copy.buffer = malloc(COPY_BUFFER_SIZE);
	return work->copy.buffer ? take_ptr(work) : NULL;
}

static int failed(int code, const char *path, const char *doing, struct sandbox_error *error)
{
	(void)error_set(error, code, "copy \"%.200s\": %s", path, doing);
	(void)error_explain_full(error, "the file system that is copied to", "free some space there");
	if (code == EACCES || code == EPERM)
		(void)error_fix(error, "copy what belongs to others, or into what belongs to others, as a tar archive: "
			"tar -c FILE | sandbox cp - SANDBOX:DIRECTORY");
	return -code;
}

/* Takes the descriptor. */
static int push(struct work *work, int *fd, bool made, struct sandbox_error *error)
{
	struct target target = {.made = made};

	if (fstat(*fd, &target.status) < 0)
		return error_set(error, errno, "look at a directory that is copied to");
	if (work->depth == work->room) {
		size_t room = work->room ? 2 * work->room : 64;
		struct target *larger = reallocarray(work->targets, room, sizeof(*larger));

		if (!larger)
			return error_set(error, ENOMEM, "copy a directory");
		work->targets = larger;
		work->room = room;
	}
	work->targets[work->depth++] = target;
	scope_close(&work->here);
	work->here = take_fd(fd);
	return 0;
}

/* ---- attributes ---- */

static int copy_attribute(struct work *work, int from, int to, const char *name, const char *path, struct sandbox_error *error)
{
	ssize_t size;

	if (!text_starts_with(name, "user.") || text_starts_with(name, "user.overlay.") ||
	    text_starts_with(name, "user.containers."))
		return 0;
	size = fgetxattr(from, name, work->value, sizeof(work->value));
	if (size < 0)
		return errno == ENODATA ? 0 : failed(errno, path, "read its attributes", error);
	if (fsetxattr(to, name, work->value, (size_t)size, 0) == 0)
		return 0;
	if (errno != ENOTSUP)
		return failed(errno, path, "set its attributes", error);
	work->counts->attributes++;
	return 0;
}

static int copy_extended(struct work *work, int from, int to, const char *path, struct sandbox_error *error)
{
	ssize_t size = flistxattr(from, work->names, sizeof(work->names));
	int result = 0;

	if (size < 0)
		return errno == ENOTSUP ? 0 : failed(errno, path, "list its attributes", error);
	for (const char *name = work->names; name < work->names + size && result == 0; name += strlen(name) + 1)
		result = copy_attribute(work, from, to, name, path, error);
	return result;
}

static uid_t owner_of(const struct work *work, const struct stat *status)
{
	return work->place->keeps_owners ? status->st_uid : work->place->uid;
}

static gid_t group_of(const struct work *work, const struct stat *status)
{
	return work->place->keeps_owners ? status->st_gid : work->place->gid;
}

/* A file that would run as its owner must not come out of a sandbox: everybody on the host could start it. */
static mode_t mode_of(const struct work *work, const struct stat *status)
{
	bool keeps = work->place->keeps_set_ids || test_defence_removed("copy-set-ids");

	return status->st_mode & (keeps ? 07777 : 01777);
}

static int set_attributes(struct work *work, int from, int to, const struct stat *status, const char *path,
	struct sandbox_error *error)
{
	const struct timespec times[2] = {status->st_mtim, status->st_mtim};
	int result;

	if (fchown(to, owner_of(work, status), group_of(work, status)) < 0)
		return failed(errno, path, "set its owner", error);
	result = copy_extended(work, from, to, path, error);
	if (result < 0)
		return result;
	if (fchmod(to, mode_of(work, status)) < 0)
		return failed(errno, path, "set its mode", error);
	return futimens(to, times) < 0 ? failed(errno, path, "set its time", error) : 0;
}

static int set_attributes_at(const struct work *work, int directory, const char *name, const struct stat *status,
	const char *path, struct sandbox_error *error)
{
	const struct timespec times[2] = {status->st_mtim, status->st_mtim};

	if (fchownat(directory, name, owner_of(work, status), group_of(work, status), AT_SYMLINK_NOFOLLOW) < 0)
		return failed(errno, path, "set its owner", error);
	if (utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(errno, path, "set its time", error);
	return 0;
}

/* ---- objects that are no directories ---- */

static void draft_name(char out[DRAFT_SIZE])
{
	uint64_t number = 0;

	(void)!getrandom(&number, sizeof(number), 0);
	(void)snprintf(out, DRAFT_SIZE, ".sandbox-cp-%016llx", (unsigned long long)number);
}

/* In the place of whatever has the name, unless that is a directory. */
static int publish(int directory, const char *draft, const char *name, const char *path, struct sandbox_error *error)
{
	int code;

	if (renameat(directory, draft, directory, name) == 0) {
		/* Two names of one file: then nothing was renamed. */
		(void)unlinkat(directory, draft, 0);
		return 0;
	}
	code = errno;
	(void)unlinkat(directory, draft, 0);
	(void)failed(code, path, "put it in its place", error);
	if (code == EISDIR || code == EEXIST || code == ENOTEMPTY)
		return error_cause(error, SANDBOX_E_USAGE, "there is a directory of that name");
	return code == EBUSY ? error_cause(error, SANDBOX_E_USAGE, "something is mounted there") : -code;
}

/* Without a name until it is complete, where the file system can do that. */
static int open_draft(int directory, char draft[DRAFT_SIZE], bool *out_named)
{
	int fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	draft_name(draft);
	*out_named = fd < 0;
	return fd >= 0 ? fd : openat(directory, draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int name_draft(int fd, int directory, const char *draft)
{
	char self[32];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, directory, draft, AT_SYMLINK_FOLLOW);
}

/* The kernel's own files have content, whatever size they tell: none in /proc, a page in /sys. */
static int copy_stream(struct work *work, int from, int to, const char *path, struct sandbox_error *error)
{
	for (;;) {
		ssize_t got = read(from, work->copy.buffer, COPY_BUFFER_SIZE);
		int result;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? failed(errno, path, "read it", error) : 0;
		result = fd_write_all(to, work->copy.buffer, (size_t)got);
		if (result < 0)
			return failed(-result, path, "write it", error);
	}
}

static int copy_content(struct work *work, int from, int to, const struct stat *status, const char *path,
	struct sandbox_error *error)
{
	int result;

	if (tree_is_kernels(from))
		return copy_stream(work, from, to, path, error);
	test_point("copy-file");
	result = copy_data(&work->copy, from, to, status, path, error);
	work->counts->lost += work->copy.shrunk;
	work->copy.shrunk = 0;
	return result < 0 ? failed(-result, path, "copy its data", error) : 0;
}

static int place_file(struct work *work, int source, const struct stat *status, int directory, const char *name,
	const char *path, struct sandbox_error *error)
{
	char draft[DRAFT_SIZE];
	bool named = false;
	auto_close int to = open_draft(directory, draft, &named);
	int result;

	if (to < 0)
		return failed(errno, path, "make it", error);
	result = copy_content(work, source, to, status, path, error);
	if (result == 0)
		result = set_attributes(work, source, to, status, path, error);
	if (result == 0 && !named && name_draft(to, directory, draft) < 0)
		result = failed(errno, path, "name it", error);
	if (result < 0 && named)
		(void)unlinkat(directory, draft, 0);
	return result < 0 ? result : publish(directory, draft, name, path, error);
}

static int place_special(struct work *work, int source, const char *source_name, const struct stat *status, int directory,
	const char *name, const char *path, struct sandbox_error *error)
{
	char target[PATH_MAX], draft[DRAFT_SIZE];
	int result;

	draft_name(draft);
	if (S_ISLNK(status->st_mode)) {
		ssize_t length = readlinkat(source, source_name, target, sizeof(target) - 1);

		if (length < 0)
			return failed(errno, path, "read the link", error);
		target[length] = '\0';
		result = symlinkat(target, directory, draft);
	} else {
		result = mkfifoat(directory, draft, mode_of(work, status));
	}
	if (result < 0)
		return failed(errno, path, "make it", error);
	result = set_attributes_at(work, directory, draft, status, path, error);
	if (result < 0)
		(void)unlinkat(directory, draft, 0);
	return result < 0 ? result : publish(directory, draft, name, path, error);
}

/* Another name of a file that is there already. 1 when it is made, 0 when it is to be copied, or -errno. */
static int place_link(struct work *work, const struct tree_node *node, struct sandbox_error *error)
{
	static const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	auto_free char *parent = NULL;
	auto_close int directory = -1;
	const char *first, *slash;
	char draft[DRAFT_SIZE];
	int result;

	if (node->status.st_nlink < 2)
		return 0;
	if (tar_links_find(&work->links, &node->status, node->path, &first) < 0)
		return error_set(error, ENOMEM, "remember the names of files");
	if (!first)
		return 0;
	slash = strrchr(first, '/');
	parent = slash ? memory_text_n(first, (size_t)(slash - first)) : memory_text(".");
	directory = kernel_openat2(work->root, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, resolve);
	draft_name(draft);
	/* Who has moved it meanwhile gets a copy. */
	if (directory < 0 || linkat(directory, slash ? slash + 1 : first, work->here, draft, 0) < 0)
		return 0;
	result = publish(work->here, draft, node->name, node->path, error);
	return result < 0 ? result : 1;
}

/* ---- directories ---- */

/* Opens the directory, or makes it. A descriptor or -errno. */
static int make_directory(int directory, const char *name, const char *path, bool *out_made, struct sandbox_error *error)
{
	int fd, code;

	*out_made = mkdirat(directory, name, 0700) == 0;
	if (!*out_made && errno != EEXIST)
		return failed(errno, path, "make the directory", error);
	fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	code = errno;
	(void)failed(code, path, "open the directory", error);
	return code == ENOTDIR || code == ELOOP ? error_cause(error, SANDBOX_E_USAGE, "there is something else of that name") :
						  -code;
}

static int visit_directory(struct work *work, const struct tree_node *node, struct sandbox_error *error)
{
	auto_close int fd = -1;
	bool made;
	int result;

	fd = make_directory(work->here, node->name, node->path, &made, error);
	if (fd < 0)
		return fd;
	if (tree_is_kernels(node->fd)) {
		result = made ? set_attributes(work, node->fd, fd, &node->status, node->path, error) : 0;
		return result < 0 ? result : TREE_SKIP;
	}
	return push(work, &fd, made, error);
}

static int visit(void *context, const struct tree_node *node, struct sandbox_error *error)
{
	struct work *work = context;
	mode_t type = node->status.st_mode & S_IFMT;
	int result;

	/* The root's place is there. */
	if (!*node->path)
		return 0;
	if (type == S_IFDIR)
		return visit_directory(work, node, error);
	if (type != S_IFREG && type != S_IFLNK && type != S_IFIFO) {
		work->counts->left_out++;
		return 0;
	}
	result = place_link(work, node, error);
	if (result != 0)
		return result < 0 ? result : 0;
	return type == S_IFREG ?
		place_file(work, node->fd, &node->status, work->here, node->name, node->path, error) :
		place_special(work, node->directory, node->name, &node->status, work->here, node->name, node->path, error);
}

static int leave(void *context, const struct tree_node *node, struct sandbox_error *error)
{
	struct work *work = context;
	int result = 0;

	if (!*node->path)
		return 0;
	if (work->targets[--work->depth].made)
		result = set_attributes(work, node->fd, work->here, &node->status, node->path, error);
	return result < 0 ? result : tree_step_up(&work->here, &work->targets[work->depth - 1].status, error);
}

static int place_contents(struct work *work, int source, int target, struct sandbox_error *error)
{
	struct tree_walk walk = {.root = source, .base = -1, .visit = visit, .leave = leave, .context = work};
	auto_close int first = fcntl(target, F_DUPFD_CLOEXEC, 3);
	int result = first < 0 ? error_set(error, errno, "copy a directory") : push(work, &first, false, error);

	work->root = target;
	if (result == 0)
		result = tree_walk(&walk, error);
	work->counts->lost += walk.lost;
	return result;
}

int tree_place_contents(const struct tree_place *place, int source, int target, struct tree_place_counts *counts,
	struct sandbox_error *error)
{
	auto_finish(work_free) struct work *work = work_new(place, counts);

	return work ? place_contents(work, source, target, error) : error_set(error, ENOMEM, "copy files");
}

static int place_directory(struct work *work, int source, const struct stat *status, int target, const char *name,
	struct sandbox_error *error)
{
	bool made = false;
	auto_close int fd = make_directory(target, name, name, &made, error);
	int result = fd < 0 ? fd : place_contents(work, source, fd, error);

	return result == 0 && made ? set_attributes(work, source, fd, status, name, error) : result;
}

int tree_place_object(const struct tree_place *place, int source, int target, const char *name,
	struct tree_place_counts *counts, struct sandbox_error *error)
{
	auto_finish(work_free) struct work *work = work_new(place, counts);
	struct stat status;

	if (!work)
		return error_set(error, ENOMEM, "copy files");
	if (fstat(source, &status) < 0)
		return failed(errno, name, "look at it", error);
	switch (status.st_mode & S_IFMT) {
	case S_IFDIR:
		return place_directory(work, source, &status, target, name, error);
	case S_IFREG:
		return place_file(work, source, &status, target, name, name, error);
	case S_IFLNK:
	case S_IFIFO:
		return place_special(work, source, "", &status, target, name, name, error);
	default:
		(void)error_set(error, EINVAL, "copy \"%.200s\"", name);
		(void)error_cause(error, SANDBOX_E_USAGE, "it is a device or a socket, which has no content");
		return error_fix(error, "copy a file or a directory");
	}
}
