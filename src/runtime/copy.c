/* Files from and to sandboxes: sandbox_copy of sandbox/files.h. */
#include <sandbox/files.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "image/tar.h"
#include "image/tree_place.h"
#include "image/tree_tar.h"
#include "image/tree_walk.h"
#include "image/unpack_tree.h"
#include "rootfs/root_path.h"
#include "runtime/files_work.h"

/* What is copied. */
struct copy_source {
	int fd;      /* for reading, or by path alone where it is neither a file nor a directory */
	struct stat status;
	char *name;  /* the last part of its path */
	bool inside; /* what is in the directory, and not itself: "DIR/." */
};

/* Where it goes. */
struct copy_end {
	int directory; /* the place itself, where that is a directory; else -1, and: */
	int parent;    /* the directory that it is in, or is to be; or -1 */
	char *name;
	bool exists;
	bool slash;    /* a directory was meant */
};

struct copy {
	struct sandbox_files *files;
	const struct sandbox_copy_options *options;
	const char *path; /* in the sandbox */
	bool out;
	int archive;      /* written, or (its tree) read; -1 for none */
	struct copy_source source;
	struct copy_end end;
	struct tree_place_counts *counts; /* shared with the helper */
};

static void source_finish(struct copy_source *source)
{
	scope_close(&source->fd);
	free(source->name);
}

static void end_finish(struct copy_end *end)
{
	scope_close(&end->directory);
	scope_close(&end->parent);
	free(end->name);
}

/* ---- paths, on the host and in a sandbox ---- */

/* `root` is -1 for the host. A descriptor or -errno. */
static int open_in(int root, const char *path, int flags)
{
	int fd;

	if (root >= 0)
		return root_open(root, path, flags | O_CLOEXEC, ROOT_FOLLOW);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Without slashes at the end; "/" stays. The caller frees. */
static char *trim(const char *path)
{
	char *text = memory_text(*path ? path : ".");

	for (size_t length = strlen(text); length > 1 && text[length - 1] == '/'; length--)
		text[length - 1] = '\0';
	return text;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), size = strlen(end);

	return length >= size && strcmp(text + length - size, end) == 0;
}

