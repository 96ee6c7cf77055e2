#include "cgroup/sampler.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

enum { STATUS_MAX = 64 << 10, SEGMENTS_MAX = 16 << 20, CHILDREN_MAX = 16 << 20 };

/* Descriptors that are looked at in the threads of one process, besides those of the first. */
enum { THREAD_DESCRIPTORS = 16384 };

static const char memfd_prefix[] = "/memfd:";

/* A memfd, of which several processes may have descriptors. */
struct object {
	uint64_t inode, bytes;
};

struct objects {
	struct object *items;
	size_t count, room;
};

/* What one look has found, in bytes. */
struct tally {
	uint64_t own;    /* private memory, and what is swapped out */
	uint64_t mapped; /* shared memory that is mapped: in part the same as… */
	uint64_t held;   /* …what file systems, segments and memfds have */
	uint64_t tasks;
};

int sampler_start(struct sampler *sampler, struct sandbox_error *error)
{
	auto_close int fd = memfd_create("sandbox", MFD_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set(error, errno, "find out where memfds live");
	sampler->memfds = status.st_dev;
	return 0;
}

void sampler_add_filesystem(struct sampler *sampler, int fd)
{
	sampler->filesystems = memory_resize(sampler->filesystems, sampler->filesystem_count + 1, sizeof(int));
	sampler->filesystems[sampler->filesystem_count++] = fd;
}

void sampler_finish(struct sampler *sampler)
{
	for (size_t i = 0; i < sampler->filesystem_count; i++)
		(void)close(sampler->filesystems[i]);
	free(sampler->filesystems);
	if (sampler->processes >= 0)
		(void)close(sampler->processes);
	if (sampler->segments >= 0)
		(void)close(sampler->segments);
	*sampler = (struct sampler)SAMPLER_INIT;
}

static void add_object(struct objects *objects, uint64_t inode, uint64_t bytes)
{
	if (objects->count == objects->room) {
		objects->room = objects->room ? objects->room * 2 : 64;
		objects->items = memory_resize(objects->items, objects->room, sizeof(*objects->items));
	}
	objects->items[objects->count++] = (struct object){inode, bytes};
}

static int compare_objects(const void *left, const void *right)
{
	uint64_t a = ((const struct object *)left)->inode, b = ((const struct object *)right)->inode;

	return a < b ? -1 : a > b;
}

/* Each once. */
static void sort_objects(struct objects *objects)
{
	size_t kept = 0;

	if (objects->count)
		qsort(objects->items, objects->count, sizeof(*objects->items), compare_objects);
	for (size_t i = 0; i < objects->count; i++)
		if (kept == 0 || objects->items[i].inode != objects->items[kept - 1].inode)
			objects->items[kept++] = objects->items[i];
	objects->count = kept;
}

static bool has_object(const struct objects *objects, uint64_t inode)
{
	struct object key = {.inode = inode};

	return objects->count && bsearch(&key, objects->items, objects->count, sizeof(key), compare_objects);
}

/* ---- threads ---- */

/* Calls `visit` for every `stride`th thread of a process, beginning somewhere else each turn, until it returns true. */
static void visit_threads(int process, unsigned int stride, unsigned int turn, bool (*visit)(int thread, void *context),
	void *context)
{
	auto_closedir DIR *stream = NULL;
	int directory = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	bool done = false;

	stream = directory_read(directory);
	while (stream && !done && (entry = readdir(stream))) {
		auto_close int thread = -1;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || turn++ % stride != 0)
			continue;
		thread = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		done = thread >= 0 && visit(thread, context);
	}
}

/*
 * Calls `count` for a process; or, when that has nothing, for its threads, until one has: the process goes by the number of
 * its first thread, which may have ended before the others, and then memory and mappings can be seen at those only.
 */
static void count_anywhere(int process, bool (*count)(int directory, void *context), void *context)
{
	if (!count(process, context))
		visit_threads(process, 1, 0, count, context);
}

/* ---- descriptors ---- */

struct descriptors {
	const struct sampler *sampler;
	struct objects *objects;
	size_t seen;
};

/*
 * The memfds of one thread. Only what has such a name is looked at more closely, and that without asking its file
 * system: one of the payload's own (FUSE) might never answer.
 */
