#include "image/tree_list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/directory.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/strings.h"

enum { BLOCK_SIZE = 64 << 10, ATTRIBUTES_SIZE_MAX = 64 << 10 };

/*
 * Depth first with one directory open, however deep the tree is: the way back is "..", which nobody moves in a store.
 */
struct walk {
	FILE *out;
	struct tree_totals totals;
	int directory;     /* the present one */
	struct level {
		char **names; /* of its entries, sorted; those before `next` are done */
		size_t count, next, path_length;
	} *levels;
	size_t depth;
	char *path;        /* of the present directory, below the root */
	unsigned char block[BLOCK_SIZE];
	char attribute_names[ATTRIBUTES_SIZE_MAX], attribute_value[ATTRIBUTES_SIZE_MAX];
};

struct fingerprints {
	struct digest content, attributes; /* "" for none */
};

static int list_failed(struct sandbox_error *error, const struct walk *walk, const char *name, const char *doing)
{
	return error_set(error, errno, "%s \"%.200s%s%.200s\" of a layer", doing, walk->path, *walk->path ? "/" : "", name);
}

/* ---- what an entry is ---- */

static bool is_zero(const unsigned char *data, size_t size)
{
	return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* One block: a whole one but for the last of the file. 0, or -1 with errno. */
static int hash_block(struct walk *walk, int fd, uint64_t offset, struct digest_stream *stream)
{
	size_t size = 0;

	while (size < BLOCK_SIZE) {
		ssize_t got = pread(fd, walk->block + size, BLOCK_SIZE - size, (off_t)(offset + size));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	if (is_zero(walk->block, size))
		return 0;
	digest_add(stream, &offset, sizeof(offset));
	digest_add(stream, walk->block, size);
	return 0;
}

static int hash_file(struct walk *walk, int fd, const struct stat *status, struct digest *out)
{
	bool sparse = (uint64_t)status->st_blocks * 512 < (uint64_t)status->st_size;
	struct digest_stream stream;

	digest_start(&stream);
	for (uint64_t offset = 0; offset < (uint64_t)status->st_size; offset += BLOCK_SIZE) {
		off_t data = sparse ? lseek(fd, (off_t)offset, SEEK_DATA) : (off_t)offset;

		/* Nothing but a hole to the end. */
		if (data < 0 && errno == ENXIO)
			break;
		if (data > (off_t)offset)
			offset = (uint64_t)data / BLOCK_SIZE * BLOCK_SIZE;
		if (hash_block(walk, fd, offset, &stream) < 0)
			return -1;
	}
	digest_end(&stream, out);
	return 0;
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* In the order of their names, whatever the file system's is. 0, or -1 with errno. */
static int hash_attributes(struct walk *walk, int fd, struct digest *out)
{
	auto_finish(sandbox_strings_finish) struct sandbox_strings names = {0};
	ssize_t size = flistxattr(fd, walk->attribute_names, ATTRIBUTES_SIZE_MAX);
	struct digest_stream stream;

	if (size <= 0)
		return size < 0 && errno != ENOTSUP ? -1 : 0;
	for (const char *name = walk->attribute_names; name < walk->attribute_names + size; name += strlen(name) + 1)
		sandbox_strings_add(&names, name);
	qsort(names.items, names.count, sizeof(*names.items), compare_texts);
	digest_start(&stream);
	for (size_t i = 0; i < names.count; i++) {
		ssize_t length = fgetxattr(fd, names.items[i], walk->attribute_value, ATTRIBUTES_SIZE_MAX);

		if (length < 0)
			return -1;
		digest_add(&stream, names.items[i], strlen(names.items[i]) + 1);
		digest_add(&stream, &length, sizeof(length));
		digest_add(&stream, walk->attribute_value, (size_t)length);
	}
	digest_end(&stream, out);
	return 0;
}

static int fingerprint_link(struct walk *walk, const char *name, struct fingerprints *out)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(walk->directory, name, target, sizeof(target));

	if (length < 0)
		return -1;
	digest_of(target, (size_t)length, &out->content);
	return 0;
}

/* Of what has content or may have attributes. 0, or -1 with errno. */
static int fingerprint(struct walk *walk, const char *name, const struct stat *status, struct fingerprints *out)
{
	auto_close int fd = -1;

	if (S_ISLNK(status->st_mode))
		return fingerprint_link(walk, name, out);
	if (!S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode))
		return 0;
	fd = openat(walk->directory, *name ? name : ".", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	if (fd < 0 || hash_attributes(walk, fd, &out->attributes) < 0)
		return -1;
	return S_ISREG(status->st_mode) ? hash_file(walk, fd, status, &out->content) : 0;
}

static char letter_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return '-';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFCHR:
		return 'c';
	default:
		return '?';
	}
}

