/*
 * racer COUNT OUTSIDE PATH…: exchanges each PATH, as fast as it can, with a symbolic link to OUTSIDE, one that climbs
 * there, one that dangles and one that leads to itself, and back (renameat2(2), RENAME_EXCHANGE). The links are made
 * beside it. COUNT is a file that holds the number of exchanges so far (8 bytes). It ends with its parent, or with
 * SIGTERM; then everything is in its own place again and the links are gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { KINDS = 4 };

static volatile sig_atomic_t ended;

struct victim {
	const char *path;
	char links[KINDS][PATH_MAX];
};

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "racer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void end(int number)
{
	(void)number;
	ended = 1;
}

static void make_links(struct victim *victim, const char *outside)
{
	char targets[KINDS][PATH_MAX + 128];

	snprintf(targets[0], sizeof(targets[0]), "%s", outside);
	snprintf(targets[1], sizeof(targets[1]), "../../../../../../../../../../../../../../../../../../..%s", outside);
	snprintf(targets[2], sizeof(targets[2]), "%s/nothing/here", outside);
	snprintf(targets[3], sizeof(targets[3]), "%s", strrchr(victim->path, '/') + 1);
	for (int kind = 0; kind < KINDS; kind++) {
		snprintf(victim->links[kind], PATH_MAX, "%s~%d", victim->path, kind);
		if (symlink(targets[kind], victim->links[kind]) < 0)
			fail(victim->links[kind]);
	}
}

static void exchange(const struct victim *victim, int kind, uint64_t *count)
{
	if (renameat2(AT_FDCWD, victim->path, AT_FDCWD, victim->links[kind], RENAME_EXCHANGE) < 0)
		fail(victim->path);
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static uint64_t *open_count(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint64_t *count;

	if (fd < 0 || ftruncate(fd, sizeof(*count)) < 0)
		fail(path);
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED)
		fail(path);
	return count;
}

int main(int argc, char **argv)
{
	struct victim *victims = calloc((size_t)argc, sizeof(*victims));
	int victim_count = argc - 3;
	uint64_t *count = NULL;

	if (victim_count < 1 || !victims) {
		fprintf(stderr, "usage: racer COUNT OUTSIDE PATH...\n");
		return 2;
	}
	(void)signal(SIGTERM, end);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	count = open_count(argv[1]);
	for (int i = 0; i < victim_count; i++) {
		victims[i].path = argv[i + 3];
		make_links(&victims[i], argv[2]);
	}
	/* Each stands as often as it leads elsewhere. One may lie in another that comes after it: so back in reverse. */
	for (int kind = 0; !ended; kind = (kind + 1) % KINDS) {
		for (int i = 0; i < victim_count; i++)
			exchange(&victims[i], kind, count);
		for (int i = victim_count; i-- > 0;)
			exchange(&victims[i], kind, count);
	}
	for (int i = 0; i < victim_count; i++)
		for (int kind = 0; kind < KINDS; kind++)
			(void)unlink(victims[i].links[kind]);
	free(victims);
	return 0;
}
