/*
 * Runs a command as an ordinary user and meddles with one of its system calls that change files: that call fails, or just
 * before it its process is killed, or the power of a file system is cut. The calls are counted over all processes of the
 * command, by a seccomp filter whose listener is here. Root installs it, so no_new_privs stays off and newuidmap works as
 * ever.
 *
 * usage: meddle UID:GID LOG count COMMAND [ARG…]             LOG gets a line for each call: number, name, program
 *        meddle UID:GID LOG fail:ERRNO:N COMMAND [ARG…]      the Nth call returns this error (a number)
 *        meddle UID:GID LOG kill:SIGNAL:N COMMAND [ARG…]     the process that makes the Nth call gets this signal (a number)
 *        meddle UID:GID LOG KIND:DIRECTORY:N COMMAND [ARG…]  cuts the power of the ext4 that DIRECTORY lies on
 *
 * KIND is what the disk has then: "lost", what was synced; "torn", besides that all names and sizes that were written,
 * but not the data; "kept", all that came before. Ends as the command does, or with 99 when something of it lives on.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINGER_MS = 10000, STATUS_LINGERS = 99 };

/* linux/ext4.h is not installed everywhere. */
#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
enum { EXT4_GOING_FLAGS_LOGFLUSH = 1, EXT4_GOING_FLAGS_NOLOGFLUSH = 2 };

static const struct {
	const char *name;
	int number;
} calls[] = {
#define CALL(name) {#name, __NR_##name}
	CALL(openat), CALL(openat2), CALL(mkdirat), CALL(mknodat), CALL(symlinkat), CALL(linkat), CALL(unlinkat),
	CALL(renameat), CALL(renameat2), CALL(write), CALL(writev), CALL(pwrite64), CALL(pwritev), CALL(ftruncate),
	CALL(fallocate), CALL(copy_file_range), CALL(sendfile), CALL(splice), CALL(fchmod), CALL(fchmodat), CALL(fchown),
	CALL(fchownat), CALL(fsetxattr), CALL(fremovexattr), CALL(utimensat), CALL(syncfs), CALL(fsync), CALL(fdatasync),
	CALL(sync_file_range), CALL(flock),
#ifdef __NR_mkdir
	CALL(open), CALL(mkdir), CALL(unlink), CALL(rename), CALL(rmdir), CALL(link), CALL(symlink), CALL(chmod), CALL(chown),
#endif
	CALL(truncate), CALL(setxattr), CALL(lsetxattr),
};

enum { CALL_COUNT = sizeof(calls) / sizeof(calls[0]) };

/* What is to happen, and at which call. */
struct plan {
	const char *kind;
	int code; /* errno */
	int signal;
	int directory;
	unsigned long when;
};

static int install_filter(void)
{
	struct sock_filter program[CALL_COUNT + 3];
	struct sock_fprog filter = {CALL_COUNT + 3, program};
	int listener;

	program[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned int i = 0; i < CALL_COUNT; i++)
		program[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i].number,
			(uint8_t)(CALL_COUNT - i), 0);
	program[1 + CALL_COUNT] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program[2 + CALL_COUNT] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	if (listener < 0)
		err(2, "seccomp");
	return listener;
}

union descriptor_message {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_descriptor(int socket, int fd)
{
	union descriptor_message control = {0};
	char byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) < 0)
		err(2, "sendmsg");
}

static int receive_descriptor(int socket)
{
	union descriptor_message control = {0};
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 || message.msg_controllen < CMSG_LEN(sizeof(int)))
		errx(2, "the command did not start");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void become_command(const char *user, int socket, char **command)
{
	unsigned int uid, gid;
	int listener;

	if (sscanf(user, "%u:%u", &uid, &gid) != 2)
		errx(2, "not UID:GID: %s", user);
	listener = install_filter();
	send_descriptor(socket, listener);
	(void)close(listener);
	(void)close(socket);
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		err(2, "become %s", user);
	(void)execv(command[0], command);
	err(127, "%s", command[0]);
}

static const char *call_name(int number)
{
	for (unsigned int i = 0; i < CALL_COUNT; i++)
		if (calls[i].number == number)
			return calls[i].name;
	return "?";
}

