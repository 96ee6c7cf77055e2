/* The order of the rows, the command line, and the JSON. See probe.h. */
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct checks *const subjects[] = {
	&checks_identity,
	&checks_process,
	&checks_pid1,
	&checks_namespace,
	&checks_mount,
	&checks_proc,
	&checks_device,
	&checks_terminal,
	&checks_call,
	&checks_compat,
	&checks_network,
	&checks_ipc,
	&checks_environment,
};

enum { CHECK_SECONDS = 10 };

/* --- the command line --- */

struct word {
	const char *name;
	size_t offset;
	bool number;
};

#define TEXT(field) \
	{ \
#field, offsetof(struct planted, field), false \
	}
#define NUMBER(field) \
	{ \
#field, offsetof(struct planted, field), true \
	}

static const struct word words[] = {
	TEXT(file),
	TEXT(folder),
	TEXT(home),
	TEXT(variable),
	TEXT(hostname),
	TEXT(abstract),
	TEXT(socket),
	TEXT(posix_shm),
	TEXT(queue),
	TEXT(namespaces),
	TEXT(terminal),
	TEXT(oom),
	NUMBER(descriptor),
	NUMBER(folder_descriptor),
	NUMBER(port),
	NUMBER(key),
	NUMBER(shm),
	NUMBER(pid),
};

static void planted_clear(struct planted *planted)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].number)
			*(long *)((char *)planted + words[i].offset) = -1;
	}
}

static bool planted_add(struct planted *planted, const char *text)
{
	size_t length = strcspn(text, "=");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && text[length]; i++) {
		void *field = (char *)planted + words[i].offset;

		if (strlen(words[i].name) != length || strncmp(words[i].name, text, length) != 0)
			continue;
		if (words[i].number)
			*(long *)field = strtol(text + length + 1, NULL, 10);
		else
			*(const char **)field = text + length + 1;
		return true;
	}
	return false;
}

/* --- running --- */

static void run_in_child(struct probe *probe)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(CHECK_SECONDS);
		probe->check->run(probe);
		_exit(0);
	}
	if (pid < 0) {
		answer_errno(probe);
		return;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		answer(probe, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (!probe->answer[0])
		answer(probe, "nothing");
}

static void print_string(const char *text)
{
	putchar('"');
	for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
		if (*byte == '"' || *byte == '\\')
			printf("\\%c", *byte);
		else if (*byte < 0x20 || *byte > 0x7e)
			printf("\\u%04x", *byte);
		else
			putchar(*byte);
	}
	putchar('"');
}

static void print_row(const struct probe *probe, bool first)
{
	printf("%s{\"name\": ", first ? "[\n" : ",\n");
	print_string(probe->check->name);
	printf(", \"value\": ");
	print_string(probe->answer);
	putchar('}');
	/* A child must not inherit what was not written yet. */
	fflush(stdout);
}

static void run_all(struct probe *probe)
{
	bool first = true;

	for (size_t s = 0; s < sizeof(subjects) / sizeof(subjects[0]); s++) {
		for (size_t i = 0; i < subjects[s]->count; i++) {
			probe->check = &subjects[s]->items[i];
			memset(probe->answer, 0, ANSWER_SIZE);
			if (probe->check->in_place)
				probe->check->run(probe);
			else
				run_in_child(probe);
			print_row(probe, first);
			first = false;
		}
	}
	printf("\n]\n");
}

/* The machine's own root could do what the checks attempt. Nobody needs to know how far he comes. */
static bool is_root_of_the_machine(void)
{
	char map[128] = "";
	unsigned long inside = 1, outside = 1, count = 0;

	return geteuid() == 0 && read_text("/proc/self/uid_map", map, sizeof(map)) > 0 &&
		sscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 && outside == 0 && count == 4294967295;
}

int main(int argc, char **argv)
{
	struct planted planted = {0};
	struct probe probe = {.planted = &planted};

	/* What the set-user-ID and file capability checks execute: see identity.c. */
	if (argc == 2 && strcmp(argv[1], "--effective") == 0) {
		const char *effective = status_field("CapEff");

		printf("%u %u %s", geteuid(), getegid(), effective ? effective : "");
		return 0;
	}
	planted_clear(&planted);
	for (int i = 1; i < argc; i++) {
		if (!planted_add(&planted, argv[i])) {
			fprintf(stderr, "probe: unknown word: %s\n", argv[i]);
			return 2;
		}
	}
	if (is_root_of_the_machine()) {
		fprintf(stderr, "probe: not as the root of the machine\n");
		return 2;
	}
	probe.answer = mmap(NULL, ANSWER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (probe.answer == MAP_FAILED) {
		perror("probe: mmap");
		return 2;
	}
	run_all(&probe);
	return ferror(stdout) ? 2 : 0;
}
