/* A new image from a sandbox: sandbox/files.h. */
#include <sandbox/files.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "image/commit.h"
#include "image/tar.h"
#include "runtime/files_work.h"
#include "runtime/group.h"
#include "runtime/pausing.h"
#include "runtime/record.h"

/* What the helper finds. */
struct layer_report {
	struct digest diff;
	struct tree_tar_counts counts;
};

struct layer_writer {
	struct sandbox_files *files;
	int spool;
	int report; /* a pipe */
};

static bool is_omitted(void *context, const struct tree_node *node)
{
	(void)context;
	return files_is_mount_place(node);
}

static int write_layer(void *argument, struct sandbox_error *error)
{
	struct layer_writer *writer = argument;
	auto_finish(tar_finish) struct tar_writer tar;
	struct tree_tar tree = {.writer = &tar, .form = TREE_TAR_LAYER, .prefix = "", .omit = is_omitted,
		.recorded = writer->files->idmap.single};
	struct layer_report report = {0};
	auto_close int base = -1;
	int result = tar_start(&tar, writer->spool, true, error);

	if (result == 0)
		result = files_enter(writer->files, &base, error);
	tree.root = writer->files->tree;
	tree.base = base;
	if (result == 0)
		result = tree_tar(&tree, &report.counts, error);
	if (result == 0)
		result = tar_end(&tar, &report.diff, error);
	report.counts.bytes = tar.size;
	(void)fd_write_all(writer->report, &report, sizeof(report));
	return result;
}

