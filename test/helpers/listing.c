/*
 * Everything about everything in a directory tree, a line each, sorted, so that two trees can be compared: what is
 * mounted in it is left out. Static, for it is also run inside sandboxes.
 * usage: listing DIRECTORY
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LINK_GROUPS_MAX = 4096 };

/* The first path of an inode that has several. */
static struct {
	uint64_t inode;
	char *path;
} groups[LINK_GROUPS_MAX];

static const char *link_group(const struct statx *status, const char *path)
{
	size_t i = 0;

	if (status->stx_nlink < 2 || S_ISDIR(status->stx_mode))
		return "-";
	while (i < LINK_GROUPS_MAX - 1 && groups[i].path && groups[i].inode != status->stx_ino)
		i++;
	if (!groups[i].path) {
		groups[i].inode = status->stx_ino;
		groups[i].path = strdup(path);
	}
	return groups[i].path;
}

/* FNV-1a, 64 bits: nobody tries to deceive it here. */
static uint64_t hash_file(const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	int fd = open(name, O_RDONLY | O_NOFOLLOW);
	unsigned char buffer[16384];
	ssize_t size;

	if (fd < 0)
		err(1, "%s", name);
	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t i = 0; i < size; i++)
			hash = (hash ^ buffer[i]) * UINT64_C(1099511628211);
	(void)close(fd);
	return hash;
}

static void print_attributes(const char *name)
{
	char names[4096], value[4096];
	ssize_t size = llistxattr(name, names, sizeof(names));

	for (const char *item = names; size > 0 && item < names + size; item += strlen(item) + 1) {
		ssize_t length = lgetxattr(name, item, value, sizeof(value));

		/* What a store notes for itself is not the tree's. */
		if (strncmp(item, "user.overlay.", 13) == 0 || strcmp(item, "user.rootlesscontainers") == 0)
			continue;
		printf(" %s=", item);
		for (ssize_t i = 0; i < length; i++)
			printf("%02x", (unsigned char)value[i]);
	}
}

static void print_one(const char *name, const char *path, const struct statx *status)
{
	static const char kinds[] = "?pc?d?b?-?l?s???";
	char target[4096];
	ssize_t length;

	printf("%s %c%04o %u:%u %" PRId64 ".%09u %s", path, kinds[status->stx_mode >> 12], status->stx_mode & 07777u,
		status->stx_uid, status->stx_gid, (int64_t)status->stx_mtime.tv_sec, status->stx_mtime.tv_nsec,
		link_group(status, path));
	if (S_ISREG(status->stx_mode))
		printf(" %" PRIu64 " %016" PRIx64, (uint64_t)status->stx_size, hash_file(name));
	length = S_ISLNK(status->stx_mode) ? readlink(name, target, sizeof(target)) : -1;
	if (length >= 0)
		printf(" -> %.*s", (int)length, target);
	print_attributes(name);
	putchar('\n');
}

static void list_directory(const char *path)
{
	struct dirent **items;
	int count = scandir(".", &items, NULL, alphasort), here = open(".", O_RDONLY | O_DIRECTORY);

	for (int i = 0; i < count; i++) {
		const char *name = items[i]->d_name;
		struct statx status;
		char *below;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (asprintf(&below, "%s/%s", path, name) < 0 ||
		    statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &status) < 0)
			err(1, "%s", name);
		if (!(status.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
			print_one(name, below, &status);
			if (S_ISDIR(status.stx_mode) && chdir(name) == 0) {
				list_directory(below);
				if (fchdir(here) < 0)
					err(1, "%s", path);
			}
		}
		free(below);
		free(items[i]);
	}
	if (count >= 0)
		free(items);
	(void)close(here);
}

int main(int argc, char **argv)
{
	struct statx status;

	if (argc != 2 || chdir(argv[1]) < 0 || statx(AT_FDCWD, ".", 0, STATX_BASIC_STATS, &status) < 0)
		err(1, "usage: listing DIRECTORY");
	print_one(".", ".", &status);
	list_directory(".");
	return 0;
}
