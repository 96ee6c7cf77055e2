#include "runtime/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"
#include "image/layer_ids.h"
#include "runtime/control.h"
#include "runtime/group.h"
#include "runtime/kept.h"
#include "runtime/pausing.h"
#include "runtime/record.h"

enum { FILES_ROOT, FILES_TREE, FILES_LAYERS, FILES_GROUND, FILES_COUNT };
enum { GROUND_SIZE_MAX = 1 << 20, SCRATCH_SIZE = 1 << 20, SCRATCH_INODES = 16 };

static void close_fds(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fd_close(&fds[i]);
}

/* ---- init ---- */

static int describe_ground(const struct plan *plan, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *object = json_new_object();
	auto_close int fd = memfd_create("files", MFD_CLOEXEC);
	auto_free char *text = NULL;
	int result;

	if (fd < 0)
		return error_set(error, errno, "make a memfd");
	json_add(object, "ids", layer_ids_describe(&(struct layer_ids){plan->idmap, 0}));
	json_add_strings(object, "layers", &plan->root.layers);
	text = json_text(object);
	result = fd_write_all(fd, text, strlen(text));
	if (result < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set(error, result < 0 ? -result : errno, "write down what the sandbox stands on");
	return take_fd(&fd);
}

static int open_files(const struct plan *plan, int *fds, struct sandbox_error *error)
{
	if (plan->own_init) {
		error_set(error, EOPNOTSUPP, "reach the files of the sandbox");
		error_cause(error, SANDBOX_E_SANDBOX_STATE, "with --init=false our init stands outside of the sandbox");
		return error_fix(error, "stop it first, if it is kept; or start it without --init=false");
	}
	fds[FILES_ROOT] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fds[FILES_ROOT] < 0)
		return error_set(error, errno, "open the root");
	fds[FILES_TREE] = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fds[FILES_TREE] < 0)
		return error_set(error, errno, "copy the mount of the root");
	fds[FILES_LAYERS] = fcntl(plan->layers, F_DUPFD_CLOEXEC, 3);
	if (fds[FILES_LAYERS] < 0)
		return error_set(error, errno, "open the directory of layers");
	fds[FILES_GROUND] = describe_ground(plan, error);
	return fds[FILES_GROUND] < 0 ? fds[FILES_GROUND] : 0;
}

void files_answer(const struct plan *plan, struct channel_message *request)
{
	int fds[FILES_COUNT] = {-1, -1, -1, -1};
	struct sandbox_error error = {0};

	if (request->fd_count == 1 && open_files(plan, fds, &error) < 0)
		(void)channel_send_error(request->fds[0], &error);
	else if (request->fd_count == 1)
		(void)channel_send(request->fds[0], CHANNEL_FILES, 0, 0, fds, FILES_COUNT, NULL);
	close_fds(fds, FILES_COUNT);
	close_fds(request->fds, request->fd_count);
}

/* ---- one that runs ---- */

static int read_ground(int fd, struct sandbox_files *out, struct sandbox_error *error)
{
	auto_finish(json_free) struct json_object *object = NULL;
	struct json_object *described = NULL;
	static const char name[] = "what the sandbox stands on";
	auto_free char *text = NULL;
	struct layer_ids ids;
	size_t size;
	int result = file_read_fd(fd, name, GROUND_SIZE_MAX, &text, &size, error);

	if (result == 0)
		result = json_parse(text, size, name, &object, error);
	if (result == 0)
		result = json_get_object(object, name, "ids", false, &described, error);
	if (result == 0)
		result = layer_ids_read(described, "ids", &ids, error);
	if (result == 0)
		result = json_get_strings(object, name, "layers", false, &out->ground.layers, error);
	if (result == 0)
		out->idmap = ids.map;
	return result;
}

static int hear_answer(int channel, struct sandbox_files *out, struct sandbox_error *error)
{
	struct channel_message answer;
	auto_close int ground = -1;
	int result = channel_expect(channel, CHANNEL_FILES, &answer, error);

	if (result < 0)
		return result;
	if (answer.fd_count != FILES_COUNT) {
		close_fds(answer.fds, answer.fd_count);
		return error_set(error, EPROTO, "reach the files of the sandbox");
	}
	out->root = answer.fds[FILES_ROOT];
	out->tree = answer.fds[FILES_TREE];
	out->layers = answer.fds[FILES_LAYERS];
	ground = answer.fds[FILES_GROUND];
	return read_ground(ground, out, error);
}

static int refuse_paused(const struct sandbox_files *files, struct sandbox_error *error)
{
	bool commit = pausing_is_under_way(&files->entry);

	error_set(error, EBUSY, "reach the files of the sandbox");
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "the sandbox is paused%s, and so is who could answer",
		commit ? " by a commit of it" : "");
	/* Who unpaused it would have files change while they are taken. */
	if (commit)
		return error_fix(error, "try again when that has ended");
	return error_fix(error, "sandbox unpause %s", files->entry.id);
}

