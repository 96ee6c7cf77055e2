/*
 * sandbox-scope: asks a manager of systemd for a transient scope that is delegated, with one process in it, and waits
 * until it is there; or has such a scope stopped, and waits until it is gone. A program of its own, so that the one that
 * runs sandboxes need not load libsystemd.
 *
 * usage: sandbox-scope start SOCKET UNIT PID [PROPERTY=VALUE]…
 *        sandbox-scope stop SOCKET UNIT
 *
 * Success is silent; else one line says what was refused.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-bus.h>

#include "base/memory.h"
#include "base/scope.h"

/* Commands that have nothing to do with that scope wait while one is stopped. */
enum { START_MICROSECONDS = 30000000, STOP_MICROSECONDS = 5000000 };

struct job {
	char *path;      /* of the object that the manager calls it by; NULL: none */
	char result[32]; /* "done", "failed"…; empty until it has ended */
};

static void bus_finish(sd_bus **bus)
{
	*bus = sd_bus_flush_close_unref(*bus);
}

static void message_finish(sd_bus_message **message)
{
	*message = sd_bus_message_unref(*message);
}

static void job_finish(struct job *job)
{
	free(job->path);
}

static int fail(const char *what, int code, const sd_bus_error *refusal)
{
	printf("%s: %s\n", what, refusal && refusal->message ? refusal->message : strerror(-code));
	return EXIT_FAILURE;
}

/* JobRemoved(u id, o job, s unit, s result). What arrives during a call is handed on only afterwards: the path is known. */
static int job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
	const char *path, *unit, *result;
	struct job *job = data;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && job->path && strcmp(path, job->path) == 0)
		(void)snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

static int connect_manager(const char *socket, sd_bus **out)
{
	auto_free char *address = memory_format("unix:path=%s", socket);
	int result = sd_bus_new(out);

	if (result >= 0)
		result = sd_bus_set_address(*out, address);
	return result < 0 ? result : sd_bus_start(*out);
}

/* A number, or else a word. */
static int append_property(sd_bus_message *call, char *property)
{
	char *value = strchr(property, '='), *end = NULL;
	uint64_t number;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	number = strtoull(value, &end, 10);
	return *value && !*end ? sd_bus_message_append(call, "(sv)", property, "t", number)
		: sd_bus_message_append(call, "(sv)", property, "s", value);
}

/*
 * What systemd-run --scope sends, and Delegate. This process comes along: the other one may be killed meanwhile, and a scope
 * whose only process is moved while it dies has never had any. The manager ends a scope when its last process leaves, and
 * would keep that one for ever.
 */
static int append_properties(sd_bus_message *call, char *const *properties, uint32_t pid)
{
	int result = sd_bus_message_open_container(call, 'a', "(sv)");

	if (result >= 0)
		result = sd_bus_message_append(call, "(sv)(sv)(sv)(sv)", "Description", "s", "A sandbox",
			"Delegate", "b", 1, "CollectMode", "s", "inactive-or-failed", "PIDs", "au", 2, pid, (uint32_t)getpid());
	for (; *properties && result >= 0; properties++)
		result = append_property(call, *properties);
	return result < 0 ? result : sd_bus_message_close_container(call);
}

static int begin_call(sd_bus *bus, const char *method, const char *unit, const char *mode, sd_bus_message **out)
{
	int result = sd_bus_message_new_method_call(bus, out, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", method);

	return result < 0 ? result : sd_bus_message_append(*out, "ss", unit, mode);
}

/* Both calls answer with the path of a job. `absent`, unless NULL: there is no such unit, which then is no failure. */
static int finish_call(sd_bus *bus, sd_bus_message *call, uint64_t microseconds, struct job *job, bool *absent)
{
	__attribute__((cleanup(message_finish))) sd_bus_message *reply = NULL;
	__attribute__((cleanup(sd_bus_error_free))) sd_bus_error refusal = SD_BUS_ERROR_NULL;
	const char *path;
	int result = sd_bus_call(bus, call, microseconds, &refusal, &reply);

	if (absent && sd_bus_error_has_name(&refusal, "org.freedesktop.systemd1.NoSuchUnit")) {
		*absent = true;
		return EXIT_SUCCESS;
	}
	if (result >= 0)
		result = sd_bus_message_read(reply, "o", &path);
	if (result < 0)
		return fail("the manager refuses", result, &refusal);
	job->path = memory_text(path);
	return EXIT_SUCCESS;
}

static uint64_t now_microseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* In all: the manager tells of other jobs, too. */
static int wait_for_job(sd_bus *bus, const struct job *job, uint64_t microseconds)
{
	uint64_t end = now_microseconds() + microseconds;

	while (!job->result[0]) {
		int result = sd_bus_process(bus, NULL);
		uint64_t now = now_microseconds();

		if (now >= end)
			return fail("the manager does not answer", -ETIMEDOUT, NULL);
		if (result == 0)
			result = sd_bus_wait(bus, end - now);
		if (result < 0)
			return fail("the connection to the manager broke", result, NULL);
	}
	if (strcmp(job->result, "done") == 0)
		return EXIT_SUCCESS;
	printf("the manager's job ended as \"%s\"\n", job->result);
	return EXIT_FAILURE;
}

static int start_unit(sd_bus *bus, struct job *job, const char *unit, char *const *arguments)
{
	__attribute__((cleanup(message_finish))) sd_bus_message *call = NULL;
	int status, result = begin_call(bus, "StartTransientUnit", unit, "fail", &call);

	if (result >= 0)
		result = append_properties(call, arguments + 1, (uint32_t)strtoul(arguments[0], NULL, 10));
	/* No units besides. */
	if (result >= 0)
		result = sd_bus_message_append(call, "a(sa(sv))", 0);
	if (result < 0)
		return fail("ask the manager", result, NULL);
	status = finish_call(bus, call, START_MICROSECONDS, job, NULL);
	return status ? status : wait_for_job(bus, job, START_MICROSECONDS);
}

static int stop_unit(sd_bus *bus, struct job *job, const char *unit)
{
	__attribute__((cleanup(message_finish))) sd_bus_message *call = NULL;
	bool absent = false;
	int status, result = begin_call(bus, "StopUnit", unit, "replace", &call);

	if (result < 0)
		return fail("ask the manager", result, NULL);
	status = finish_call(bus, call, STOP_MICROSECONDS, job, &absent);
	return status || absent ? status : wait_for_job(bus, job, STOP_MICROSECONDS);
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(bus_finish))) sd_bus *bus = NULL;
	bool start = argc > 4 && strcmp(argv[1], "start") == 0, stop = argc == 4 && strcmp(argv[1], "stop") == 0;
	auto_finish(job_finish) struct job job = {.path = NULL};
	int result;

	if (!start && !stop)
		return fail("usage: sandbox-scope start|stop SOCKET UNIT [PID [PROPERTY=VALUE]...]", -EINVAL, NULL);
	result = connect_manager(argv[2], &bus);
	if (result < 0)
		return fail(argv[2], result, NULL);
	/* Before the call: the job may have ended when that returns. */
	result = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"JobRemoved", job_removed, &job);
	if (result < 0)
		return fail("listen to the manager", result, NULL);
	return start ? start_unit(bus, &job, argv[3], argv + 4) : stop_unit(bus, &job, argv[3]);
}
