/*
 * Takes memory or processes, up to a bound, in one of the ways that a sandbox could try to do that unseen; then says so.
 *
 * usage: bomb anonymous|shared|memfd|segment|file|mapped MEGABYTES [FILE]
 *        bomb hold MEGABYTES FILE     (holds private memory, makes FILE, and waits)
 *        bomb orphaned|descriptors MEGABYTES   (in a thread that outlives the first; in one with descriptors of its own)
 *        bomb scattered MEGABYTES FILE          (in FILE, and as much again mapped, among very many mappings)
 *        bomb lent MEGABYTES                    (private memory, which a child has as well for a while: vfork(2))
 *        bomb fork|setsid|uids COUNT
 *        bomb endless FILE                      (forks and forks in each process; the first refusal makes FILE)
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is more than MUCH is to be ended, however long a busy machine takes to see it. */
enum { MUCH = 100, MEGABYTE = 1 << 20, PAGE = 4096, FIRST_ID = 1000, NAME_SIZE = 251, NAME_DEPTH = 14, NAME_MAPPINGS = 20000 };

static char block[MEGABYTE];

static void give_up(const char *what)
{
	perror(what);
	exit(2);
}

static void map(size_t megabytes, int flags)
{
	for (size_t i = 0; i < megabytes; i++) {
		char *memory = mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			give_up("mmap");
		memcpy(memory, block, MEGABYTE);
	}
}

static void wait_to_be_ended(size_t amount)
{
	(void)sleep(amount > MUCH ? 60 : 1);
}

static void hold(size_t megabytes, const char *file)
{
	map(megabytes, MAP_PRIVATE);
	if (creat(file, 0600) < 0)
		give_up("creat");
	(void)sleep(60);
}

static void fill(int fd, size_t megabytes)
{
	if (fd < 0)
		give_up("open");
	for (size_t i = 0; i < megabytes; i++)
		if (write(fd, block, MEGABYTE) != MEGABYTE)
			give_up("write");
}

/* All of it is in the file, and again in this process's mappings. */
static void map_file(int fd, size_t megabytes)
{
	char *memory;

	fill(fd, megabytes);
	memory = mmap(NULL, megabytes * MEGABYTE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		give_up("mmap");
	for (size_t i = 0; i < megabytes; i++)
		memory[i * MEGABYTE] = 'y';
	if (madvise(memory, megabytes * MEGABYTE, MADV_POPULATE_WRITE) < 0)
		give_up("madvise");
}

/* Nobody is attached to them afterwards. */
static void segments(size_t megabytes)
{
	for (size_t i = 0; i < megabytes; i++) {
		int id = shmget(IPC_PRIVATE, MEGABYTE, IPC_CREAT | 0600);
		char *memory = id < 0 ? NULL : shmat(id, NULL, 0);

		if (!memory || memory == (void *)-1)
			give_up("shmget");
		memcpy(memory, block, MEGABYTE);
		(void)shmdt(memory);
	}
}

static void *map_alone(void *megabytes)
{
	map((size_t)megabytes, MAP_PRIVATE);
	wait_to_be_ended((size_t)megabytes);
	(void)puts("survived");
	exit(0);
}

static pthread_t start_thread(void *(*function)(void *argument), size_t megabytes)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, (void *)megabytes) != 0)
		give_up("pthread_create");
	return thread;
}

/* The child is such a one, too. */
static void *fork_alone(void *megabytes)
{
	pid_t pid = fork();

	if (pid == 0 && start_thread(map_alone, (size_t)megabytes))
		(void)syscall(SYS_exit, 0);
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		give_up("fork");
	exit(0);
}

static void *fill_unshared(void *megabytes)
{
	if (unshare(CLONE_FILES) < 0)
		give_up("unshare");
	fill(memfd_create("bomb", 0), (size_t)megabytes);
	wait_to_be_ended((size_t)megabytes);
	return NULL;
}

static void lend(size_t megabytes)
{
	pid_t pid;

	map(megabytes, MAP_PRIVATE);
	pid = vfork();
	if (pid == 0) {
		(void)sleep(2);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		give_up("vfork");
}

/* A file with a very long path, mapped so often that the list of mappings has more than a hundred megabytes. */
static void map_long_name(void)
{
	static char name[NAME_SIZE];
	int fd;

	memset(name, 'n', sizeof(name) - 1);
	for (int i = 0; i < NAME_DEPTH; i++)
		if (mkdir(name, 0700) < 0 || chdir(name) < 0)
			give_up("mkdir");
	fd = open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		give_up("open");
	for (int i = 0; i < NAME_MAPPINGS; i++)
		if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
			give_up("mmap");
}

static void scatter(int fd, size_t megabytes)
{
	map_long_name();
	fill(fd, megabytes);
	map(megabytes, MAP_SHARED);
	/* Such a list takes its time to be read. */
	(void)sleep(30);
}

static void fork_for_ever(const char *file)
{
	for (;;)
		if (fork() < 0 && access(file, F_OK) < 0 && creat(file, 0600) < 0)
			give_up("creat");
}

static void processes(size_t count, const char *how)
{
	for (size_t i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			give_up("fork");
		if (pid > 0)
			continue;
		if (strcmp(how, "setsid") == 0)
			(void)setsid();
		if (strcmp(how, "uids") == 0 && setuid((uid_t)(FIRST_ID + i % 500)) < 0)
			give_up("setuid");
		(void)sleep(30);
		_exit(0);
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";
	size_t amount = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	memset(block, 'x', sizeof(block));
	if (strcmp(how, "anonymous") == 0)
		map(amount, MAP_PRIVATE);
	else if (strcmp(how, "shared") == 0)
		map(amount, MAP_SHARED);
	else if (strcmp(how, "memfd") == 0)
		fill(memfd_create("bomb", 0), amount);
	else if (strcmp(how, "segment") == 0)
		segments(amount);
	else if (strcmp(how, "file") == 0 && argc > 3)
		fill(open(argv[3], O_WRONLY | O_CREAT, 0600), amount);
	else if (strcmp(how, "hold") == 0 && argc > 3)
		hold(amount, argv[3]);
	else if (strcmp(how, "mapped") == 0 && argc > 3)
		map_file(open(argv[3], O_RDWR | O_CREAT, 0600), amount);
	else if (strcmp(how, "scattered") == 0 && argc > 3)
		scatter(open(argv[3], O_WRONLY | O_CREAT, 0600), amount);
	else if (strcmp(how, "lent") == 0)
		lend(amount);
	else if (strcmp(how, "descriptors") == 0)
		(void)pthread_join(start_thread(fill_unshared, amount), NULL);
	else if (strcmp(how, "orphaned") == 0 && start_thread(fork_alone, amount))
		(void)syscall(SYS_exit, 0);
	else if (strcmp(how, "endless") == 0)
		fork_for_ever(argv[2]);
	else if (amount)
		processes(amount, how);
	wait_to_be_ended(amount);
	(void)puts("survived");
	return 0;
}
