#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/text.h"
#include "image/copy_work.h"
#include "image/protocol.h"

enum { SET_ID_BITS = S_ISUID | S_ISGID, OVERRIDE_SIZE_MAX = 64 };

/* ---- owners ---- */

/* From an id of this namespace to one of the archive. */
static bool to_archive(const struct id_extents *here, const struct id_extents *from, uint32_t id, uint32_t *out)
{
	uint32_t outside;

	return id_extents_lookup(here, id, &outside) && id_extents_find(from, outside, out);
}

static bool from_archive(const struct id_extents *here, const struct id_extents *to, uint32_t id, uint32_t *out)
{
	uint32_t outside;

	return id_extents_lookup(to, id, &outside) && id_extents_find(here, outside, out);
}

static int read_by_map(const struct copy_work *work, const struct stat *status, const char *name, struct file_owner *out,
	struct sandbox_error *error)
{
	const struct tree_copy *copy = work->copy;

	out->mode = status->st_mode & 07777;
	if (to_archive(&copy->here->users, &copy->from->users, status->st_uid, &out->uid) &&
	    to_archive(&copy->here->groups, &copy->from->groups, status->st_gid, &out->gid))
		return 0;
	return copy_failed(error, EINVAL, name, "find out whose it is");
}

int copy_owner_read(const struct copy_work *work, int fd, const struct stat *status, const char *name,
	struct file_owner *out, struct sandbox_error *error)
{
	int result;

	if (!work->copy->from->single)
		return read_by_map(work, status, name, out, error);
	/* With a single id all belongs to root, but for what is recorded. */
	result = file_owner_read(fd, status, out);
	return result < 0 ? copy_failed(error, -result, name, "read " OVERRIDE_STAT_ATTRIBUTE) : 0;
}

int copy_owner_read_at(const struct copy_work *work, int directory, const struct stat *status, const char *name,
	struct file_owner *out, struct sandbox_error *error)
{
	int result;

	if (!work->copy->from->single)
		return read_by_map(work, status, name, out, error);
	result = notes_owner(directory, name, status, out);
	return result < 0 ? copy_failed(error, -result, name, "read " NOTES_ATTRIBUTE) : 0;
}

int copy_owner_place(const struct copy_work *work, const struct file_owner *owner, const char *name, uid_t *out_uid,
	gid_t *out_gid, struct sandbox_error *error)
{
	const struct tree_copy *copy = work->copy;
	bool single = copy->to->single;

	if (from_archive(&copy->here->users, &copy->to->users, single ? 0 : owner->uid, out_uid) &&
	    from_archive(&copy->here->groups, &copy->to->groups, single ? 0 : owner->gid, out_gid))
		return 0;
	(void)copy_failed(error, EINVAL, name, "set its owner");
	(void)error_cause(error, SANDBOX_E_ID_UNMAPPED, "the id map has no place for its owner %u:%u", owner->uid, owner->gid);
	return error_fix(error, "give yourself more subordinate ids (subuid(5)), or use --userns=single");
}

mode_t copy_owner_mode(const struct copy_work *work, const struct file_owner *owner)
{
	return work->copy->to->single ? owner->mode & ~(mode_t)SET_ID_BITS : owner->mode;
}

/* Whether a single id and a mode without set-id bits do not tell all. */
static bool needs_record(const struct copy_work *work, const struct file_owner *owner)
{
	return work->copy->to->single && (owner->uid || owner->gid || (owner->mode & SET_ID_BITS));
}

static int record_failed(int code, const char *name, const char *doing, struct sandbox_error *error)
{
	(void)copy_failed(error, code, name, doing);
	if (code != ENOTSUP)
		return -code;
	(void)error_cause(error, SANDBOX_E_NO_ATTRIBUTES, "the file system of the image store keeps no user attributes");
	return error_fix(error, "keep images elsewhere with --root DIR, or do without --userns=single");
}

static int record_owner(struct copy_work *work, int fd, const struct file_owner *owner, const char *name,
	struct sandbox_error *error)
{
	char text[OVERRIDE_SIZE_MAX];
	int size = snprintf(text, sizeof(text), "%u:%u:0%o", owner->uid, owner->gid, owner->mode);
	int result = notes_make_way(fd, OVERRIDE_STAT_ATTRIBUTE, text, (size_t)size, &work->counts.lost);

	return result < 0 ? record_failed(-result, name, "record its owner in " OVERRIDE_STAT_ATTRIBUTE, error) : 0;
}

int copy_note_owner(struct copy_work *work, int directory, const struct stat *status, const struct file_owner *owner,
	const char *name, struct sandbox_error *error)
{
	struct note note = {.owner = *owner, .type = status->st_mode & S_IFMT};
	int result;

	/* A whiteout is nobody's in particular. */
	if (!needs_record(work, owner) || S_ISCHR(status->st_mode))
		return 0;
	(void)snprintf(note.name, sizeof(note.name), "%s", name);
	result = notes_put(directory, &note, &work->full);
	if (result == -EFBIG) {
		work->counts.lost++;
		return 0;
	}
	return result < 0 ? record_failed(-result, name, "note its owner in " NOTES_ATTRIBUTE, error) : 0;
}

int copy_devices(struct copy_work *work, int from, int to, const char *name, struct sandbox_error *error)
{
	auto_finish(notes_finish) struct notes notes;
	int result = notes_read(from, &notes);
	size_t position = 0;
	struct note note;

	while (result == 0 && notes_next(&notes, &position, &note))
		if (note_is_device(&note))
			result = notes_put(to, &note, &work->full);
	/* There was room for it in the original. */
	return result < 0 && result != -EFBIG ? copy_failed(error, -result, name, "copy " NOTES_ATTRIBUTE) : 0;
}

