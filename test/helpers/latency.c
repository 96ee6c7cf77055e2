/*
 * How long it takes until a new process runs and its end is heard of, in microseconds: the median, and what 99 of 100 stay
 * below.
 *
 * usage: latency ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 10000, PAUSE_NANOSECONDS = 2000000 };

static long microseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static long measure(void)
{
	long start = microseconds();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		exit(2);
	return microseconds() - start;
}

static int compare(const void *left, const void *right)
{
	long a = *(const long *)left, b = *(const long *)right;

	return a < b ? -1 : a > b;
}

int main(int argc, char **argv)
{
	static long taken[ROUNDS_MAX];
	const struct timespec pause = {.tv_nsec = PAUSE_NANOSECONDS};
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		return 2;
	for (long i = 0; i < rounds; i++) {
		/* Like somebody who types: it is the waking up that counts. */
		(void)nanosleep(&pause, NULL);
		taken[i] = measure();
	}
	qsort(taken, (size_t)rounds, sizeof(*taken), compare);
	(void)printf("%ld %ld\n", taken[rounds / 2], taken[rounds * 99 / 100]);
	return 0;
}