static int open_spool(const struct image_store *store, struct sandbox_error *error)
{
	auto_close int staging = file_open_directory(store->root, "staging", error);
	int spool = staging < 0 ? staging : openat(staging, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return staging >= 0 && spool < 0 ? error_set(error, errno, "make a file without a name in the image store") : spool;
}

/* The layer as a tar stream in `spool`. */
static int take_layer(struct sandbox_files *files, const struct interrupt *interrupt, int spool, struct layer_report *out,
	struct sandbox_error *error)
{
	struct layer_writer writer = {.files = files, .spool = spool};
	auto_close int reader = -1, theirs = -1;
	int result = fd_pipe(&reader, &theirs, error);

	writer.report = theirs;
	/* It fits into the pipe: nobody waits for us. */
	if (result == 0)
		result = files_run(files, interrupt, write_layer, &writer, error);
	fd_close(&theirs);
	if (result == 0 && fd_read_full(reader, out, sizeof(*out)) != sizeof(*out))
		result = error_set(error, EPROTO, "hear of the new layer");
	if (result == 0 && lseek(spool, 0, SEEK_SET) < 0)
		result = error_set(error, errno, "read the new layer again");
	return result;
}

/* A torn file in an image would stay there for ever. */
static int check_whole(const struct layer_report *report, const char *reference, struct sandbox_error *error)
{
	if (!report->counts.changed)
		return 0;
	(void)error_set(error, EBUSY, "take the files of %.128s", reference);
	(void)error_cause(error, SANDBOX_E_SANDBOX_STATE, "%llu were changed or removed while they were read",
		(unsigned long long)report->counts.changed);
	return error_fix(error, "sandbox stop %.128s, if it is kept; or give it a control group (a limit), which can be paused",
		reference);
}

/* Whether the sandbox is to be paused meanwhile: 1, 0, or -errno. */
static int decide_pause(const struct sandbox_files *files, const struct sandbox_commit_options *options,
	struct sandbox_error *error)
{
	bool can = files->running && faccessat(files->entry.directory, group_file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	if (options->pause != SANDBOX_PAUSE_ALWAYS || can || !files->running)
		return can && options->pause != SANDBOX_PAUSE_NEVER;
	(void)error_set(error, EOPNOTSUPP, "pause the sandbox");
	(void)error_cause(error, SANDBOX_E_SANDBOX_STATE, "it has no control group, which is what can be paused");
	return error_fix(error, "leave out --pause, or start it with a limit: sandbox run --pids-limit 1000 ...");
}

static int take_layer_paused(const struct sandbox_locations *locations, struct sandbox_files *files,
	const struct sandbox_commit_options *options, int spool, struct layer_report *out, struct sandbox_error *error)
{
	auto_finish(pausing_finish) struct pausing pausing = PAUSING_INIT;
	int pause = decide_pause(files, options, error), result;

	if (pause <= 0)
		return pause < 0 ? pause : take_layer(files, NULL, spool, out, error);
	result = pausing_start(&pausing, locations, &files->entry, error);
	if (result == 0)
		result = take_layer(files, &pausing.interrupt, spool, out, error);
	return result < 0 ? result : pausing_end(&pausing, error);
}

static int find_base(const struct image_store *store, const struct sandbox_files *files, struct image_record *out,
	struct sandbox_error *error)
{
	auto_finish(sandbox_entry_finish) struct sandbox_entry entry = {.id = ""};
	/* Of one that does not run we have the lock, until the layer is taken. */
	int result = record_read_own(&files->entry, &entry, error);

	if (result < 0)
		return result;
	if (!entry.digest) {
		(void)error_set(error, 0, "make an image of it");
		(void)error_cause(error, SANDBOX_E_FOLDER, "it stands on a folder, which is no image of the store");
		return error_fix(error, "sandbox export %s | sandbox import --name NAME -", entry.name ? entry.name : entry.id);
	}
	result = image_record_load(store->root, entry.digest, out, error);
	if (result != -ENOENT)
		return result;
	(void)error_set(error, ENOENT, "make an image of it");
	(void)error_cause(error, SANDBOX_E_IMAGE_UNKNOWN, "the image that it stands on, %.128s, is not in the store any more",
		entry.image);
	return error_fix(error, "import that again, or: sandbox export %s | sandbox import --name NAME -",
		entry.name ? entry.name : entry.id);
}

static int change_config(struct image_record *record, const struct sandbox_commit_options *options,
	struct sandbox_error *error)
{
	/* The image spec has a label for it, where Docker has a field of its own. */
	auto_free char *label = memory_format("LABEL org.opencontainers.image.authors=%s",
		options->author ? options->author : "");
	int result = 0;

	for (size_t i = 0; i < options->changes.count && result == 0; i++)
		result = image_config_change(&record->config, options->changes.items[i], error);
	return result < 0 || !options->author ? result : image_config_change(&record->config, label, error);
}

/* Descriptions of images are JSON. */
static int check_texts(const struct sandbox_commit_options *options, struct sandbox_error *error)
{
	bool sound = (!options->message || text_is_utf8(options->message)) && (!options->author || text_is_utf8(options->author));

	for (size_t i = 0; i < options->changes.count; i++)
		sound = sound && text_is_utf8(options->changes.items[i]);
	if (sound)
		return 0;
	(void)error_set(error, 0, "describe the image: a text is no UTF-8");
	(void)error_cause(error, SANDBOX_E_USAGE, "what is said of an image is Unicode everywhere");
	return error_fix(error, "write --message, --author and --change in UTF-8");
}

static int check_name(const char *name, struct sandbox_error *error)
{
	if (!name || image_name_is_valid(name))
		return 0;
	(void)error_set(error, 0, "call the image \"%.200s\"", name);
	(void)error_cause(error, SANDBOX_E_USAGE, "a name has letters, digits and \"._:-/\", and is no digest");
	return error_fix(error, "for example: sandbox commit SANDBOX name:tag");
}

int sandbox_commit(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_commit_options *options, char out_digest[SANDBOX_DIGEST_SIZE], struct sandbox_error *error)
{
	auto_finish(files_finish) struct sandbox_files files = SANDBOX_FILES_INIT;
	auto_finish(image_record_finish) struct image_record record = {.source = NULL};
	auto_finish(image_store_finish) struct image_store store = IMAGE_STORE_INIT;
	struct image_commit commit = {.map = &files.idmap, .base = &record, .comment = options->message, .name = options->name};
	auto_free char *source = NULL;
	auto_close int spool = -1;
	struct layer_report report;
	struct digest digest;
	int result = check_name(options->name, error);

	if (result == 0)
		result = check_texts(options, error);
	if (result == 0)
		result = files_open(locations, reference, &files, error);
	if (result == 0)
		result = image_store_open(files.store.path ? files.store.path : locations->store, &store, error);
	if (result == 0)
		result = find_base(&store, &files, &record, error);
	if (result == 0)
		result = change_config(&record, options, error);
	if (result == 0)
		result = spool = open_spool(&store, error);
	if (result >= 0)
		result = take_layer_paused(locations, &files, options, spool, &report, error);
	if (result == 0)
		result = check_whole(&report, reference, error);
	if (result < 0)
		return result;
	files_notice(&report.counts);
	source = memory_format("sandbox commit %s", files.entry.called);
	commit.source = source;
	commit.layer = spool;
	commit.size = report.counts.bytes;
	commit.diff = report.diff;
	result = image_commit(&store, &commit, &digest, error);
	if (result == 0)
		memcpy(out_digest, digest.hex, SANDBOX_DIGEST_SIZE);
	return result;
}