static void note(FILE *log, unsigned long number, const struct seccomp_notif *request)
{
	char path[64], program[64] = "?";
	FILE *stream;

	(void)snprintf(path, sizeof(path), "/proc/%u/comm", request->pid);
	stream = fopen(path, "re");
	if (stream) {
		if (fscanf(stream, "%63[^\n]", program) != 1)
			program[0] = '\0';
		(void)fclose(stream);
	}
	(void)fprintf(log, "%lu %s %s\n", number, call_name(request->data.nr), program);
}

/* What a command says is not the store's. */
static int is_counted(const struct seccomp_notif *request)
{
	int nr = request->data.nr;

	return (nr != __NR_write && nr != __NR_writev) || request->data.args[0] > 2;
}

static void cut_power(const struct plan *plan)
{
	uint32_t mode = plan->kind[0] == 't' ? EXT4_GOING_FLAGS_LOGFLUSH : EXT4_GOING_FLAGS_NOLOGFLUSH;

	if (plan->kind[0] == 'k' && syncfs(plan->directory) < 0)
		err(2, "syncfs");
	if (ioctl(plan->directory, EXT4_IOC_SHUTDOWN, &mode) < 0)
		err(2, "EXT4_IOC_SHUTDOWN");
}

static void answer(int listener, const struct plan *plan, FILE *log)
{
	static unsigned long count;
	struct seccomp_notif request = {0};
	struct seccomp_notif_resp response = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	/* ENOENT: it has been killed meanwhile. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return;
	response.id = request.id;
	if (is_counted(&request)) {
		count++;
		if (!plan->when || count == plan->when)
			note(log, count, &request);
		if (count == plan->when && plan->code) {
			response.flags = 0;
			response.error = -plan->code;
		}
		if (count == plan->when && plan->signal)
			(void)kill((pid_t)request.pid, plan->signal);
		if (count == plan->when && plan->directory >= 0)
			cut_power(plan);
	}
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* Until nothing is left that has the filter. */
static int meddle(int listener, pid_t child, const struct plan *plan, FILE *log)
{
	struct pollfd poller = {listener, POLLIN, 0};
	int status = 0, ended = 0;

	for (;;) {
		int ready = poll(&poller, 1, ended ? LINGER_MS : 50);

		if (ready > 0 && (poller.revents & POLLIN))
			answer(listener, plan, log);
		else if (ready > 0)
			break;
		if (ready == 0 && ended)
			return STATUS_LINGERS;
		if (!ended)
			ended = waitpid(child, &status, WNOHANG) == child;
	}
	if (!ended)
		(void)waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static struct plan parse_plan(char *text)
{
	struct plan plan = {.kind = strtok(text, ":"), .directory = -1};
	const char *object = strtok(NULL, ":"), *when = strtok(NULL, ":");

	if (!plan.kind || (strcmp(plan.kind, "count") != 0 && (!object || !when)))
		errx(2, "what is to be done?");
	if (!when)
		return plan;
	plan.when = strtoul(when, NULL, 10);
	if (strcmp(plan.kind, "fail") == 0 || strcmp(plan.kind, "kill") == 0) {
		*(plan.kind[0] == 'f' ? &plan.code : &plan.signal) = (int)strtol(object, NULL, 10);
		return plan;
	}
	plan.directory = open(object, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (plan.directory < 0 || !strchr("ltk", plan.kind[0]))
		err(2, "%s", object);
	return plan;
}

int main(int count, char **arguments)
{
	struct plan plan;
	int ends[2];
	FILE *log;
	pid_t child;

	if (count < 5)
		errx(2, "usage: meddle UID:GID LOG count|fail:ERRNO:N|kill:SIGNAL:N|KIND:DIRECTORY:N COMMAND [ARG…]");
	plan = parse_plan(arguments[3]);
	log = fopen(arguments[2], "we");
	if (!log || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		err(2, "%s", arguments[2]);
	child = fork();
	if (child < 0)
		err(2, "fork");
	if (child == 0)
		become_command(arguments[1], ends[1], arguments + 4);
	(void)close(ends[1]);
	count = meddle(receive_descriptor(ends[0]), child, &plan, log);
	(void)fclose(log);
	return count;
}