static void write_entry(const struct walk *walk, const char *name, const struct stat *status,
	const struct fingerprints *fingerprints)
{
	bool directory = S_ISDIR(status->st_mode);

	/* The size of a directory and its links are the file system's affair. */
	(void)fprintf(walk->out, "%c %04o %u %u %lld %lld.%09ld %lu %s %s %s%s%s%c", letter_of(status->st_mode),
		(unsigned int)status->st_mode & 07777, status->st_uid, status->st_gid,
		directory ? 0LL : (long long)status->st_size, (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec,
		directory ? 0UL : (unsigned long)status->st_nlink,
		*fingerprints->content.hex ? fingerprints->content.hex : "-",
		*fingerprints->attributes.hex ? fingerprints->attributes.hex : "-", walk->path,
		*walk->path && *name ? "/" : "", name, '\0');
}

static int list_entry(struct walk *walk, const char *name, const struct stat *status, struct sandbox_error *error)
{
	struct fingerprints fingerprints = {{""}, {""}};

	walk->totals.entries++;
	walk->totals.bytes += S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0;
	walk->totals.disk += (uint64_t)status->st_blocks * 512 / (S_ISDIR(status->st_mode) ? 1 : status->st_nlink);
	if (!walk->out)
		return 0;
	if (fingerprint(walk, name, status, &fingerprints) < 0)
		return list_failed(error, walk, name, "read");
	write_entry(walk, name, status, &fingerprints);
	return ferror(walk->out) ? error_set(error, errno, "write the manifest of a layer") : 0;
}

/* ---- directories ---- */

static int read_names(struct walk *walk, struct level *level, struct sandbox_error *error)
{
	auto_closedir DIR *stream =
		directory_read(openat(walk->directory, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC));
	const char *name;

	if (!stream)
		return list_failed(error, walk, "", "read the directory");
	while ((name = directory_next(stream))) {
		level->names = memory_resize(level->names, level->count + 1, sizeof(*level->names));
		level->names[level->count++] = memory_text(name);
	}
	if (errno)
		return list_failed(error, walk, "", "read the directory");
	if (level->count)
		qsort(level->names, level->count, sizeof(*level->names), compare_texts);
	return 0;
}

static int step(struct walk *walk, const char *name, struct sandbox_error *error)
{
	int next = openat(walk->directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);

	if (next < 0)
		return list_failed(error, walk, name, "open the directory");
	(void)close(walk->directory);
	walk->directory = next;
	return 0;
}

static int enter(struct walk *walk, const char *name, struct sandbox_error *error)
{
	struct level level = {.path_length = strlen(walk->path)};
	int result = walk->depth ? step(walk, name, error) : 0;

	if (result < 0)
		return result;
	memory_append(&walk->path, "%s%s", *walk->path ? "/" : "", name);
	result = read_names(walk, &level, error);
	walk->levels = memory_resize(walk->levels, walk->depth + 1, sizeof(*walk->levels));
	walk->levels[walk->depth++] = level;
	return result;
}

static void drop_level(struct walk *walk)
{
	struct level *level = &walk->levels[--walk->depth];

	for (size_t i = 0; i < level->count; i++)
		free(level->names[i]);
	free(level->names);
	walk->path[level->path_length] = '\0';
}

static int leave(struct walk *walk, struct sandbox_error *error)
{
	drop_level(walk);
	return walk->depth ? step(walk, "..", error) : 0;
}

static int list_next(struct walk *walk, const char *name, struct sandbox_error *error)
{
	struct stat status;
	int result;

	if (fstatat(walk->directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return list_failed(error, walk, name, "look at");
	result = list_entry(walk, name, &status, error);
	return result == 0 && S_ISDIR(status.st_mode) ? enter(walk, name, error) : result;
}

static int list_all(struct walk *walk, struct sandbox_error *error)
{
	struct stat status;
	int result = fstat(walk->directory, &status) < 0 ? list_failed(error, walk, "", "look at") :
							    list_entry(walk, "", &status, error);

	if (result == 0)
		result = enter(walk, "", error);
	while (result == 0 && walk->depth) {
		struct level *level = &walk->levels[walk->depth - 1];

		result = level->next < level->count ? list_next(walk, level->names[level->next++], error) :
						      leave(walk, error);
	}
	return result;
}

int tree_list(int root, FILE *out, struct tree_totals *totals, struct sandbox_error *error)
{
	auto_free struct walk *walk = memory_zeroed(1, sizeof(*walk));
	int result;

	walk->out = out;
	walk->path = memory_text("");
	walk->directory = openat(root, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	result = walk->directory < 0 ? error_set(error, errno, "open a layer") : list_all(walk, error);
	while (walk->depth)
		drop_level(walk);
	free(walk->levels);
	free(walk->path);
	scope_close(&walk->directory);
	*totals = walk->totals;
	if (result < 0 || !out)
		return result;
	(void)fprintf(out, "total %llu %llu %llu%c", (unsigned long long)totals->entries, (unsigned long long)totals->bytes,
		(unsigned long long)totals->disk, '\0');
	return fflush(out) != 0 ? error_set(error, errno, "write the manifest of a layer") : 0;
}

/* A byte's place: the end before everything, then the slash, which ends a component. */
static int rank(char byte)
{
	return byte == '\0' ? 0 : byte == '/' ? 1 : 2 + (unsigned char)byte;
}

int tree_list_compare(const char *left, const char *right)
{
	while (*left && *left == *right)
		left++, right++;
	return rank(*left) - rank(*right);
}
