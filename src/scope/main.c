/*
 * sandbox-scope: asks a manager of systemd for a transient scope that is delegated, with one process in it, and waits
 * until it is there. A program of its own, so that the one that runs sandboxes need not load libsystemd.
 *
 * usage: sandbox-scope SOCKET UNIT PID [PROPERTY=VALUE]…
 *
 * Success is silent; else one line says what was refused.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <systemd/sd-bus.h>

#include "base/memory.h"
#include "base/scope.h"

enum { WAIT_MICROSECONDS = 30000000 };

struct job {
	const char *unit;
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

static int fail(const char *what, int code, const sd_bus_error *refusal)
{
	printf("%s: %s\n", what, refusal && refusal->message ? refusal->message : strerror(-code));
	return EXIT_FAILURE;
}

/* JobRemoved(u id, o job, s unit, s result). The unit's name is ours alone: the job's path need not be compared. */
static int job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
	const char *path, *unit, *result;
	struct job *job = data;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && strcmp(unit, job->unit) == 0)
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

static int request_scope(sd_bus *bus, const char *unit, char *const *properties, uint32_t pid)
{
	__attribute__((cleanup(message_finish))) sd_bus_message *call = NULL, *reply = NULL;
	__attribute__((cleanup(sd_bus_error_free))) sd_bus_error refusal = SD_BUS_ERROR_NULL;
	int result = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", "StartTransientUnit");

	if (result >= 0)
		result = sd_bus_message_append(call, "ss", unit, "fail");
	if (result >= 0)
		result = append_properties(call, properties, pid);
	/* No units besides. */
	if (result >= 0)
		result = sd_bus_message_append(call, "a(sa(sv))", 0);
	if (result >= 0)
		result = sd_bus_call(bus, call, WAIT_MICROSECONDS, &refusal, &reply);
	return result < 0 ? fail("the manager refuses", result, &refusal) : EXIT_SUCCESS;
}

static int wait_for_job(sd_bus *bus, const struct job *job)
{
	while (!job->result[0]) {
		int result = sd_bus_process(bus, NULL);

		if (result == 0)
			result = sd_bus_wait(bus, WAIT_MICROSECONDS);
		if (result == 0)
			return fail("the manager does not answer", -110, NULL);
		if (result < 0)
			return fail("the connection to the manager broke", result, NULL);
	}
	if (strcmp(job->result, "done") == 0)
		return EXIT_SUCCESS;
	printf("the manager's job ended as \"%s\"\n", job->result);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(bus_finish))) sd_bus *bus = NULL;
	struct job job = {.unit = argc > 2 ? argv[2] : NULL};
	int result;

	if (argc < 4)
		return fail("usage: sandbox-scope SOCKET UNIT PID [PROPERTY=VALUE]...", -22, NULL);
	result = connect_manager(argv[1], &bus);
	if (result < 0)
		return fail(argv[1], result, NULL);
	/* Before the call: the job may have ended when that returns. */
	result = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"JobRemoved", job_removed, &job);
	if (result < 0)
		return fail("listen to the manager", result, NULL);
	result = request_scope(bus, job.unit, argv + 4, (uint32_t)strtoul(argv[3], NULL, 10));
	return result ? result : wait_for_job(bus, &job);
}
