/* The root of a sandbox as an archive, and what was written to it: sandbox/files.h. */
#include <sandbox/files.h>

#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "image/tar.h"
#include "runtime/files_work.h"
#include "userns/userns.h"

/* ---- export ---- */

struct export {
	struct sandbox_files *files;
	int fd;
	int report; /* a pipe, on which the counts arrive */
};

/* The uppermost first. The end of the helper closes them. 0 or -errno. */
static int open_layers(const struct sandbox_files *files, int *out, struct sandbox_error *error)
{
	const struct sandbox_strings *layers = &files->ground.layers;

	for (size_t i = 0; i < layers->count; i++) {
		out[i] = file_open_directory(files->layers, layers->items[layers->count - 1 - i], error);
		if (out[i] < 0)
			return out[i];
	}
	return 0;
}

static int write_tree(void *argument, struct sandbox_error *error)
{
	struct export *export = argument;
	const struct sandbox_strings *layers = &export->files->ground.layers;
	auto_free int *roots = memory_zeroed(layers->count + 1, sizeof(*roots));
	auto_finish(tar_finish) struct tar_writer writer;
	struct tree_tar tree = {.writer = &writer, .form = TREE_TAR_WHOLE, .base = -1, .prefix = "",
		.recorded = export->files->idmap.single, .layers = roots, .layer_count = layers->count};
	struct tree_tar_counts counts = {0};
	int result = tar_start(&writer, export->fd, false, error);

	if (result == 0)
		result = files_enter(export->files, NULL, error);
	tree.root = export->files->tree;
	if (result == 0)
		result = open_layers(export->files, roots, error);
	if (result == 0)
		result = tree_tar(&tree, &counts, error);
	if (result == 0)
		result = tar_end(&writer, NULL, error);
	(void)fd_write_all(export->report, &counts, sizeof(counts));
	return result;
}

int sandbox_export(const struct sandbox_locations *locations, const char *reference, int fd, struct sandbox_error *error)
{
	auto_finish(files_finish) struct sandbox_files files = SANDBOX_FILES_INIT;
	struct export export = {.files = &files, .fd = fd};
	auto_close int reader = -1, writer = -1;
	struct tree_tar_counts counts = {0};
	int result = files_open(locations, reference, &files, error);

	if (result == 0)
		result = fd_pipe(&reader, &writer, error);
	if (result < 0)
		return result;
	export.report = writer;
	/* They fit into the pipe: nobody waits for us. */
	result = files_run(&files, NULL, write_tree, &export, error);
	fd_close(&writer);
	if (result == 0 && fd_read_full(reader, &counts, sizeof(counts)) == sizeof(counts))
		files_notice(&counts);
	return result < 0 ? error_wrap(error, "export %.128s", reference) : 0;
}

/* ---- diff ---- */

struct diff {
	struct sandbox_files *files;
	int out; /* a pipe: for each path its change as a byte, and the path with its NUL */
	bool etc;   /* /etc was changed, and nothing is known yet of what is in it */
	bool place; /* a place for a mount was: that would account for it */
};

static int say(const struct diff *diff, enum tree_change change, const char *path, struct sandbox_error *error)
{
	auto_free char *text = memory_format("%c/%s", (char)change, path);
	/* The first byte may be a NUL. */
	int result = fd_write_all(diff->out, text, strlen(path) + 3);

	return result < 0 ? error_set(error, -result, "tell of a change") : 0;
}

static int say_etc(struct diff *diff, struct sandbox_error *error)
{
	bool waits = diff->etc;

	diff->etc = false;
	return waits ? say(diff, TREE_CHANGED, "etc", error) : 0;
}

static int say_change(void *context, const struct tree_node *node, struct sandbox_error *error)
{
	struct diff *diff = context;
	int result;

	if (!*node->path)
		return 0;
	if (files_is_mount_place(node)) {
		diff->place = true;
		return TREE_SKIP;
	}
	result = say_etc(diff, error);
	if (result < 0)
		return result;
	if (node->change == TREE_CHANGED && strcmp(node->path, "etc") == 0) {
		diff->etc = true;
		diff->place = false;
		return 0;
	}
	return say(diff, node->change, node->path, error);
}

static int end_directory(void *context, const struct tree_node *node, struct sandbox_error *error)
{
	struct diff *diff = context;

	if (strcmp(node->path, "etc") != 0)
		return 0;
	diff->etc = diff->etc && !diff->place;
	return say_etc(diff, error);
}

static int compare(void *argument, struct sandbox_error *error)
{
	struct diff *diff = argument;
	auto_close int base = -1;
	struct tree_walk walk = {.visit = say_change, .leave = end_directory, .context = diff};
	int result = files_enter(diff->files, &base, error);

	walk.root = diff->files->tree;
	walk.base = base;
	return result < 0 ? result : tree_walk(&walk, error);
}

/* The helper is trusted no more than what it walks over: a change that is none ends it. */
static int hear_changes(int fd, int (*show)(void *context, enum sandbox_change change, const char *path), void *context,
	struct sandbox_error *error)
{
	auto_fclose FILE *stream = fdopen(fd, "re");
	auto_free char *path = NULL;
	size_t room = 0;
	int change, result = 0;

	if (!stream) {
		(void)close(fd);
		return error_set(error, errno, "hear of changes");
	}
	while (result == 0 && (change = fgetc(stream)) != EOF) {
		if (change > TREE_DELETED || getdelim(&path, &room, '\0', stream) <= 0)
			return error_set(error, EPROTO, "hear of changes");
		result = show(context, (enum sandbox_change)change, path);
	}
	return result;
}

_Static_assert((int)SANDBOX_FILE_ADDED == (int)TREE_ADDED && (int)SANDBOX_FILE_DELETED == (int)TREE_DELETED,
	"the public numbers are those of the walk");

int sandbox_diff(const struct sandbox_locations *locations, const char *reference,
	int (*show)(void *context, enum sandbox_change change, const char *path), void *context, struct sandbox_error *error)
{
	auto_finish(files_finish) struct sandbox_files files = SANDBOX_FILES_INIT;
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	struct diff diff = {.files = &files};
	auto_close int reader = -1, writer = -1;
	int result = files_open(locations, reference, &files, error);

	if (result == 0)
		result = fd_pipe(&reader, &writer, error);
	if (result < 0)
		return result;
	diff.out = writer;
	result = userns_start(&files.idmap, compare, &diff, &child, error);
	if (result < 0)
		return result;
	fd_close(&writer);
	result = hear_changes(take_fd(&reader), show, context, error);
	if (result == 0)
		result = userns_wait(&child, error);
	return result < 0 ? error_wrap(error, "compare %.128s with its image", reference) : 0;
}
