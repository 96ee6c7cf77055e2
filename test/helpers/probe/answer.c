/* Answers, and the looks into /proc that several subjects take. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

void answer_more(struct probe *probe, const char *format, ...)
{
	size_t length = strlen(probe->answer);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(probe->answer + length, ANSWER_SIZE - length, format, arguments);
	va_end(arguments);
}

void answer(struct probe *probe, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(probe->answer, ANSWER_SIZE, format, arguments);
	va_end(arguments);
}

void answer_errno(struct probe *probe)
{
	const char *name = strerrorname_np(errno);

	answer(probe, "%s", name ? name : "unknown error");
}

void answer_result(struct probe *probe, long result)
{
	if (result < 0)
		answer_errno(probe);
	else
		answer(probe, "ok");
}

bool answer_unplanted(struct probe *probe, bool planted)
{
	if (!planted)
		answer(probe, "not planted");
	return !planted;
}

static int compare_words(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

void answer_sorted(struct probe *probe, char **words, size_t count)
{
	qsort(words, count, sizeof(words[0]), compare_words);
	answer(probe, "%s", count ? "" : "none");
	for (size_t i = 0; i < count; i++)
		answer_more(probe, "%s%s", i ? " " : "", words[i]);
}

ssize_t read_text(const char *path, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	buffer[0] = '\0';
	if (fd < 0)
		return -1;
	while (length < size - 1) {
		got = read(fd, buffer + length, size - 1 - length);
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	buffer[length] = '\0';
	close(fd);
	return got < 0 ? -1 : (ssize_t)length;
}

const char *status_field(const char *name)
{
	static char text[8192];
	char *line = text;

	if (read_text("/proc/self/status", text, sizeof(text)) <= 0)
		return NULL;
	while (line) {
		char *next = strchr(line, '\n');
		char *value = strchr(line, ':');

		if (next)
			*next++ = '\0';
		if (value && (size_t)(value - line) == strlen(name) && strncmp(line, name, strlen(name)) == 0)
			return value + 1 + strspn(value + 1, " \t");
		line = next;
	}
	return NULL;
}

const char *namespace_link(const char *name)
{
	static char link[64];
	char path[64];
	ssize_t length = 0;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	length = readlink(path, link, sizeof(link) - 1);
	link[length < 0 ? 0 : length] = '\0';
	return link;
}

bool file_mentions(const char *path, const char *words)
{
	static char text[1 << 18];

	return read_text(path, text, sizeof(text)) > 0 && memmem(text, sizeof(text), words, strlen(words));
}

void keep_mounts_private(void)
{
	if (unshare(CLONE_NEWNS) == 0)
		(void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

void probe_call(struct probe *probe)
{
	const struct call *call = probe->check->argument;
	const long *a = call->arguments;

	answer_result(probe, syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
