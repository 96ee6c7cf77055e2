#include "rootfs/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/scope.h"

/* The kernel explains refusals on the context itself: "e tmpfs: Bad value for 'size'". */
static int context_error(int context, const char *type, int code, struct sandbox_error *error)
{
	char message[200];
	ssize_t length = read(context, message, sizeof(message) - 1);

	if (length <= 2)
		return error_set(error, code, "mount %s", type);
	message[length] = '\0';
	message[strcspn(message, "\n")] = '\0';
	return error_set(error, code, "mount %s (%s)", type, message + 2);
}

static int context_set(int context, const struct filesystem_option *option)
{
	if (option->value)
		return fsconfig(context, FSCONFIG_SET_STRING, option->name, option->value, 0);
	return fsconfig(context, FSCONFIG_SET_FLAG, option->name, NULL, 0);
}

int filesystem_make(const char *type, const struct filesystem_option *options, uint64_t attributes,
	struct sandbox_error *error)
{
	auto_close int context = fsopen(type, FSOPEN_CLOEXEC);
	int mount;

	if (context < 0)
		return error_set(error, errno, "mount %s", type);
	/* What /proc/mounts shows as its device. */
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0) < 0)
		return context_error(context, type, errno, error);
	for (; options && options->name; options++)
		if (context_set(context, options) < 0)
			return context_error(context, type, errno, error);
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_error(context, type, errno, error);
	mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)attributes);
	return mount < 0 ? context_error(context, type, errno, error) : mount;
}

int filesystem_attach(int mount, int target, const char *path, struct sandbox_error *error)
{
	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(error, errno, "attach a mount to %s", path);
	return 0;
}

int filesystem_set_attributes(int mount, uint64_t attributes)
{
	struct mount_attr attr = {.attr_set = attributes};

	return mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}