static bool count_descriptors(int thread, void *context)
{
	struct descriptors *descriptors = context;
	auto_closedir DIR *stream = NULL;
	int directory = openat(thread, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;

	stream = directory_read(directory);
	while (stream && (entry = readdir(stream))) {
		char target[sizeof(memfd_prefix)];
		struct statx status;

		descriptors->seen++;
		if (readlinkat(directory, entry->d_name, target, sizeof(target)) < (ssize_t)strlen(memfd_prefix) ||
		    strncmp(target, memfd_prefix, strlen(memfd_prefix)) != 0)
			continue;
		if (statx(directory, entry->d_name, AT_STATX_DONT_SYNC, STATX_INO | STATX_BLOCKS, &status) == 0 &&
		    makedev(status.stx_dev_major, status.stx_dev_minor) == descriptors->sampler->memfds)
			add_object(descriptors->objects, status.stx_ino, status.stx_blocks * 512);
	}
	return false;
}

/*
 * A thread may have descriptors of its own, unshare(2) with CLONE_FILES, and nothing tells cheaply whether it has. Of those
 * of a process with very many threads and descriptors each look takes some, and in the end all have had their turn.
 */
static void count_all_descriptors(const struct sampler *sampler, int process, size_t threads, struct objects *objects)
{
	struct descriptors descriptors = {.sampler = sampler, .objects = objects};

	(void)count_descriptors(process, &descriptors);
	if (threads > 1)
		visit_threads(process, (unsigned int)(descriptors.seen * threads / THREAD_DESCRIPTORS + 1), sampler->turn,
			count_descriptors, &descriptors);
}

/* ---- memory of processes ---- */

/* "Pss_Anon:    1234 kB" */
static uint64_t read_field(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static bool count_memory(int process, void *context)
{
	struct tally *tally = context;
	auto_free char *text = NULL;

	if (file_read(process, "smaps_rollup", STATUS_MAX, &text, NULL, NULL) == 0) {
		tally->own += read_field(text, "\nPss_Anon:") + read_field(text, "\nSwapPss:");
		tally->mapped += read_field(text, "\nPss_Shmem:");
		return true;
	}
	/* A program that its own user may not read: what is shared counts in full then. */
	free(take_ptr(text));
	if (file_read(process, "status", STATUS_MAX, &text, NULL, NULL) < 0)
		return false;
	tally->own += read_field(text, "\nRssAnon:") + read_field(text, "\nVmSwap:") + read_field(text, "\nRssShmem:");
	return strstr(text, "\nRssAnon:") != NULL;
}

struct unheld {
	struct tally *tally;
	const struct objects *objects;
};

/* Shared memory, without what a file system, a segment or a descriptor accounts for. */
static bool count_unheld(int process, void *context)
{
	struct unheld *unheld = context;
	int fd = openat(process, "smaps", O_RDONLY | O_CLOEXEC);
	auto_fclose FILE *stream = fd >= 0 ? fdopen(fd, "r") : NULL;
	auto_free char *line = NULL;
	size_t room = 0;
	bool counts = false, any = false;

	/* A line at a time: there may be a hundred megabytes of them. */
	while (stream && getline(&line, &room, stream) > 0) {
		unsigned long long inode;
		int path = 0;

		/* "7f00-7f01 rw-s 00000000 00:01 1234   /dev/zero (deleted)" */
		if (sscanf(line, "%*x-%*x %*s %*x %*x:%*x %llu %n", &inode, &path) == 1 && path)
			counts = text_starts_with(line + path, "/dev/zero (deleted)") ||
				(text_starts_with(line + path, memfd_prefix) && !has_object(unheld->objects, inode));
		else if (counts && text_starts_with(line, "Pss:"))
			unheld->tally->mapped += strtoull(line + 4, NULL, 10) * 1024;
		any = true;
	}
	return any;
}

/* ---- memory that is several processes' ---- */

struct relation {
	pid_t process, parent;
};

struct family {
	struct relation *items;
	size_t count, room;
	pid_t parent; /* of those that are being added */
};

static void add_relation(struct family *family, pid_t process)
{
	if (family->count == family->room) {
		family->room = family->room ? family->room * 2 : 64;
		family->items = memory_resize(family->items, family->room, sizeof(*family->items));
	}
	family->items[family->count++] = (struct relation){process, family->parent};
}

static bool add_children(int thread, void *context)
{
	auto_free char *text = NULL;
	char *rest, *word;

	if (file_read(thread, "children", CHILDREN_MAX, &text, NULL, NULL) < 0)
		return false;
	rest = text;
	while ((word = strsep(&rest, " ")))
		if (*word)
			add_relation(context, (pid_t)strtol(word, NULL, 10));
	return false;
}

/*
 * kcmp(2), which glibc has no function for. Where it is refused, or left out of the kernel (that of Debian's user-mode-linux),
 * they are two: all else that tells of shared memory, equal sums, addresses and a parent that waits in vfork(2), is true as
 * well of copies, by which a payload would hide the half of what it has.
 */
static bool is_same_memory(const struct relation *relation)
{
	return relation->parent && syscall(SYS_kcmp, relation->process, relation->parent, KCMP_VM, 0, 0) == 0;
}

/* As count_memory of all of them, but of a memory that is a child's and its parent's once. */
static void recount_memory(pid_t init, struct tally *tally)
{
	struct family family = {.items = NULL};

	tally->own = tally->mapped = 0;
	add_relation(&family, init);
	for (size_t i = 0; i < family.count; i++) {
		const struct relation relation = family.items[i];
		auto_free char *path = memory_format("/proc/%d", (int)relation.process);
		auto_close int process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct tally one = {0};
		bool is_same;

		if (process < 0)
			continue;
		/*
		 * Before and after: it may execute something just now. Two whose first threads have ended have nothing that could
		 * be compared.
		 */
		is_same = is_same_memory(&relation);
		if (!count_memory(process, &one))
			visit_threads(process, 1, 0, count_memory, &one);
		else if (is_same || is_same_memory(&relation))
			one = (struct tally){0};
		tally->own += one.own;
		tally->mapped += one.mapped;
		family.parent = relation.process;
		visit_threads(process, 1, 0, add_children, &family);
	}
	free(family.items);
}

/* Whether the kernel tells whose child is whose (CONFIG_PROC_CHILDREN). */
static bool can_recount(pid_t init)
{
	auto_free char *path = memory_format("/proc/%d/task/%d/children", (int)init, (int)init);

	return init > 0 && access(path, R_OK) == 0;
}

/* ---- all together ---- */

/* One entry for each, besides "." and "..". */
static size_t count_threads(int process)
{
	struct stat status;

	return fstatat(process, "task", &status, 0) == 0 && status.st_nlink > 2 ? status.st_nlink - 2 : 1;
}

static void visit_processes(const struct sampler *sampler, struct tally *tally, struct objects *objects, bool closely)
{
	auto_closedir DIR *stream = NULL;
	int directory = openat(sampler->processes, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;

	stream = directory_read(directory);
	while (stream && (entry = readdir(stream))) {
		struct unheld unheld = {tally, objects};
		auto_close int process = -1;
		size_t threads;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		process = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		if (closely) {
			count_anywhere(process, count_unheld, &unheld);
			continue;
		}
		threads = count_threads(process);
		tally->tasks += threads;
		count_anywhere(process, count_memory, tally);
		count_all_descriptors(sampler, process, threads, objects);
	}
}

/* The columns rss and swap, the last but one and the last. */
static uint64_t read_segments(int segments)
{
	auto_free char *text = NULL;
	char *rest, *line;
	uint64_t sum = 0;

	if (segments < 0 || lseek(segments, 0, SEEK_SET) < 0 ||
	    file_read_fd(segments, "segments", SEGMENTS_MAX, &text, NULL, NULL) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		unsigned long long resident, swapped;

		if (sscanf(line, "%*d %*d %*o %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu %llu", &resident, &swapped) == 2)
			sum += resident + swapped;
	}
	return sum;
}

static uint64_t read_filesystems(const struct sampler *sampler)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sampler->filesystem_count; i++) {
		struct statfs status;

		if (fstatfs(sampler->filesystems[i], &status) == 0 && status.f_blocks)
			sum += (uint64_t)(status.f_blocks - status.f_bfree) * (uint64_t)status.f_bsize;
	}
	return sum;
}

static uint64_t larger(uint64_t left, uint64_t right)
{
	return left > right ? left : right;
}

void sampler_measure(struct sampler *sampler, uint64_t limit, struct sampler_usage *out)
{
	struct objects objects = {NULL, 0, 0};
	struct tally tally = {0};

	sampler->turn++;
	visit_processes(sampler, &tally, &objects, false);
	sort_objects(&objects);
	tally.held = read_filesystems(sampler) + read_segments(sampler->segments);
	for (size_t i = 0; i < objects.count; i++)
		tally.held += objects.items[i].bytes;
	out->tasks = tally.tasks;
	out->memory = tally.own + larger(tally.held, tally.mapped);
	if (out->memory > limit && can_recount(sampler->init)) {
		recount_memory(sampler->init, &tally);
		out->memory = tally.own + larger(tally.held, tally.mapped);
	}
	/* Between "all of it is the same" and "none of it is": look closely. */
	if (out->memory <= limit && tally.own + tally.held + tally.mapped > limit) {
		tally.mapped = 0;
		visit_processes(sampler, &tally, &objects, true);
		out->memory = larger(out->memory, tally.own + tally.held + tally.mapped);
	}
	free(objects.items);
}
