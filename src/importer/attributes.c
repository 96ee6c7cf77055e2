#include "importer/attributes.h"

#include <archive.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/test_switch.h"
#include "base/text.h"
#include "image/notes.h"
#include "importer/entry_path.h"

enum { ATTRIBUTE_SIZE_SURE = 2048 };

enum attribute_policy {
	ATTRIBUTE_KEEP,
	ATTRIBUTE_DROP,
	ATTRIBUTE_REFUSE,
	ATTRIBUTE_CAPABILITY,
};

/* The first prefix that matches decides. The header says why. */
static const struct attribute_rule {
	const char *prefix;
	enum attribute_policy policy;
} attribute_rules[] = {
	{"user.overlay.", ATTRIBUTE_REFUSE},
	{"trusted.overlay.", ATTRIBUTE_REFUSE},
	{"user.containers.", ATTRIBUTE_DROP},
	{"user.", ATTRIBUTE_KEEP},
	{"security.capability", ATTRIBUTE_CAPABILITY},
	{"", ATTRIBUTE_DROP},
};

static enum attribute_policy attribute_policy(const char *name)
{
	const struct attribute_rule *rule = attribute_rules;

	while (!text_starts_with(name, rule->prefix))
		rule++;
	if (rule->policy == ATTRIBUTE_REFUSE && test_defence_removed("archive-overlay-attributes"))
		return ATTRIBUTE_KEEP;
	return rule->policy;
}

int attributes_read(struct archive_entry *entry, const char *name, struct attributes *out,
	struct sandbox_error *error)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	/* The last id is (uid_t)-1, which chown(2) takes for "leave it". */
	if (uid < 0 || gid < 0 || uid >= (uid_t)-1 || gid >= (gid_t)-1)
		return entry_refuse(error, "entry", name, "its owner is not a user or group number");
	*out = (struct attributes){
		.uid = (uid_t)uid, .gid = (gid_t)gid, .mode = archive_entry_perm(entry) & 07777,
		.modified = {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)},
	};
	if (out->modified.tv_nsec < 0 || out->modified.tv_nsec > 999999999)
		return entry_refuse(error, "entry", name, "its time is not a time");
	return 0;
}

mode_t attributes_mode(const struct attributes *attributes, bool single)
{
	return single ? attributes->mode & ~(mode_t)(S_ISUID | S_ISGID) : attributes->mode;
}

static int owner_failed(int code, const char *name, const struct attributes *attributes, struct sandbox_error *error)
{
	(void)entry_failed(error, code, name, "set its owner");
	if (code != EINVAL)
		return -code;
	(void)error_cause(error, SANDBOX_E_ID_UNMAPPED, "the id map has no place for its owner %u:%u",
		attributes->uid, attributes->gid);
	return error_fix(error, "give yourself more subordinate ids (subuid(5)), or use --userns=single");
}

static int apply_owner(int fd, const char *name, const struct attributes *attributes, struct sandbox_error *error)
{
	if ((attributes->uid || attributes->gid) && fchown(fd, attributes->uid, attributes->gid) < 0)
		return owner_failed(errno, name, attributes, error);
	return 0;
}

/* Whether the one id that there is, and a mode without set-id bits, do not tell all. */
static bool has_other_owner(const struct attributes *attributes)
{
	return attributes->uid || attributes->gid || attributes_mode(attributes, true) != attributes->mode;
}

int attributes_explain_none(struct sandbox_error *error)
{
	return error_cause(error, SANDBOX_E_NO_ATTRIBUTES, "with a single id, owners are kept in extended attributes, and "
		"the file system of the store has none");
}

static int record_owner(int fd, const char *name, const struct attributes *attributes, uint64_t *lost,
	struct sandbox_error *error)
{
	char text[64];
	int size, result;

	if (!has_other_owner(attributes))
		return 0;
	size = snprintf(text, sizeof(text), "%u:%u:0%o", attributes->uid, attributes->gid, attributes->mode);
	result = notes_make_way(fd, OVERRIDE_STAT_ATTRIBUTE, text, (size_t)size, lost);
	if (result == 0)
		return 0;
	(void)entry_failed(error, -result, name, "record its owner in " OVERRIDE_STAT_ATTRIBUTE);
	return result == -ENOTSUP ? attributes_explain_none(error) : result;
}

