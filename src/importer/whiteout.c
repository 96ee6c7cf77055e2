#include "importer/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/test_switch.h"
#include "base/text.h"
#include "image/protocol.h"

static const char prefix[] = ".wh.";

bool whiteout_is_meant(const struct entry_path *path)
{
	const char *component = path->text;

	while (component) {
		if (text_starts_with(component, prefix))
			return true;
		component = strchr(component, '/');
		if (component)
			component++;
	}
	return false;
}

bool whiteout_is_made(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

static int make_opaque(int parent, const char *name, const char *path, struct sandbox_error *error)
{
	auto_close int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory < 0)
		return entry_failed(error, errno, path, "open the directory");
	if (fsetxattr(directory, OVERLAY_OPAQUE_ATTRIBUTE, "y", 1, 0) == 0)
		return 0;
	(void)entry_failed(error, errno, path, "hide what lies below it");
	if (!error || error->code != ENOTSUP)
		return -EIO;
	(void)error_cause(error, SANDBOX_E_NO_ATTRIBUTES, "the file system of the image store keeps no attributes of users");
	return error_fix(error, "put the store on another file system with --root DIR");
}

int whiteout_replace(int parent, const char *name, const char *path, struct sandbox_error *error)
{
	if (unlinkat(parent, name, 0) < 0 || mkdirat(parent, name, 0700) < 0)
		return entry_failed(error, errno, path, "make the directory");
	return make_opaque(parent, name, path, error);
}

static int hide(int parent, const char *name, const char *path, struct sandbox_error *error)
{
	struct stat status;

	if (mknodat(parent, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST)
		return entry_failed(error, errno, path, "make a whiteout");
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_failed(error, errno, path, "look at what it deletes");
	return S_ISDIR(status.st_mode) ? make_opaque(parent, name, path, error) : 0;
}

int whiteout_make(int parent, const struct entry_path *path, bool *out_opaque, struct sandbox_error *error)
{
	const char *name = path->text + path->name;

	/* One in the middle of a path would be a directory of that name. */
	if (!text_starts_with(name, prefix))
		return entry_refuse(error, "entry", path->text, "it lies in a directory whose name is that of a deletion");
	if (strcmp(name, ".wh..wh..opq") == 0) {
		if (path->depth > 1)
			return make_opaque(parent, ".", path->text, error);
		*out_opaque = true;
		return 0;
	}
	if (text_starts_with(name, ".wh..wh."))
		return 0;
	name += strlen(prefix);
	if ((!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) && !test_defence_removed("whiteout-dots"))
		return entry_refuse(error, "entry", path->text, "it would delete a directory's own name");
	return hide(parent, name, path->text, error);
}
