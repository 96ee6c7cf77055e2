#include "runtime/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "base/test_switch.h"

/* What the supervisor says once. */
struct report {
	int result;
	char id[REGISTRY_ID_SIZE];
	struct sandbox_error error;
};

static int replace_by_null(int fd, int flags, struct sandbox_error *error)
{
	auto_close int nothing = open("/dev/null", flags | O_CLOEXEC);

	return nothing < 0 || dup2(nothing, fd) < 0 ? error_set(error, errno, "open /dev/null") : 0;
}

static int replace_output(struct detached *detached, size_t stream, struct sandbox_error *error)
{
	int writer, result = fd_pipe(&detached->outputs[stream], &writer, error);

	if (result < 0)
		return result;
	if (dup2(writer, STDOUT_FILENO + (int)stream) < 0)
		return error_set(error, errno, "replace standard output");
	(void)close(writer);
	return 0;
}

/* Open for as long as we are: who is attached may come and go. */
static int replace_input(struct detached *detached, struct sandbox_error *error)
{
	int reader, result = fd_pipe(&reader, &detached->input, error);

	if (result < 0)
		return result;
	/* Also those who are not the caller inside may open /dev/stdin. */
	if (dup2(reader, STDIN_FILENO) < 0 || fchmod(STDIN_FILENO, 0644) < 0 || fcntl(detached->input, F_SETFL, O_NONBLOCK) < 0)
		return error_set(error, errno, "replace standard input");
	(void)close(reader);
	return 0;
}

static int become_supervisor(struct detached *detached, bool keep_input, struct sandbox_error *error)
{
	int result;

	(void)setsid();
	result = keep_input ? replace_input(detached, error) : replace_by_null(STDIN_FILENO, O_RDONLY, error);
	for (size_t i = 0; i < OUTPUT_LOG_STREAMS && result == 0; i++)
		result = replace_output(detached, i, error);
	return result;
}

/* What it has begun may have the other end, too, and outlive it for a moment: so its end is waited for as well. */
static bool wait_for_report(int reader, pid_t supervisor)
{
	auto_close int pidfd = pidfd_open(supervisor, 0);
	struct pollfd events[] = {{.fd = reader, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};

	while (poll(events, array_count(events), -1) < 0)
		if (errno != EINTR)
			return true;
	/* It may have ended just after its word. */
	return events[0].revents || poll(events, 1, 0) > 0;
}

static int hear_supervisor(int reader, pid_t supervisor, char out_id[REGISTRY_ID_SIZE], struct sandbox_error *error)
{
	struct report report;

	if (!wait_for_report(reader, supervisor) || fd_read_full(reader, &report, sizeof(report)) != sizeof(report)) {
		error_set(error, ECHILD, "start the sandbox in the background");
		return error_child_died(error, "its supervisor was killed, or it crashed");
	}
	error_sanitize(&report.error);
	if (report.result < 0 && error)
		*error = report.error;
	if (report.result == 0)
		memcpy(out_id, report.id, sizeof(report.id));
	return report.result;
}

int detach(struct detached *out, bool keep_input, bool *out_supervisor, char out_id[REGISTRY_ID_SIZE],
	struct sandbox_error *error)
{
	struct sandbox_error problem = {0};
	int reader, writer, result = fd_pipe(&reader, &writer, error);
	pid_t child;

	if (result < 0)
		return result;
	child = fork();
	*out_supervisor = child == 0;
	if (child == 0) {
		(void)close(reader);
		out->report = writer;
		result = become_supervisor(out, keep_input, &problem);
		if (result < 0)
			detached_exit(out, result, &problem);
		return 0;
	}
	(void)close(writer);
	result = child < 0 ? error_set(error, errno, "fork a supervisor")
		: hear_supervisor(reader, child, out_id, error);
	(void)close(reader);
	return result;
}

static int send_report(struct detached *detached, const struct report *report)
{
	int result = fd_write_all(detached->report, report, sizeof(*report));

	(void)close(take_fd(&detached->report));
	return result;
}

int detached_report(struct detached *detached, const char *id)
{
	struct report report = {0};

	if (detached->report < 0)
		return 0;
	memcpy(report.id, id, sizeof(report.id));
	test_point("detach.report");
	return send_report(detached, &report);
}

void detached_exit(struct detached *detached, int result, const struct sandbox_error *error)
{
	struct report report = {.result = result, .error = *error};

	if (detached->report >= 0)
		(void)send_report(detached, &report);
	_exit(result < 0 ? 125 : 0);
}

int detached_drop_streams(struct sandbox_error *error)
{
	int result = replace_by_null(STDIN_FILENO, O_RDONLY, error);

	if (result == 0)
		result = replace_by_null(STDOUT_FILENO, O_WRONLY, error);
	return result < 0 ? result : replace_by_null(STDERR_FILENO, O_WRONLY, error);
}
