/* Why the image store cannot be where it is, and where it could be. */
#include "image/store.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"

/* For an image of Debian and what is written on it. */
static const uint64_t room_wanted = 256 << 20;

/* Whether the store is where it is without --root: then the environment says where. */
static bool is_default_place(const char *path)
{
	const char *base = getenv("XDG_CACHE_HOME"), *name = strrchr(path, '/');
	auto_free char *parent = name ? memory_text_n(path, (size_t)(name - path)) : NULL;

	if (!parent || strcmp(name, "/sandbox") != 0)
		return false;
	name = strrchr(parent, '/');
	return base && *base == '/' ? strcmp(parent, base) == 0 : name && strcmp(name, "/.cache") == 0;
}

/* A directory for temporary files that has room, or NULL; on another file system where this one is at fault. */
static const char *other_place(const char *path, bool same_will_do)
{
	static const char *const places[] = {"/var/tmp", "/tmp"};
	auto_free char *here = memory_text(path);
	struct stat store, place;
	struct statvfs room;

	while (stat(*here ? here : "/", &store) < 0 && strrchr(here, '/'))
		*strrchr(here, '/') = '\0';
	for (size_t i = 0; i < array_count(places); i++)
		if (stat(places[i], &place) == 0 && (same_will_do || place.st_dev != store.st_dev) &&
		    access(places[i], W_OK | X_OK) == 0 && statvfs(places[i], &room) == 0 && !(room.f_flag & ST_RDONLY) &&
		    (uint64_t)room.f_bavail * room.f_frsize >= room_wanted)
			return places[i];
	return NULL;
}

int image_store_explain(int code, const char *path, const char *doing, struct sandbox_error *error)
{
	bool is_full = code == ENOSPC || code == EDQUOT;
	const char *place = is_default_place(path) ? other_place(path, !is_full && code != EROFS) : NULL;

	(void)error_set(error, code, "%s the image store %s", doing, path);
	/* Not the directory's fault. */
	if (code == EMFILE || code == ENFILE || code == ENOMEM)
		return -code;
	if (is_full)
		(void)error_cause(error, SANDBOX_E_NO_SPACE, "its file system is full, or your quota is used up");
	else if (code == EROFS)
		(void)error_cause(error, SANDBOX_E_HOME_UNUSABLE, "its file system is mounted read-only");
	else
		(void)error_cause(error, SANDBOX_E_HOME_UNUSABLE, "images are kept there, unpacked");
	if (place)
		(void)error_fix(error, "export XDG_CACHE_HOME=$(mktemp -d -p %s) XDG_STATE_HOME=$(mktemp -d -p %s)", place,
			place);
	else
		(void)error_fix(error, "name a directory that you may write to, and that has room, with --root DIR");
	return code ? -code : -EINVAL;
}

int image_store_explain_full(struct sandbox_error *error)
{
	return error_explain_full(error, "the file system of the image store",
		"free some space (`sandbox gc`, `sandbox rmi`), or use another directory with --root DIR");
}
