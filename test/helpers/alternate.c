/*
 * alternate WARMUP ROUNDS COMMANDS SAMPLES
 *
 * Measures commands beside each other: A B C … A B C …, so that whatever the machine does meanwhile
 * happens to all of them. COMMANDS holds a line for each: its name and its arguments, separated by tabs.
 * SAMPLES gets a line for each: its name and the milliseconds of every round, separated by tabs, but not
 * of the WARMUP rounds that come before; SAMPLES.cpu the same in milliseconds of processor time, of the
 * command and all that it waited for, which says something even on a busy machine; SAMPLES.memory the same in KiB of the
 * largest process among them. Output of the commands is thrown away; one that fails ends the measurement, and is run
 * again to show its complaint.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 64,
	ARGUMENTS_MAX = 64 };

extern char **environ;

/* What is measured, and what is added to the name of the file. */
enum kind { WALL, PROCESSOR, MEMORY, KINDS };
static const char *const suffixes[KINDS] = {"", ".cpu", ".memory"};

struct command {
	char *name;
	char *arguments[ARGUMENTS_MAX + 1];
	double *samples[KINDS];
};

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "alternate: %s: %s\n", what, strerror(errno));
	exit(125);
}

static size_t read_commands(const char *path, struct command *commands, long rounds)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0, count = 0;

	if (!file)
		fail(path);
	while (getline(&line, &size, file) > 0 && count < COMMANDS_MAX) {
		struct command *command = &commands[count++];
		char *rest = line;

		line[strcspn(line, "\n")] = '\0';
		command->name = strsep(&rest, "\t");
		for (int i = 0; rest && i < ARGUMENTS_MAX; i++)
			command->arguments[i] = strsep(&rest, "\t");
		for (int kind = 0; kind < KINDS; kind++)
			command->samples[kind] = calloc((size_t)rounds, sizeof(double));
		if (!command->arguments[0] || !command->samples[WALL] || !command->samples[PROCESSOR] ||
		    !command->samples[MEMORY])
			fail(path);
		line = NULL; /* the command's now */
	}
	fclose(file);
	return count;
}

static int run(const struct command *command, const posix_spawn_file_actions_t *actions, struct rusage *usage)
{
	pid_t pid = 0;
	int status = 0;

	errno = posix_spawnp(&pid, command->arguments[0], actions, NULL, command->arguments, environ);
	if (errno || wait4(pid, &status, 0, usage) < 0)
		fail(command->arguments[0]);
	return status;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double milliseconds(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static void measure(struct command *command, long round, const posix_spawn_file_actions_t *quiet)
{
	double start = now();
	struct rusage usage;
	int status = run(command, quiet, &usage);

	command->samples[WALL][round] = now() - start;
	command->samples[PROCESSOR][round] = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
	command->samples[MEMORY][round] = (double)usage.ru_maxrss;
	if (status != 0) {
		fprintf(stderr, "alternate: %s failed (wait status %#x):\n", command->name, status);
		(void)run(command, NULL, &usage);
		exit(1);
	}
}

static void write_samples(const char *stem, const struct command *commands, size_t count, enum kind kind, long first,
	long rounds)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", stem, suffixes[kind]);
	file = fopen(path, "we");
	if (!file)
		fail(path);
	for (size_t i = 0; i < count; i++) {
		fprintf(file, "%s", commands[i].name);
		for (long round = first; round < rounds; round++)
			fprintf(file, "\t%.3f", commands[i].samples[kind][round]);
		fprintf(file, "\n");
	}
	if (fclose(file) != 0)
		fail(path);
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	posix_spawn_file_actions_t quiet;
	long warmup = argc == 5 ? strtol(argv[1], NULL, 10) : -1;
	long rounds = argc == 5 ? warmup + strtol(argv[2], NULL, 10) : 0;
	size_t count = 0;

	if (warmup < 0 || rounds <= warmup) {
		fprintf(stderr, "usage: alternate WARMUP ROUNDS COMMANDS SAMPLES\n");
		return 125;
	}
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	count = read_commands(argv[3], commands, rounds);
	for (long round = 0; round < rounds; round++) {
		for (size_t i = 0; i < count; i++)
			measure(&commands[i], round, &quiet);
	}
	for (int kind = 0; kind < KINDS; kind++)
		write_samples(argv[4], commands, count, (enum kind)kind, warmup, rounds);
	return 0;
}