static bool is_itself(const char *name)
{
	return !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A descriptor by path alone is opened for reading once it is known what it is: a FIFO or device never is. */
static int reopen(struct copy_source *source)
{
	char self[32];
	int fd;

	if (!S_ISREG(source->status.st_mode) && !S_ISDIR(source->status.st_mode))
		return 0;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", source->fd);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)close(source->fd);
	source->fd = fd;
	return 0;
}

/* `step` is what was done with the path; `root` is -1 for the host. */
static int no_path(int root, int code, const char *step, const char *path, struct sandbox_error *error)
{
	error_set(error, code, "%s %.300s", step, path);
	if (code == ENOENT || code == ENOTDIR) {
		error_cause(error, SANDBOX_E_USAGE, root < 0 ? "it is not there" : "it is not there in the sandbox");
		return error_fix(error, "check the path; of a target, only the last part is made");
	}
	if (code == EACCES) {
		error_cause(error, SANDBOX_E_USAGE, "its modes, or those of a directory above it, do not let you");
		return error_fix(error, "name a path that you may use");
	}
	return -code;
}

static int find_source(int root, const char *path, bool follow, struct copy_source *out, struct sandbox_error *error)
{
	auto_free char *trimmed = trim(path);
	bool directory = ends_with(path, "/") || ends_with(path, "/.") || strcmp(path, ".") == 0;
	int result = 0;

	out->inside = ends_with(path, "/.") || is_itself(last_part(trimmed));
	out->name = memory_text(last_part(trimmed));
	out->fd = open_in(root, trimmed, O_PATH | (directory ? O_DIRECTORY : follow ? 0 : O_NOFOLLOW));
	if (out->fd < 0)
		return no_path(root, -out->fd, "open", path, error);
	if (fstat(out->fd, &out->status) < 0)
		return error_set(error, errno, "look at %.300s", path);
	result = reopen(out);
	return result < 0 ? no_path(root, -result, "open", path, error) : 0;
}

static int find_end(int root, const char *path, struct copy_end *out, struct sandbox_error *error)
{
	auto_free char *trimmed = trim(path), *parent = NULL;
	const char *name = last_part(trimmed);
	struct stat status;

	out->slash = ends_with(path, "/") || ends_with(path, "/.");
	out->directory = open_in(root, trimmed, O_RDONLY | O_DIRECTORY);
	if (out->directory >= 0)
		return 0;
	if ((out->directory != -ENOENT && out->directory != -ENOTDIR) || is_itself(name))
		return no_path(root, -out->directory, "open", path, error);
	parent = name == trimmed ? memory_text(".") : memory_text_n(trimmed, (size_t)(name - trimmed));
	out->name = memory_text(name);
	out->parent = open_in(root, parent, O_RDONLY | O_DIRECTORY);
	if (out->parent < 0)
		return no_path(root, -out->parent, "open the directory of", path, error);
	out->exists = fstatat(out->parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
	return 0;
}

/* ---- the copy ---- */

static int refuse(const char *path, const char *why, struct sandbox_error *error)
{
	(void)error_set(error, 0, "copy to \"%.200s\"", path);
	(void)error_cause(error, SANDBOX_E_USAGE, "%s", why);
	return error_fix(error, "name a directory that exists, or make it");
}

static int place_source(const struct copy *copy, const struct tree_place *place, struct sandbox_error *error)
{
	const struct copy_source *source = &copy->source;
	const struct copy_end *end = &copy->end;
	bool directory = S_ISDIR(source->status.st_mode);

	if (end->directory >= 0 && directory && source->inside)
		return tree_place_contents(place, source->fd, end->directory, copy->counts, error);
	if (end->directory >= 0)
		return tree_place_object(place, source->fd, end->directory, source->name, copy->counts, error);
	if (directory && end->exists)
		return refuse(end->name, "it is no directory, and a directory is to be copied", error);
	if (!directory && end->slash)
		return refuse(end->name, "there is no such directory", error);
	return tree_place_object(place, source->fd, end->parent, end->name, copy->counts, error);
}

/* The ids inside that are the caller's own on the host. 0, or -errno where he has none. */
static int place_on_host(const struct copy *copy, struct tree_place *out, struct sandbox_error *error)
{
	uint32_t uid, gid;

	if (!id_extents_find(&copy->files->idmap.users, copy->options->caller_uid, &uid) ||
	    !id_extents_find(&copy->files->idmap.groups, copy->options->caller_gid, &gid)) {
		(void)error_set(error, 0, "copy \"%.200s\"", copy->path);
		(void)error_cause(error, SANDBOX_E_ID_UNMAPPED, "the sandbox's id map has no place for you, so nothing that "
			"comes out of it could be yours");
		return error_fix(error, "sandbox cp %.64s:%.128s - | tar -x", copy->files->entry.called, copy->path);
	}
	*out = (struct tree_place){.keeps_owners = copy->options->archive, .uid = uid, .gid = gid};
	return 0;
}

/* What has no content that an archive could hold, or none whose size is known before. */
static int refuse_in_archive(const struct copy_source *source, struct sandbox_error *error)
{
	bool socket = S_ISSOCK(source->status.st_mode);

	if (!socket && !((S_ISREG(source->status.st_mode) || S_ISDIR(source->status.st_mode)) && tree_is_kernels(source->fd)))
		return 0;
	(void)error_set(error, 0, "write \"%.200s\" into an archive", source->name);
	(void)error_cause(error, SANDBOX_E_USAGE, "%s", socket ? "it is a socket, which has no content" :
		"it is the kernel's own, where files have no size, and an archive begins with that");
	return error_fix(error, "%s", socket ? "copy a file or a directory" : "name files, and a directory to copy them to");
}

static int write_archive(const struct copy *copy, struct sandbox_error *error)
{
	const struct copy_source *source = &copy->source;
	auto_finish(tar_finish) struct tar_writer writer;
	struct tree_tar_counts counts = {0};
	const struct tree_tar tree = {.writer = &writer, .form = TREE_TAR_WHOLE, .root = source->fd, .base = -1,
		.prefix = source->inside ? "" : source->name, .recorded = copy->files->idmap.single};
	const struct tree_node node = {.path = source->name, .name = "", .directory = source->fd,
		.fd = S_ISREG(source->status.st_mode) ? source->fd : -1, .status = source->status};
	int result = tar_start(&writer, copy->archive, false, error);

	if (result == 0)
		result = S_ISDIR(source->status.st_mode) ? tree_tar(&tree, &counts, error)
							 : tree_tar_object(&tree, &node, source->name, &counts, error);
	copy->counts->lost = counts.changed;
	copy->counts->left_out = counts.sockets;
	return result < 0 ? result : tar_end(&writer, NULL, error);
}

static int copy_out(struct copy *copy, struct sandbox_error *error)
{
	struct tree_place place;
	int result = find_source(copy->files->root, copy->path, copy->options->follow, &copy->source, error);

	test_point("copy-found");
	if (result == 0)
		result = copy->archive >= 0 ? refuse_in_archive(&copy->source, error) : place_on_host(copy, &place, error);
	if (result < 0)
		return result;
	return copy->archive >= 0 ? write_archive(copy, error) : place_source(copy, &place, error);
}

static int copy_in(struct copy *copy, struct sandbox_error *error)
{
	const struct tree_place place = {.keeps_owners = copy->options->archive || copy->archive >= 0, .keeps_set_ids = true};
	int result = find_end(copy->files->root, copy->path, &copy->end, error);

	if (result < 0)
		return result;
	test_point("copy-found");
	if (copy->archive < 0)
		return place_source(copy, &place, error);
	return copy->end.directory < 0 ? refuse(copy->path, "an archive is unpacked into a directory", error) :
		tree_place_contents(&place, copy->archive, copy->end.directory, copy->counts, error);
}

static int copy_inside(void *argument, struct sandbox_error *error)
{
	struct copy *copy = argument;
	int result = files_enter(copy->files, NULL, error);

	(void)umask(0);
	if (result < 0)
		return result;
	return copy->out ? copy_out(copy, error) : copy_in(copy, error);
}

/* ---- outside ---- */

static void notice(const struct tree_place_counts *counts)
{
	if (counts->left_out)
		log_notice("%llu device nodes or sockets were left out", (unsigned long long)counts->left_out);
	if (counts->attributes)
		log_notice("%llu extended attributes were left out, which the file system copied to does not keep",
			(unsigned long long)counts->attributes);
	if (counts->lost)
		log_notice("%llu files were changed or removed while they were read", (unsigned long long)counts->lost);
}

static int run_copy(struct copy *copy, const struct interrupt *interrupt, struct sandbox_error *error)
{
	int result;

	copy->counts = mmap(NULL, sizeof(*copy->counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (copy->counts == MAP_FAILED)
		return error_set(error, errno, "map memory");
	result = files_run(copy->files, interrupt, copy_inside, copy, error);
	if (result == 0)
		notice(copy->counts);
	(void)munmap(copy->counts, sizeof(*copy->counts));
	return result;
}

/* The archive is unpacked beside first: a damaged one changes nothing in the sandbox. */
static int copy_archive_in(const struct sandbox_locations *locations, struct copy *copy, int fd, struct sandbox_error *error)
{
	auto_finish(interrupt_release) struct interrupt interrupt = INTERRUPT_INIT;
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	auto_finish(staging_finish) struct staging staging = STAGING_INIT;
	auto_close int tree = -1;
	int result = image_store_open(locations->store, &store, error);

	if (result == 0)
		result = interrupt_hold(&interrupt, error);
	if (result == 0)
		result = unpack_tree(&store, fd, &copy->files->idmap, &interrupt, &staging, error);
	if (result == 0) {
		tree = copy->archive = openat(staging.wrapper, "root", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		result = tree < 0 ? error_set(error, errno, "open a staging directory") : run_copy(copy, &interrupt, error);
	}
	if (staging.wrapper >= 0)
		(void)staging_remove(&store, &staging, &copy->files->idmap, NULL);
	return result;
}

int sandbox_copy_out(const struct sandbox_locations *locations, const char *reference, const char *path, const char *target,
	const struct sandbox_copy_options *options, struct sandbox_error *error)
{
	auto_finish(files_finish) struct sandbox_files files = SANDBOX_FILES_INIT;
	struct copy copy = {.files = &files, .options = options, .path = path, .out = true, .archive = -1,
		.source = {.fd = -1}, .end = {.directory = -1, .parent = -1}};
	int result = files_open(locations, reference, &files, error);

	if (result == 0 && strcmp(target, "-") == 0)
		copy.archive = STDOUT_FILENO;
	else if (result == 0)
		result = find_end(-1, target, &copy.end, error);
	if (result == 0)
		result = run_copy(&copy, NULL, error);
	end_finish(&copy.end);
	return result;
}

int sandbox_copy_in(const struct sandbox_locations *locations, const char *source, const char *reference, const char *path,
	const struct sandbox_copy_options *options, struct sandbox_error *error)
{
	auto_finish(files_finish) struct sandbox_files files = SANDBOX_FILES_INIT;
	struct copy copy = {.files = &files, .options = options, .path = path, .archive = -1, .source = {.fd = -1},
		.end = {.directory = -1, .parent = -1}};
	int result = files_open(locations, reference, &files, error);

	if (result == 0 && strcmp(source, "-") == 0)
		result = copy_archive_in(locations, &copy, STDIN_FILENO, error);
	else if (result == 0) {
		result = find_source(-1, source, options->follow, &copy.source, error);
		if (result == 0)
			result = run_copy(&copy, NULL, error);
	}
	source_finish(&copy.source);
	return result;
}
