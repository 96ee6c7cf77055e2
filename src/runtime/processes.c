/*
 * What runs in a sandbox, seen from outside: sandbox_processes_read of sandbox/life.h. Its supervisor lends a pidfd of init;
 * all processes of a pid namespace descend from that. /proc says the rest, with the numbers of inside, too. Whoever is in
 * there writes some of it (his name, his command line): it is only shown.
 */
#include <sandbox/life.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "runtime/channel.h"
#include "runtime/control.h"
#include "runtime/record.h"
#include "runtime/registry.h"

/* Of a command line as much as ps(1) reads: children share one of 2 MiB, and thousands of copies are more than they have. */
enum { TEXT_MAX = 64 << 10, COMMAND_MAX = 128 << 10, LEVELS_MAX = 33 };

void sandbox_processes_finish(struct sandbox_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		free(processes->items[i].command);
	free(processes->items);
	*processes = (struct sandbox_processes){0};
}

/* One process as /proc has it. */
struct found {
	int pid, parent;
	bool inside;
	int levels; /* of pid namespaces, from ours on */
	int pids[LEVELS_MAX];
	struct sandbox_process process;
};

struct survey {
	int proc;
	int init;
	int level; /* whose numbers are those of the sandbox */
	bool hides_init; /* it stands outside */
	char *map;       /* /proc/INIT/uid_map */
	struct found *items;
	size_t count;
};

static void survey_finish(struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++)
		free(survey->items[i].process.command);
	free(survey->items);
	free(survey->map);
	if (survey->proc >= 0)
		(void)close(survey->proc);
}

/* The caller frees; NULL when the process is gone. */
static char *read_of(const struct survey *survey, int pid, const char *name, size_t limit)
{
	auto_free char *path = memory_format("%d/%s", pid, name);
	auto_close int fd = openat(survey->proc, path, O_RDONLY | O_CLOEXEC);
	char *text = NULL, *bytes;
	size_t size = 0;

	if (fd < 0)
		return NULL;
	for (;;) {
		ssize_t got;

		bytes = text = memory_resize(text, size + 4097, 1);
		got = read(fd, bytes + size, size < limit ? 4096 : 0);
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	/* A command line: its words end with NULs, and more of them follow where a process has changed it. */
	while (size && !text[size - 1])
		size--;
	for (size_t i = 0; i < size; i++)
		if (!text[i])
			text[i] = ' ';
	text[size] = '\0';
	return text;
}

static bool read_stat(const struct survey *survey, struct found *found)
{
	auto_free char *text = read_of(survey, found->pid, "stat", TEXT_MAX);
	const char *rest = text ? strrchr(text, ')') : NULL;
	unsigned long user, system, threads;
	long reaped_user, reaped_system, pages, ticks = sysconf(_SC_CLK_TCK);
	unsigned long long started;
	struct timespec now;

	if (!rest || sscanf(rest, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %lu %*d %llu %*u %ld",
			     &found->process.state, &found->parent, &user, &system, &reaped_user, &reaped_system, &threads,
			     &started, &pages) != 9)
		return false;
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	found->process.processor = (uint64_t)(user + system) * 1000 / (uint64_t)ticks;
	found->process.reaped = (uint64_t)(reaped_user + reaped_system) * 1000 / (uint64_t)ticks;
	found->process.threads = threads;
	started /= (uint64_t)ticks;
	found->process.age = (uint64_t)now.tv_sec > started ? (uint64_t)now.tv_sec - started : 0;
	found->process.memory = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

/* By the map of the sandbox: "INSIDE OUTSIDE COUNT" a line. */
static void translate_user(const struct survey *survey, uint32_t outside, struct sandbox_process *out)
{
	for (const char *line = survey->map; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		unsigned int inside, first, count;

		if (sscanf(line, "%u %u %u", &inside, &first, &count) == 3 && outside >= first && outside - first < count) {
			out->uid = inside + (outside - first);
			out->has_uid = true;
			return;
		}
	}
}

static bool read_status(const struct survey *survey, struct found *found)
{
	auto_free char *text = read_of(survey, found->pid, "status", TEXT_MAX);
	const char *pids = text ? strstr(text, "\nNSpid:") : NULL, *uid = text ? strstr(text, "\nUid:") : NULL;
	unsigned int user;
	int used = 0;

	if (!pids || !uid || sscanf(uid, "\nUid: %*u %u", &user) != 1)
		return false;
	translate_user(survey, user, &found->process);
	for (pids += strlen("\nNSpid:"); found->levels < LEVELS_MAX; pids += used)
		if (sscanf(pids, "%*[\t ]%d%n", &found->pids[found->levels], &used) != 1)
			break;
		else
			found->levels++;
	return found->levels > 0;
}

static char *read_command(const struct survey *survey, int pid)
{
	char *command = read_of(survey, pid, "cmdline", COMMAND_MAX);
	auto_free char *name = NULL;

	if (command && *command)
		return command;
	free(command);
	name = read_of(survey, pid, "comm", TEXT_MAX);
	if (name)
		name[strcspn(name, "\n")] = '\0';
	return memory_format("[%s]", name ? name : "?");
}

static int compare_found(const void *left, const void *right)
{
	const struct found *a = left, *b = right;

	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static void collect(struct survey *survey)
{
	auto_closedir DIR *stream = directory_read(openat(survey->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		struct found found = {0};
		uint64_t pid;

		if (!text_parse_unsigned(entry->d_name, INT32_MAX, &pid))
			continue;
		found.pid = (int)pid;
		if (!read_stat(survey, &found))
			continue;
		survey->items = memory_resize(survey->items, survey->count + 1, sizeof(found));
		survey->items[survey->count++] = found;
	}
	if (survey->count)
		qsort(survey->items, survey->count, sizeof(*survey->items), compare_found);
}

/* It is asked for each process, of which a sandbox may have thousands. */
static const struct found *find(const struct survey *survey, int pid)
{
	const struct found wanted = {.pid = pid};

	return survey->count ? bsearch(&wanted, survey->items, survey->count, sizeof(wanted), compare_found) : NULL;
}

/* Those that descend from init. Parents can have any number: so as long as there is a new one. */
static void mark_inside(struct survey *survey)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < survey->count; i++) {
			struct found *item = &survey->items[i];
			const struct found *parent = find(survey, item->parent);

			if (item->inside || (item->pid != survey->init && !(parent && parent->inside)))
				continue;
			item->inside = again = true;
		}
	}
}

/* With --init=false the command is PID 1 of a namespace inside init's. */
static void decide_level(struct survey *survey)
{
	const struct found *init = find(survey, survey->init);

	survey->level = init ? init->levels - 1 : 0;
	for (size_t i = 0; init && i < survey->count; i++)
		if (survey->items[i].inside && survey->items[i].parent == survey->init &&
		    survey->items[i].levels == init->levels + 1)
			survey->hides_init = true;
	survey->level += survey->hides_init;
}

/* Who has gone meanwhile is left out. */
static void look_inside(struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		struct found *item = &survey->items[i];

		if (!item->inside)
			continue;
		item->process.command = read_command(survey, item->pid);
		item->inside = read_status(survey, item);
	}
	decide_level(survey);
}