/* ---- attributes ---- */

static const char capability_attribute[] = "security.capability";

/* A version 3 capability says whose root it is good for, by an id of this namespace; one of version 2, for 0's. */
static int copy_capability(struct copy_work *work, int from, int to, const char *name, struct sandbox_error *error)
{
	struct vfs_ns_cap_data data = {0};
	const struct tree_copy *copy = work->copy;
	bool recorded = copy->from->single;
	ssize_t size = fgetxattr(from, recorded ? OVERRIDE_CAPABILITY_ATTRIBUTE : capability_attribute, &data, sizeof(data));
	uid_t source_root = 0, target_root = 0;
	uint32_t flags;

	(void)from_archive(&copy->here->users, &copy->from->users, 0, &source_root);
	(void)from_archive(&copy->here->users, &copy->to->users, 0, &target_root);
	/* EOVERFLOW: of a namespace that has nothing to do with this one. */
	if (size < (ssize_t)XATTR_CAPS_SZ_2 ||
	    (!recorded && (size == XATTR_CAPS_SZ_3 ? le32toh(data.rootid) : 0) != source_root)) {
		work->counts.lost++;
		return 0;
	}
	flags = le32toh(data.magic_etc) & VFS_CAP_FLAGS_MASK;
	data.magic_etc = htole32((copy->to->single ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3) | flags);
	data.rootid = htole32(target_root);
	if (fsetxattr(to, copy->to->single ? OVERRIDE_CAPABILITY_ATTRIBUTE : capability_attribute, &data,
		    copy->to->single ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3, 0) < 0)
		return copy_failed(error, errno, name, "set its capabilities");
	return 0;
}

static int copy_value(struct copy_work *work, int from, int to, const char *attribute, const char *name,
	struct sandbox_error *error)
{
	auto_free char *value = malloc(XATTR_SIZE_MAX);
	ssize_t size;
	int result;

	if (!value)
		return error_set(error, ENOMEM, "copy attributes");
	size = fgetxattr(from, attribute, value, XATTR_SIZE_MAX);
	result = size < 0 ? -errno : notes_make_way(to, attribute, value, (size_t)size, &work->counts.lost);
	return result < 0 ? copy_failed(error, -result, name, "copy its attributes") : 0;
}

static int copy_attribute(struct copy_work *work, int from, int to, const char *attribute, const char *name,
	struct sandbox_error *error)
{
	if (strcmp(attribute, work->copy->from->single ? OVERRIDE_CAPABILITY_ATTRIBUTE : capability_attribute) == 0)
		return copy_capability(work, from, to, name, error);
	/* Labels of the machine come by themselves. */
	if (!text_starts_with(attribute, "user.") || text_starts_with(attribute, "user.containers."))
		return 0;
	return copy_value(work, from, to, attribute, name, error);
}

static int copy_extended(struct copy_work *work, int from, int to, const char *name, struct sandbox_error *error)
{
	ssize_t size = flistxattr(from, (char *)work->buffer, COPY_BUFFER_SIZE);
	int result = 0;

	if (size < 0)
		return errno == ENOTSUP ? 0 : copy_failed(error, errno, name, "list its attributes");
	for (const char *attribute = (char *)work->buffer; attribute < (char *)work->buffer + size && result == 0;
	     attribute += strlen(attribute) + 1)
		result = copy_attribute(work, from, to, attribute, name, error);
	return result;
}

/* ---- all of them ---- */

int copy_attributes(struct copy_work *work, int from, int to, const struct stat *status, const struct file_owner *owner,
	mode_t mode, const char *name, struct sandbox_error *error)
{
	struct timespec times[2] = {status->st_mtim, status->st_mtim};
	mode_t wanted = copy_owner_mode(work, owner);
	uid_t uid = 0;
	gid_t gid = 0;
	int result = copy_owner_place(work, owner, name, &uid, &gid, error);

	if (result < 0)
		return result;
	if ((uid || gid) && fchown(to, uid, gid) < 0)
		return copy_failed(error, errno, name, "set its owner");
	if (needs_record(work, owner))
		result = record_owner(work, to, owner, name, error);
	/* A change of the owner takes capabilities and set-id bits away. */
	if (result == 0)
		result = copy_extended(work, from, to, name, error);
	if (result < 0)
		return result;
	if ((wanted != mode || (wanted & SET_ID_BITS)) && fchmod(to, wanted) < 0)
		return copy_failed(error, errno, name, "set its mode");
	return futimens(to, times) < 0 ? copy_failed(error, errno, name, "set its time") : 0;
}

int copy_attributes_at(struct copy_work *work, int to, const struct stat *status, const struct file_owner *owner,
	const char *name, struct sandbox_error *error)
{
	struct timespec times[2] = {status->st_mtim, status->st_mtim};
	uid_t uid = 0;
	gid_t gid = 0;
	int result = copy_owner_place(work, owner, name, &uid, &gid, error);

	if (result < 0)
		return result;
	if ((uid || gid) && fchownat(to, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_failed(error, errno, name, "set its owner");
	result = copy_note_owner(work, to, status, owner, name, error);
	if (result < 0)
		return result;
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? copy_failed(error, errno, name, "set its time") : 0;
}
