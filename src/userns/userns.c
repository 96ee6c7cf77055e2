#include "userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/reap.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "kernel/syscalls.h"
#include "userns/newidmap.h"

enum { MAP_TEXT_MAX = 16 * 1024 };

/* ---- writing the maps ---- */

static int write_map_file(int proc, const char *name, const struct id_extents *extents, struct sandbox_error *error)
{
	char text[ID_MAP_EXTENTS_MAX * 36];
	size_t used = 0;

	for (size_t i = 0; i < extents->count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %u\n", extents->items[i].inside,
			extents->items[i].outside, extents->items[i].count);
	return file_write_existing(proc, name, text, error);
}

/* The map is ours to write when it is our own id alone, or when we are the host's root. */
static int write_maps_directly(int proc, const struct idmap *map, struct sandbox_error *error)
{
	/* Without privilege over the groups the kernel demands this first (CVE-2014-8989). */
	int result = map->single ? file_write_existing(proc, "setgroups", "deny", error) : 0;

	if (result == 0)
		result = write_map_file(proc, "uid_map", &map->users, error);
	if (result == 0)
		result = write_map_file(proc, "gid_map", &map->groups, error);
	if ((result == -EPERM || result == -EACCES) && error) {
		/* The kernel lets this user make a user namespace, but not use it. */
		error->code = EPERM;
		result = userns_explain_refusal(error);
	}
	return result;
}

/* The helpers are other people's programs: believe the kernel. */
static int verify_map(int proc, const char *name, const struct id_extents *wanted, struct sandbox_error *error)
{
	struct id_extents expected = *wanted, found;
	auto_free char *text = NULL;
	auto_close int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return error_set(error, errno, "open %s", name);
	result = file_read_fd(fd, name, MAP_TEXT_MAX, &text, NULL, error);
	if (result == 0)
		result = id_extents_parse(text, &found, error);
	if (result < 0)
		return result;
	id_extents_join(&expected);
	id_extents_join(&found);
	if (!id_extents_equal(&expected, &found))
		return error_set(error, EPROTO, "check %s: it is not what was asked for", name);
	return 0;
}

static int open_process(pid_t pid, struct sandbox_error *error)
{
	auto_free char *path = memory_format("/proc/%d", (int)pid);
	int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return proc < 0 ? error_set(error, errno, "open %s", path) : proc;
}

static int verify_maps(int proc, const struct idmap *map, struct sandbox_error *error)
{
	int result = verify_map(proc, "uid_map", &map->users, error);

	return result < 0 ? result : verify_map(proc, "gid_map", &map->groups, error);
}

int userns_write_maps(pid_t pid, const struct idmap *map, struct sandbox_error *error)
{
	auto_close int proc = open_process(pid, error);
	int result;

	if (proc < 0)
		return proc;
	if (map->single || geteuid() == 0)
		result = write_maps_directly(proc, map, error);
	else
		result = newidmap_write(pid, map, error);
	return result < 0 ? result : verify_maps(proc, map, error);
}

int userns_verify_maps(pid_t pid, const struct idmap *map, struct sandbox_error *error)
{
	auto_close int proc = open_process(pid, error);

	return proc < 0 ? proc : verify_maps(proc, map, error);
}

/* The kernel wants a line for each extent of the map above. */
static int write_identity(int proc, const char *name, const struct id_extents *above, struct sandbox_error *error)
{
	struct id_extents same = *above;

	for (size_t i = 0; i < same.count; i++)
		same.items[i].outside = same.items[i].inside;
	return write_map_file(proc, name, &same, error);
}

int userns_write_nested_maps(pid_t pid, const struct idmap *map, struct sandbox_error *error)
{
	auto_close int proc = open_process(pid, error);
	int result = proc < 0 ? proc : write_identity(proc, "uid_map", &map->users, error);

	return result < 0 ? result : write_identity(proc, "gid_map", &map->groups, error);
}

