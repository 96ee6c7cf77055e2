#include "rootfs/mount_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "rootfs/mount_work.h"

static void mount_work_finish(struct mount_work *work)
{
	free(work->own);
	if (work->fresh >= 0)
		(void)close(work->fresh);
}

void mount_list_add(struct mount_list *list, const struct mount_step *step)
{
	struct mount_step *copy;

	list->steps = memory_room(list->steps, list->count, sizeof(*list->steps));
	copy = &list->steps[list->count++];
	*copy = *step;
	copy->target = memory_text(step->target);
	copy->source = memory_text(step->source);
}

void mount_list_finish(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->steps[i].target);
		free(list->steps[i].source);
	}
	free(list->steps);
	*list = (struct mount_list){0};
}

static const struct {
	const char *name;
	int (*apply)(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error);
	bool needs_network;
} kinds[] = {
	[MOUNT_DIRECTORY] = {"directory", mount_apply_directory},
	[MOUNT_TMPFS] = {"tmpfs", mount_apply_tmpfs},
	[MOUNT_PROC] = {"proc", mount_apply_proc},
	[MOUNT_SYSFS] = {"sysfs", mount_apply_sysfs, .needs_network = true},
	[MOUNT_DEVPTS] = {"devpts", mount_apply_devpts},
	[MOUNT_MQUEUE] = {"mqueue", mount_apply_mqueue},
	[MOUNT_CGROUP] = {"cgroup2", mount_apply_cgroup},
	[MOUNT_DEVICE] = {"device", mount_apply_device},
	[MOUNT_SYMLINK] = {"symlink", mount_apply_symlink},
	[MOUNT_ENTRY] = {"entry", mount_apply_entry},
	[MOUNT_FILE] = {"file", mount_apply_file},
	[MOUNT_SYSCTL] = {"sysctl", mount_apply_sysctl, .needs_network = true},
	[MOUNT_MASK] = {"mask", mount_apply_mask},
	[MOUNT_READ_ONLY] = {"read-only", mount_apply_read_only},
	[MOUNT_BIND] = {"bind", mount_apply_bind},
	[MOUNT_SEAL] = {"seal", mount_apply_seal},
};

const char *mount_kind_name(enum mount_kind kind)
{
	return kinds[kind].name;
}

const char *mount_name_in_fresh(const struct mount_work *work, const char *path)
{
	size_t length = work->fresh_path ? strlen(work->fresh_path) : 0;

	if (!length || strncmp(path, work->fresh_path, length) != 0 || path[length] != '/')
		return NULL;
	path += length + 1;
	return *path && !strchr(path, '/') ? path : NULL;
}

/* What an optional step may meet: the kernel was built without the thing, or does not show it. */
static bool is_absence(int result)
{
	return result == -ENOENT || result == -ENODEV || result == -ENXIO;
}

static int apply_step(struct mount_work *work, const struct mount_step *step, struct sandbox_error *error)
{
	int result = mount_check_missing(work, step, error);

	if (result == 0)
		result = kinds[step->kind].apply(work, step, error);
	return step->optional && is_absence(result) ? 0 : result;
}

int mount_list_apply(const struct mount_list *list, const struct mount_target *target, struct sandbox_error *error)
{
	auto_finish(mount_work_finish) struct mount_work work = {
		.root = target->root, .scratch = target->scratch, .fresh = -1};
	bool has_network = false;
	int result = mount_remember_own(&work, target->root, error);

	for (size_t i = 0; i < list->count && result == 0; i++) {
		const struct mount_step *step = &list->steps[i];

		if (kinds[step->kind].needs_network && !has_network)
			result = target->enter_network(target->context, error);
		has_network |= kinds[step->kind].needs_network;
		work.source = target->sources->fds[i];
		if (result == 0)
			result = apply_step(&work, step, error);
	}
	if (result < 0)
		return result;
	/* Of an optional step that came to nothing. */
	error_clear(error);
	return has_network ? 0 : target->enter_network(target->context, error);
}
