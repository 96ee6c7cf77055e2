#include "doctor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/reap.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"

/* Making a network namespace alone has been seen to take seconds on a busy machine. */
enum { CHILD_MILLISECONDS = 30 * 1000 };

struct child_task {
	int (*function)(const struct examination *examination, struct check_report *report);
	const struct examination *examination;
	pid_t parent; /* 0 where a pid namespace hides it */
	int channel;
};

struct child_answer {
	int result;
	struct check_report report;
};

static _Noreturn void child_main(const struct child_task *task)
{
	struct child_answer answer = {.result = 0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != task->parent)
		_exit(125);
	(void)setsid();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null >= 0; fd++)
		(void)dup2(null, fd);
	(void)sigprocmask(SIG_SETMASK, &task->examination->interrupt.previous, NULL);
	test_point("doctor.child");
	answer.result = task->function(task->examination, &answer.report);
	(void)send(task->channel, &answer, sizeof(answer), MSG_NOSIGNAL);
	_exit(0);
}

/* 1 once there is something to be read, 0 when the time is over, -EINTR for a signal. */
static int wait_for_answer(int channel, const struct interrupt *interrupt)
{
	struct pollfd events[] = {{.fd = channel, .events = POLLIN}, {.fd = interrupt->fd, .events = POLLIN}};
	int result;

	do
		result = poll(events, array_count(events), CHILD_MILLISECONDS);
	while (result < 0 && errno == EINTR);
	return result > 0 && events[1].revents ? -EINTR : result;
}

static int receive_answer(int channel, const struct interrupt *interrupt, struct check_report *report)
{
	int result = wait_for_answer(channel, interrupt);
	struct child_answer answer;

	if (result == -EINTR)
		return error_set(&report->error, EINTR, "make the check");
	if (result == 0) {
		error_set(&report->error, ETIMEDOUT, "wait for the check");
		error_cause(&report->error, SANDBOX_E_CHILD_DIED, "it did not end within %d seconds: something hangs, or the "
			"machine is very busy", CHILD_MILLISECONDS / 1000);
		return error_fix(&report->error, "try again when the machine is less busy");
	}
	if (recv(channel, &answer, sizeof(answer), 0) == sizeof(answer)) {
		*report = answer.report;
		return answer.result;
	}
	error_set(&report->error, ECHILD, "make the check");
	return error_child_died(&report->error, "its process was killed");
}

/* It leads a process group, and what it has started is in there. */
static void end_group(pid_t leader)
{
	(void)kill(-leader, SIGKILL);
	end_child(&leader);
}

int child_run(uint64_t flags, int (*function)(const struct examination *examination, struct check_report *report),
	const struct examination *examination, struct check_report *report)
{
	auto_close int ours = -1;
	int ends[2], result;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(&report->error, errno, "make a socket pair");
	ours = ends[0];
	struct child_task task = {function, examination, flags & CLONE_NEWPID ? 0 : getpid(), ends[1]};
	/* A filter may refuse clone3(2), which is to be found out, and not here. */
	child = flags ? kernel_clone(flags, NULL, -1) : fork();
	if (child == 0)
		child_main(&task);
	(void)close(ends[1]);
	if (child < 0)
		return error_set(&report->error, errno, "start a process");
	result = receive_answer(ours, &examination->interrupt, report);
	end_group(child);
	return result;
}