int userns_become_root(const struct idmap *map, struct sandbox_error *error)
{
	if (!map->single && !test_defence_removed("old-groups") && kernel_drop_groups() < 0)
		return error_set(error, errno, "drop supplementary groups");
	if (kernel_set_gid(0) < 0)
		return error_set(error, errno, "become group 0 of the user namespace");
	if (kernel_set_uid(0) < 0)
		return error_set(error, errno, "become user 0 of the user namespace");
	return 0;
}

/* ---- running something in one ---- */

struct userns_task {
	const struct idmap *map;
	int (*function)(void *argument, struct sandbox_error *error);
	void *argument;
	pid_t parent;
};

static int userns_child_run(const struct userns_task *task, int channel, struct sandbox_error *error)
{
	char go;
	int result;

	if (recv(channel, &go, sizeof(go), 0) != sizeof(go))
		_exit(125); /* The parent gave up or died: nobody is there to be told. */
	result = userns_become_root(task->map, error);
	if (result < 0)
		return result;
	/* After the change of ids, which clears it; and the parent may have died before it was set. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != task->parent)
		_exit(125);
	test_point("userns.child");
	return task->function(task->argument, error);
}

static _Noreturn void userns_child_main(const struct userns_task *task, int channel)
{
	struct sandbox_error error = {0};
	int result = userns_child_run(task, channel, &error);

	if (result < 0)
		(void)send(channel, &error, sizeof(error), MSG_NOSIGNAL);
	_exit(result < 0 ? 1 : 0);
}

int userns_start(const struct idmap *map, int (*function)(void *argument, struct sandbox_error *error),
	void *argument, struct userns_child *out, struct sandbox_error *error)
{
	struct userns_task task = {map, function, argument, getpid()};
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	auto_close int theirs = -1;
	int ends[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(error, errno, "make a socket pair");
	child.report = ends[0];
	theirs = ends[1];

	child.pid = kernel_clone(CLONE_NEWUSER, &child.pidfd, -1);
	if (child.pid < 0)
		return userns_explain_clone(errno, error);
	if (child.pid == 0) {
		(void)close(ends[0]);
		userns_child_main(&task, ends[1]);
	}
	test_point("userns.cloned");
	result = userns_write_maps(child.pid, map, error);
	if (result < 0)
		return result;
	test_point("userns.mapped");
	if (send(child.report, "", 1, MSG_NOSIGNAL) < 0)
		return error_set(error, errno, "start a helper in a user namespace");
	*out = child;
	child = (struct userns_child)USERNS_CHILD_INIT;
	return 0;
}

int userns_wait(struct userns_child *child, struct sandbox_error *error)
{
	struct sandbox_error reported;
	ssize_t size;
	int status = 0, result;

	do
		size = recv(child->report, &reported, sizeof(reported), 0);
	while (size < 0 && errno == EINTR);
	result = reap_child(child->pid, &status);
	if (result < 0)
		return error_set(error, -result, "wait for a helper in a user namespace");
	child->pid = 0;
	if (size == sizeof(reported)) {
		error_sanitize(&reported);
		if (error)
			*error = reported;
		return reported.code ? -reported.code : -EINVAL;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	error_set(error, ECHILD, WIFSIGNALED(status) ? "helper in a user namespace ended by signal %d"
						      : "helper in a user namespace failed with status %d",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return error_child_died(error, "it was killed, or it crashed");
}

void userns_child_finish(struct userns_child *child)
{
	end_child(&child->pid);
	if (child->pidfd >= 0)
		(void)close(child->pidfd);
	if (child->report >= 0)
		(void)close(child->report);
	*child = (struct userns_child)USERNS_CHILD_INIT;
}

int userns_run(const struct idmap *map, int (*function)(void *argument, struct sandbox_error *error),
	void *argument, struct sandbox_error *error)
{
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	int result = userns_start(map, function, argument, &child, error);

	return result < 0 ? result : userns_wait(&child, error);
}
