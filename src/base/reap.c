#include "base/reap.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

int reap_child(pid_t pid, int *out_status)
{
	while (waitpid(pid, out_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

void end_child(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	(void)reap_child(*pid, NULL);
	*pid = 0;
}
