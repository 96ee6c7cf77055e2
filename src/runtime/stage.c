#include "runtime/stage.h"

#include <errno.h>
#include <sched.h>

#include "base/fd.h"
#include "base/reap.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "userns/userns.h"

struct work {
	struct stage *stage;
	struct sandbox_error *error;
	int result;
};

/* Shares memory and descriptors with the supervisor, who waits: what is filled in here is there. */
static int stage_main(void *argument)
{
	struct work *work = argument;
	struct stage *stage = work->stage;

	if (setns(stage->userns, CLONE_NEWUSER) < 0) {
		work->result = error_set(work->error, errno, "enter the held user namespace");
		return 1;
	}
	stage->init = kernel_clone(stage->flags | CLONE_PARENT, &stage->init_pidfd, stage->cgroup);
	if (stage->init == 0)
		stage->main(stage->argument);
	if (stage->init < 0) {
		stage->init = 0;
		work->result = userns_explain_clone(errno, work->error);
		return 1;
	}
	test_point("stage.cloned");
	work->result = stage->flags & CLONE_NEWUSER ? userns_write_nested_maps(stage->init, stage->idmap, work->error) : 0;
	return 0;
}

static int run_stage(struct work *work)
{
	pid_t pid = kernel_vfork(stage_main, work, CLONE_FILES);

	if (pid < 0)
		return error_set(work->error, errno, "fork");
	(void)reap_child(pid, NULL);
	return work->result;
}

static void end_init(struct stage *stage)
{
	end_child(&stage->init);
	fd_close(&stage->init_pidfd);
}

int stage_clone_init(struct stage *stage, struct sandbox_error *error)
{
	/* What ends the stage without a word is a signal. */
	struct work work = {.stage = stage, .error = error, .result = -ECHILD};
	int result;

	stage->init = 0;
	stage->init_pidfd = -1;
	result = run_stage(&work);
	if (result == 0 && !test_defence_removed("verify-map"))
		result = userns_verify_maps(stage->init, stage->idmap, error);
	if (result < 0)
		end_init(stage);
	return result;
}
