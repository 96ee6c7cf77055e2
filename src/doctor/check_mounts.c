/* The file systems and the network that a sandbox has for itself, made as init makes them. */
#include "doctor/check.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/scope.h"
#include "doctor/child.h"
#include "network/loopback.h"
#include "rootfs/filesystem.h"
#include "rootfs/proc_mask.h"
#include "userns/userns.h"

/* What init has of its own when it mounts. */
static int make_namespaces(struct sandbox_error *error)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return error_set(error, errno, "make the namespaces");
	return 0;
}

/* Seen from outside of the user namespace. */
static int explain(int result, struct sandbox_error *error)
{
	if (result == -ENOSPC)
		return userns_explain_namespaces(error);
	return result < 0 ? userns_explain_refusal(error) : 0;
}

static int make_filesystem(const char *type, const struct filesystem_option *options, struct sandbox_error *error)
{
	auto_close int mount = filesystem_make(type, options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, error);

	return mount < 0 ? mount : 0;
}

/* In a new pid namespace: procfs shows that of who mounts it. */
static int make_proc(const struct examination *examination, struct check_report *report)
{
	int result = make_filesystem("proc", NULL, &report->error);

	(void)examination;
	return result == -EPERM ? proc_explain_refusal(&report->error) : result;
}

struct proc_task {
	const struct examination *examination;
	struct check_report *report;
};

static int make_proc_inside(void *argument, struct sandbox_error *error)
{
	const struct proc_task *task = argument;
	int result = make_namespaces(error);

	if (result < 0)
		return result;
	result = child_run(CLONE_NEWPID, make_proc, task->examination, task->report);
	*error = task->report->error;
	return result;
}

int check_proc(const struct examination *examination, struct check_report *report)
{
	struct proc_task task = {examination, report};

	return explain(userns_run(&examination->idmap, make_proc_inside, &task, &report->error), &report->error);
}

static int make_sysfs(void *argument, struct sandbox_error *error)
{
	int result = make_namespaces(error);

	(void)argument;
	return result < 0 ? result : make_filesystem("sysfs", NULL, error);
}

int check_sysfs(const struct examination *examination, struct check_report *report)
{
	return explain(userns_run(&examination->idmap, make_sysfs, NULL, &report->error), &report->error);
}

static int make_devpts(void *argument, struct sandbox_error *error)
{
	static const struct filesystem_option options[] = {
		{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0600"}, {NULL}};
	int result = make_namespaces(error);

	(void)argument;
	return result < 0 ? result : make_filesystem("devpts", options, error);
}

int check_devpts(const struct examination *examination, struct check_report *report)
{
	return explain(userns_run(&examination->idmap, make_devpts, NULL, &report->error), &report->error);
}

static int bring_loopback_up(void *argument, struct sandbox_error *error)
{
	int result = make_namespaces(error);

	(void)argument;
	return result < 0 ? result : loopback_up(error);
}

int check_network_namespace(const struct examination *examination, struct check_report *report)
{
	return explain(userns_run(&examination->idmap, bring_loopback_up, NULL, &report->error), &report->error);
}
