/*
 * The importer on whatever bytes there are: both halves of it, into a directory of its own, as they run in
 * sandbox-import. Whatever it makes of them, it ends, and nothing beside that directory changes: a canary
 * directory next to it must stay as it was.
 */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/tree.h"
#include "importer/decoder.h"
#include "importer/extract.h"
#include "importer/ring.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/dev/shm/fuzz-archive.XXXXXX";
static int top = -1;
static struct stat canary_before;

static void remove_directory(void)
{
	(void)tree_remove(AT_FDCWD, directory, NULL);
}

static void must(int condition)
{
	if (!condition)
		abort();
}

/* As the importer is: root of a user namespace, or a directory of mode 0 could not be removed again. */
static void become_root(void)
{
	auto_free char *users = memory_format("0 %u 1", geteuid()), *groups = memory_format("0 %u 1", getegid());

	if (geteuid() == 0)
		return;
	must(unshare(CLONE_NEWUSER) == 0);
	must(file_write_existing(AT_FDCWD, "/proc/self/setgroups", "deny", NULL) == 0);
	must(file_write_existing(AT_FDCWD, "/proc/self/uid_map", users, NULL) == 0);
	must(file_write_existing(AT_FDCWD, "/proc/self/gid_map", groups, NULL) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	become_root();
	(void)umask(0);
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	must(mkdtemp(directory) != NULL);
	(void)atexit(remove_directory);
	top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(top >= 0 && mkdirat(top, "canary", 0700) == 0 && mkdirat(top, "tree", 0700) == 0);
	must(fstatat(top, "canary", &canary_before, 0) == 0);
	return 0;
}

static bool same(const struct stat *before, const struct stat *after)
{
	return before->st_mode == after->st_mode && before->st_uid == after->st_uid && before->st_ino == after->st_ino &&
		before->st_ctim.tv_sec == after->st_ctim.tv_sec && before->st_ctim.tv_nsec == after->st_ctim.tv_nsec;
}

static void check_surroundings(void)
{
	int copy = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = fdopendir(copy);
	struct stat canary;
	struct dirent *item;
	int count = 0;

	must(fstatat(top, "canary", &canary, AT_SYMLINK_NOFOLLOW) == 0 && same(&canary_before, &canary));
	while ((item = readdir(stream)))
		count++;
	must(count == 4);
}

static void import(int archive, int root, enum import_mode mode)
{
	static struct decoder decoder;
	struct import_request request = {
		.mode = mode,
		.single = true,
		.limits = {.stream_bytes = 8 << 20, .apparent_bytes = 8 << 20, .entries = 200, .depth = 64, .ratio = 2000},
	};
	struct extract_progress progress = {0};
	struct extract_result extracted = {.end = 0};
	struct sandbox_error error = {0};
	struct ring ring;
	int result;

	must(ring_init(&ring, NULL) == 0);
	source_init(&decoder.source, archive);
	must(decoder_start(&decoder, &request.limits, &ring, NULL) == 0);
	result = extract_archive(&ring, root, -1, &request, &progress, &extracted, &error);
	ring_abandon(&ring);
	(void)decoder_join(&decoder);
	ring_finish(&ring);
	/* Every failure says what it is. */
	must(result == 0 || (error.text[0] && memchr(error.text, 0, sizeof(error.text))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_close int archive = memfd_create("archive", MFD_CLOEXEC);
	auto_close int root = -1;

	must(archive >= 0 && write(archive, data, size) == (ssize_t)size && lseek(archive, 0, SEEK_SET) == 0);
	must(mkdirat(top, "tree/root", 0700) == 0);
	root = openat(top, "tree/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(root >= 0);
	import(archive, root, size % 2 ? IMPORT_LAYER : IMPORT_ARCHIVE);
	must(tree_remove(top, "tree/root", NULL) == 0);
	check_surroundings();
	return 0;
}