static void report(struct survey *survey, struct sandbox_processes *out)
{
	for (size_t i = 0; i < survey->count; i++) {
		struct found *item = &survey->items[i];
		const struct found *parent = find(survey, item->parent);

		if (!item->inside || item->levels <= survey->level)
			continue;
		item->process.host_pid = (uint64_t)item->pid;
		item->process.pid = (uint64_t)item->pids[survey->level];
		if (parent && parent->inside && parent->levels > survey->level)
			item->process.parent = (uint64_t)parent->pids[survey->level];
		out->items = memory_resize(out->items, out->count + 1, sizeof(*out->items));
		out->items[out->count++] = item->process;
		item->process.command = NULL;
	}
}

static int compare_pids(const void *left, const void *right)
{
	const struct sandbox_process *a = left, *b = right;

	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

/* The number that this process knows it by; 0 when it has ended, or is not to be seen here. */
static int pid_of(int pidfd)
{
	auto_free char *path = memory_format("/proc/self/fdinfo/%d", pidfd), *text = NULL;
	const char *line;
	int pid = 0;

	if (file_read(AT_FDCWD, path, TEXT_MAX, &text, NULL, NULL) < 0)
		return 0;
	line = strstr(text, "Pid:");
	return line && sscanf(line, "Pid: %d", &pid) == 1 && pid > 0 ? pid : 0;
}

static int ask_init(const struct registry_entry *entry, int *out_pidfd, struct sandbox_error *error)
{
	auto_close int supervisor = record_connect(entry, error);
	struct channel_message message;
	int result = supervisor < 0 ? supervisor : control_ask(supervisor, CHANNEL_PROCESSES, 0, NULL, 0, error);

	if (result == 0)
		result = control_answer(supervisor, &message, error);
	if (result < 0)
		return result;
	if (message.fd_count != 1)
		return error_set(error, EPROTO, "look at the sandbox's processes");
	*out_pidfd = message.fds[0];
	return 0;
}

static bool has_ended(int pidfd)
{
	struct pollfd event = {.fd = pidfd, .events = POLLIN};

	return poll(&event, 1, 0) > 0;
}

int sandbox_processes_read(const struct sandbox_locations *locations, const char *reference, struct sandbox_processes *out,
	struct sandbox_error *error)
{
	auto_finish(registry_entry_finish) struct registry_entry entry = REGISTRY_ENTRY_INIT;
	auto_finish(survey_finish) struct survey survey = {.proc = -1};
	auto_close int init = -1;
	int result = registry_find(locations->state, reference, &entry, error);

	if (result == 0)
		result = ask_init(&entry, &init, error);
	if (result < 0)
		return result;
	survey.init = pid_of(init);
	survey.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (survey.proc < 0)
		return error_set(error, errno, "open /proc");
	survey.map = read_of(&survey, survey.init, "uid_map", TEXT_MAX);
	collect(&survey);
	mark_inside(&survey);
	look_inside(&survey);
	/* Else its number could be another's by now. */
	if (!survey.init || has_ended(init))
		return control_has_ended(error);
	report(&survey, out);
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), compare_pids);
	return 0;
}