static int open_running(struct sandbox_files *out, struct sandbox_error *error)
{
	auto_close int supervisor = record_connect(&out->entry, error), ours = -1, theirs = -1;
	struct channel_message word;
	int ends[2], result;

	if (supervisor < 0)
		return supervisor;
	result = channel_make(ends, error);
	if (result < 0)
		return result;
	ours = ends[0];
	theirs = ends[1];
	result = control_ask(supervisor, CHANNEL_FILES, 0, &theirs, 1, error);
	if (result == 0)
		result = control_answer(supervisor, &word, error);
	/* The end of init is that of the answer, too. */
	fd_close(&theirs);
	out->running = true;
	return result < 0 ? result : hear_answer(ours, out, error);
}

/* ---- a kept one that does not ---- */

static int open_kept(const struct sandbox_locations *locations, struct sandbox_files *out, struct sandbox_error *error)
{
	auto_finish(kept_finish) struct kept kept = {0};
	int result = kept_read(&out->entry, &kept, error);

	if (result == 0)
		result = registry_lock_idle(&out->entry, error);
	if (result == 0)
		result = image_store_open(kept.store, &out->store, error);
	if (result == 0)
		result = kept_lease(&kept, &out->store, &out->image, error);
	if (result < 0)
		return result;
	out->idmap = kept.idmap;
	out->layers = fcntl(image_directory(&out->store, &out->image), F_DUPFD_CLOEXEC, 3);
	strings_add_all(&out->ground.layers, &out->image.layers);
	out->ground.upper_stays = true;
	out->state = locations->state;
	return out->layers < 0 ? error_set(error, errno, "open the directory of layers") : 0;
}

int files_open(const struct sandbox_locations *locations, const char *reference, struct sandbox_files *out,
	struct sandbox_error *error)
{
	int result = registry_find(locations->state, reference, &out->entry, error);

	out->ground.nosuid = true;
	out->ground.tmpfs_size = SCRATCH_SIZE;
	out->ground.tmpfs_inodes = SCRATCH_INODES;
	if (result < 0)
		return result;
	if (!registry_is_live(&out->entry))
		return open_kept(locations, out, error);
	if (group_is_paused(out->entry.directory))
		return refuse_paused(out, error);
	result = open_running(out, error);
	/* Who works on the files of one that has ended has its lock, too; or it has ended just now. */
	if (result != -ESRCH || !kept_is(&out->entry))
		return result;
	error_clear(error);
	out->running = false;
	return open_kept(locations, out, error);
}

void files_finish(struct sandbox_files *files)
{
	registry_entry_finish(&files->entry);
	scope_close(&files->layers);
	scope_close(&files->root);
	scope_close(&files->tree);
	sandbox_strings_finish(&files->ground.layers);
	free(files->ground.upper);
	image_finish(&files->image);
	image_store_finish(&files->store);
	*files = (struct sandbox_files)SANDBOX_FILES_INIT;
}

/* ---- in the helper ---- */

/* The directory of layers is reached by standing in it: it moves along into the new mounts. */
static int separate(const struct sandbox_files *files, struct sandbox_error *error)
{
	if (fchdir(files->layers) < 0)
		return error_set(error, errno, "enter the directory of layers");
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(error, errno, "make a mount namespace");
	return root_make_private(error);
}

/*
 * By a path: descriptors of the mount namespace that was left lead to nothing that overlay takes. So it is its present one,
 * and nobody gives the entry another name before it is open; the entry's own lock does not keep anybody from that.
 */
static int open_upper(struct sandbox_files *files, int *out, struct sandbox_error *error)
{
	int result = registry_hold_name(&files->entry, error);

	if (result < 0)
		return result;
	files->ground.upper = memory_format("%s/sandboxes/%s/%s", files->state, files->entry.called, kept_layer_name);
	result = root_open_upper(&files->ground, out, error);
	registry_let_name(&files->entry);
	return result;
}

static int mount_kept(struct sandbox_files *files, struct sandbox_error *error)
{
	struct mount_target target = {.root = -1, .scratch = -1};
	auto_close int upper = -1;
	int result = open_upper(files, &upper, error);

	if (result == 0)
		result = root_build(&files->ground, upper, &target, error);
	if (result < 0)
		return error_wrap(error, "mount the root of the sandbox");
	scope_close(&target.scratch);
	files->root = target.root;
	files->tree = fcntl(target.root, F_DUPFD_CLOEXEC, 3);
	return 0;
}

int files_enter(struct sandbox_files *files, int *base, struct sandbox_error *error)
{
	auto_close int tree = -1;
	int result = 0;

	if (!files->running || base)
		result = separate(files, error);
	if (result == 0 && base)
		result = *base = root_build_lower(&files->ground, error);
	if (result >= 0 && !files->running)
		result = mount_kept(files, error);
	if (result < 0)
		return result;
	/* A descriptor of a path does not list attributes. */
	tree = openat(files->tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0)
		return error_set(error, errno, "open the root of the sandbox");
	scope_close(&files->tree);
	files->tree = take_fd(&tree);
	return 0;
}
