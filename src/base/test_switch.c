#include "base/test_switch.h"

#ifdef SANDBOX_TEST_SWITCHES
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

bool test_defence_removed(const char *name)
{
	const char *list = getenv("SANDBOX_TEST_REMOVE");
	size_t length = strlen(name);

	while (list && *list) {
		size_t item = strcspn(list, ",");

		if (item == length && strncmp(list, name, length) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

/* PID 1 of a namespace is out of reach of its own signals (pid_namespaces(7)), also of these two. */
static void end_here(void)
{
	if (getpid() == 1)
		_exit(128 + SIGKILL);
	(void)raise(SIGKILL);
}

static void stop_here(void)
{
	char title[16];
	sigset_t resume;
	int number;

	if (getpid() != 1) {
		(void)raise(SIGSTOP);
		return;
	}
	(void)prctl(PR_GET_NAME, title);
	(void)prctl(PR_SET_NAME, "stopped");
	(void)sigemptyset(&resume);
	(void)sigaddset(&resume, SIGCONT);
	(void)sigprocmask(SIG_BLOCK, &resume, NULL);
	(void)sigwait(&resume, &number);
	(void)prctl(PR_SET_NAME, title);
}

static bool is_point(const char *variable, const char *name)
{
	const char *wanted = getenv(variable);

	return wanted && strcmp(wanted, name) == 0;
}

void test_point(const char *name)
{
	if (getenv("SANDBOX_TEST_TRACE"))
		(void)dprintf(STDERR_FILENO, "test point %s\n", name);
	if (is_point("SANDBOX_TEST_KILL_AT", name))
		end_here();
	if (is_point("SANDBOX_TEST_STOP_AT", name))
		stop_here();
}
#endif