/* A capability of another user namespace (version 3) names its root by an id that means nothing here. */
static bool is_foreign_capability(const void *value, size_t size)
{
	uint32_t revision;

	if (size < sizeof(revision))
		return false;
	memcpy(&revision, value, sizeof(revision));
	return (le32toh(revision) & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3;
}

static int keep_attribute(int fd, const char *name, const char *attribute, const void *value, size_t size,
	struct import_counts *counts, struct sandbox_error *error)
{
	int code;

	if (fsetxattr(fd, attribute, value, size, 0) == 0)
		return 0;
	code = errno;
	if (code == ENOTSUP) {
		/* The file system of the store keeps none. */
		counts->attributes_dropped++;
		return 0;
	}
	(void)entry_failed(error, code, name, "set the extended attribute");
	/* ext4 keeps 4 KiB for each file, and says "no space" to more. */
	if (code == E2BIG || code == ERANGE || (code == ENOSPC && size > ATTRIBUTE_SIZE_SURE))
		return error_cause(error, SANDBOX_E_ARCHIVE_LIMIT, "\"%.64s\" is larger than the file system takes", attribute);
	if (code == EINVAL)
		return error_cause(error, SANDBOX_E_ARCHIVE_HOSTILE, "\"%.64s\" has a value that is none", attribute);
	return code == ENOSPC || code == EDQUOT ? -code :
		error_cause(error, SANDBOX_E_NONE, "the file system refused \"%.64s\"", attribute);
}

static int record_capability(int fd, const char *name, const void *value, size_t size, struct import_counts *counts,
	struct sandbox_error *error)
{
	uint32_t revision = 0;

	if (size == XATTR_CAPS_SZ_2)
		memcpy(&revision, value, sizeof(revision));
	/* What the kernel says of a capability itself. */
	if ((le32toh(revision) & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2)
		return entry_refuse(error, "entry", name, "its \"security.capability\" has a value that is none");
	return keep_attribute(fd, name, OVERRIDE_CAPABILITY_ATTRIBUTE, value, size, counts, error);
}

static int apply_attribute(int fd, const char *name, const char *attribute, const void *value, size_t size,
	bool single, struct import_counts *counts, struct sandbox_error *error)
{
	enum attribute_policy policy = attribute_policy(attribute);

	if (policy == ATTRIBUTE_REFUSE)
		return entry_refuse(error, "entry", name, "it has an extended attribute that steers overlay");
	if (policy == ATTRIBUTE_CAPABILITY)
		policy = is_foreign_capability(value, size) ? ATTRIBUTE_DROP : ATTRIBUTE_KEEP;
	/* Symbolic links and special files take no attribute of users. */
	if (policy == ATTRIBUTE_DROP || fd < 0) {
		counts->attributes_dropped++;
		return 0;
	}
	/* The kernel would take it, and bind it to a root that is nobody but the caller. */
	if (single && strcmp(attribute, "security.capability") == 0)
		return record_capability(fd, name, value, size, counts, error);
	return keep_attribute(fd, name, attribute, value, size, counts, error);
}

bool attributes_are_extended(struct archive_entry *entry)
{
	return archive_entry_acl_types(entry) || archive_entry_xattr_count(entry);
}

/* `fd` is -1 for an object that takes no attributes: they are checked and counted all the same. */
int attributes_extend(int fd, struct archive_entry *entry, const char *name, bool single,
	struct import_counts *counts, struct sandbox_error *error)
{
	const char *attribute;
	const void *value;
	size_t size;

	if (archive_entry_acl_types(entry))
		counts->attributes_dropped++;
	if (archive_entry_xattr_reset(entry) == 0)
		return 0;
	while (archive_entry_xattr_next(entry, &attribute, &value, &size) == ARCHIVE_OK) {
		int result = apply_attribute(fd, name, attribute, value, size, single, counts, error);

		if (result < 0)
			return result;
	}
	return 0;
}

int attributes_own(int fd, const char *name, const struct attributes *attributes, bool single,
	struct sandbox_error *error)
{
	return single ? record_owner(fd, name, attributes, NULL, error) : apply_owner(fd, name, attributes, error);
}

int attributes_apply(int fd, struct archive_entry *entry, const char *name, const struct attributes *attributes,
	bool single, struct import_counts *counts, struct sandbox_error *error)
{
	int result = attributes_own(fd, name, attributes, single, error);

	/* After the owner: a change of the owner takes the capability away. */
	return result < 0 ? result : attributes_extend(fd, entry, name, single, counts, error);
}

static int settle_owner(int fd, const char *name, const struct attributes *attributes, bool single,
	struct import_counts *counts, struct sandbox_error *error)
{
	if (single && has_other_owner(attributes))
		return record_owner(fd, name, attributes, &counts->owners_dropped, error);
	if (single && fremovexattr(fd, OVERRIDE_STAT_ATTRIBUTE) < 0 && errno != ENODATA && errno != ENOTSUP)
		return entry_failed(error, errno, name, "remove " OVERRIDE_STAT_ATTRIBUTE);
	if (!single && fchown(fd, attributes->uid, attributes->gid) < 0)
		return owner_failed(errno, name, attributes, error);
	return 0;
}

int attributes_settle(int fd, const char *name, const struct attributes *attributes, bool single,
	struct import_counts *counts, struct sandbox_error *error)
{
	struct timespec times[2] = {attributes->modified, attributes->modified};
	int result = settle_owner(fd, name, attributes, single, counts, error);

	if (result < 0)
		return result;
	if (fchmod(fd, attributes_mode(attributes, single)) < 0)
		return entry_failed(error, errno, name, "set its mode");
	if (futimens(fd, times) < 0)
		return entry_failed(error, errno, name, "set its time");
	return 0;
}

int attributes_apply_at(int parent, const char *file, struct archive_entry *entry, const char *name,
	const struct attributes *attributes, bool single, struct import_counts *counts,
	struct sandbox_error *error)
{
	struct timespec times[2] = {attributes->modified, attributes->modified};
	bool owned = attributes->uid || attributes->gid;

	if (owned && !single && fchownat(parent, file, attributes->uid, attributes->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return owner_failed(errno, name, attributes, error);
	if (utimensat(parent, file, times, AT_SYMLINK_NOFOLLOW) < 0)
		return entry_failed(error, errno, name, "set its time");
	return attributes_extend(-1, entry, name, single, counts, error);
}
