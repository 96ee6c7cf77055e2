/*
 * plant [--terminal] FOLDER COMMAND [ARGUMENT…]
 *
 * Runs a command on a host on which there is something to find: a secret in a file, in a variable and
 * behind open descriptors, a key, sockets, shared memory, a message queue, a terminal, a process. An
 * argument "{}" becomes the words by which the posture probe learns what to look for. All of it goes
 * when this program ends, however it ends, but for FOLDER and two names (shared memory and queue),
 * which it unlinks. Afterwards FOLDER/host holds, as rows like the probe's, what the host saw of it.
 *
 * Standard input is the terminal; with --terminal, output and error are, too, and are copied to ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Out of the way of whatever the command opens, and too high for a loop that closes "the first few". */
enum { SECRET_DESCRIPTOR = 97,
	FOLDER_DESCRIPTOR = 98,
	WORDS_MAX = 32 };

static const char variable[] = "POSTURE_SECRET";

struct host {
	const char *folder;
	char secret[64], file[512], abstract[64], socket[512], name[64];
	int tcp_listener, abstract_listener, path_listener;
	int terminal_outer, terminal_inner;
	char *words[WORDS_MAX + 1];
	size_t word_count;
};

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "plant: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int need(long result, const char *what)
{
	if (result < 0)
		fail(what);
	return (int)result;
}

__attribute__((format(printf, 2, 3))) static void add_word(struct host *host, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (host->word_count == WORDS_MAX ||
		vasprintf(&host->words[host->word_count++], format, arguments) < 0)
		fail("too many words");
	va_end(arguments);
}

/* --- files, variables, descriptors --- */

static void plant_file(struct host *host)
{
	int fd = 0;

	snprintf(host->file, sizeof(host->file), "%s/secret", host->folder);
	fd = need(open(host->file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), host->file);
	need(write(fd, host->secret, strlen(host->secret)), host->file);
	need(dup2(fd, SECRET_DESCRIPTOR), "dup2");
	fd = need(open(host->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), host->folder);
	need(dup2(fd, FOLDER_DESCRIPTOR), "dup2");
	need(setenv(variable, host->secret, 1), "setenv");
	add_word(host, "file=%s", host->file);
	add_word(host, "folder=%s", host->folder);
	add_word(host, "home=%s", getenv("HOME") ? getenv("HOME") : host->folder);
	add_word(host, "variable=%s", variable);
	add_word(host, "descriptor=%d", SECRET_DESCRIPTOR);
	add_word(host, "folder_descriptor=%d", FOLDER_DESCRIPTOR);
}

/* --- keys, shared memory, queues --- */

static void plant_key(struct host *host)
{
	long key = 0;

	need(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), "join a session keyring");
	key = need(syscall(SYS_add_key, "user", "sandbox-posture", host->secret, strlen(host->secret),
			   KEY_SPEC_SESSION_KEYRING),
		"add_key");
	/* As a login's keys often are: readable by their user, who is root inside, without possession. */
	need(syscall(SYS_keyctl, KEYCTL_SETPERM, key, 0x3f3f0000), "set the key's permissions");
	add_word(host, "key=%ld", key);
}

static void plant_shared_memory(struct host *host)
{
	int id = need(shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT), "shmget");
	char *segment = shmat(id, NULL, 0);
	int fd = 0;
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 64};

	/* Removed at once: it lives on while it is attached here, and can still be attached by its number. */
	need(shmctl(id, IPC_RMID, NULL), "shmctl");
	strcpy(segment, host->secret);
	snprintf(host->name, sizeof(host->name), "/sandbox-posture-%d", getpid());
	fd = need(shm_open(host->name, O_RDWR | O_CREAT, 0600), "shm_open");
	need(write(fd, host->secret, strlen(host->secret)), "write shared memory");
	need((int)mq_open(host->name, O_RDWR | O_CREAT, 0600, &attributes), "mq_open");
	add_word(host, "shm=%d", id);
	add_word(host, "posix_shm=%s", host->name);
	add_word(host, "queue=%s", host->name);
}

/* --- sockets --- */

static void plant_tcp(struct host *host)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	host->tcp_listener = need(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
	need(bind(host->tcp_listener, (struct sockaddr *)&address, length), "bind to 127.0.0.1");
	need(listen(host->tcp_listener, 8), "listen");
	need(getsockname(host->tcp_listener, (struct sockaddr *)&address, &length), "getsockname");
	add_word(host, "port=%d", ntohs(address.sin_port));
}

static int listen_unix(const char *name, bool abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	int fd = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");

	if (length > sizeof(address.sun_path) - 2) {
		errno = ENAMETOOLONG;
		fail(name);
	}
	memcpy(address.sun_path + abstract, name, length);
	need(bind(fd, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1)),
		name);
	need(listen(fd, 8), name);
	return fd;
}

static void plant_sockets(struct host *host)
{
	plant_tcp(host);
	snprintf(host->abstract, sizeof(host->abstract), "sandbox-posture-%d", getpid());
	snprintf(host->socket, sizeof(host->socket), "%s/socket", host->folder);
	(void)unlink(host->socket);
	host->abstract_listener = listen_unix(host->abstract, true);
	host->path_listener = listen_unix(host->socket, false);
	add_word(host, "abstract=%s", host->abstract);
	add_word(host, "socket=%s", host->socket);
}

/* --- the process itself --- */

static void plant_terminal(struct host *host)
{
	struct termios settings;
	struct stat status;

	need(openpty(&host->terminal_outer, &host->terminal_inner, NULL, NULL, NULL), "openpty");
	need(tcgetattr(host->terminal_inner, &settings), "tcgetattr");
	cfmakeraw(&settings);
	need(tcsetattr(host->terminal_inner, TCSANOW, &settings), "tcsetattr");
	need(fcntl(host->terminal_outer, F_SETFD, FD_CLOEXEC), "fcntl");
	need(fcntl(host->terminal_inner, F_SETFD, FD_CLOEXEC), "fcntl");
	need(fstat(host->terminal_inner, &status), "fstat");
	add_word(host, "terminal=%lu:%lu", (unsigned long)status.st_dev, (unsigned long)status.st_rdev);
}

static void describe_namespaces(struct host *host)
{
	static const char *const names[] = {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup"};
	char all[512] = "", path[64], link[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		link[need(readlink(path, link, sizeof(link) - 1), path)] = '\0';
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", link);
	}
	add_word(host, "namespaces=%s", all);
}

/* What a process inherits without anybody meaning it. */
static void plant_inheritance(struct host *host)
{
	struct rlimit files = {512, 1024}, size = {1 << 30, 1L << 31};
	struct utsname names;
	char score[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);

	need(fd, "/proc/self/oom_score_adj");
	need(read(fd, score, sizeof(score) - 1), "/proc/self/oom_score_adj");
	close(fd);
	need(uname(&names), "uname");
	need(setrlimit(RLIMIT_NOFILE, &files), "limit open files");
	need(setrlimit(RLIMIT_FSIZE, &size), "limit the size of files");
	umask(027);
	fd = need(open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC), "/proc/self/coredump_filter");
	need(write(fd, "0x31", 4), "/proc/self/coredump_filter");
	close(fd);
	need(setenv("TERM", "xterm", 1), "setenv");
	add_word(host, "oom=%ld", strtol(score, NULL, 10));
	add_word(host, "hostname=%s", names.nodename);
	add_word(host, "pid=%d", getpid());
}

/* --- running the command --- */

static char **expand(const struct host *host, char **command)
{
	size_t count = 0, at = 0;
	char **all = NULL;

	while (command[count])
		count++;
	all = calloc(count + host->word_count + 1, sizeof(all[0]));
	for (size_t i = 0; all && i < count; i++) {
		if (strcmp(command[i], "{}") != 0) {
			all[at++] = command[i];
			continue;
		}
		memcpy(all + at, host->words, host->word_count * sizeof(all[0]));
		at += host->word_count;
	}
	if (!all)
		fail("calloc");
	return all;
}

static void run(const struct host *host, char **command, bool all_on_terminal)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	need(setsid(), "setsid");
	need(ioctl(host->terminal_inner, TIOCSCTTY, 0), "take the terminal");
	need(dup2(host->terminal_inner, STDIN_FILENO), "dup2");
	if (all_on_terminal) {
		need(dup2(host->terminal_inner, STDOUT_FILENO), "dup2");
		need(dup2(host->terminal_inner, STDERR_FILENO), "dup2");
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	execvp(command[0], command);
	fail(command[0]);
}

/* Copies what the terminal shows until the command has ended. */
static int wait_for(const struct host *host, pid_t pid, int pidfd, bool copy)
{
	struct pollfd polled[] = {{host->terminal_outer, POLLIN, 0}, {pidfd, POLLIN, 0}};
	char bytes[4096];
	int status = 0;

	while (poll(polled, 2, -1) >= 0 || errno == EINTR) {
		ssize_t length = 0;

		if (polled[0].revents & POLLIN)
			length = read(host->terminal_outer, bytes, sizeof(bytes));
		if (length > 0 && copy)
			need(fwrite(bytes, (size_t)length, 1, stdout) == 1 ? 0 : -1, "standard output");
		if (length <= 0 && polled[1].revents)
			break;
	}
	need(waitpid(pid, &status, 0), "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- what the host saw --- */

static const char *connections(const struct host *host)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s", accept(host->tcp_listener, NULL, NULL) >= 0 ? " tcp" : "",
		accept(host->abstract_listener, NULL, NULL) >= 0 ? " abstract" : "",
		accept(host->path_listener, NULL, NULL) >= 0 ? " path" : "");
	return text[0] ? text + 1 : "none";
}

static bool secret_is_unchanged(const struct host *host)
{
	char text[64] = "";
	ssize_t length = pread(SECRET_DESCRIPTOR, text, sizeof(text) - 1, 0);

	return length == (ssize_t)strlen(host->secret) && strcmp(text, host->secret) == 0;
}

/* Bytes that were typed into the terminal by somebody, and nobody has read. */
static int typed_bytes(const struct host *host)
{
	int count = 0;

	need(ioctl(host->terminal_inner, FIONREAD, &count), "FIONREAD");
	return count;
}

/* The command's orphans are ours to reap. They have a second to go. */
static bool something_is_left(void)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return errno != ECHILD;
		if (pid == 0)
			usleep(10 * 1000);
	}
	return true;
}

static void write_observations(const struct host *host)
{
	char path[600];
	FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/host", host->folder);
	file = fopen(path, "we");
	if (!file)
		fail(path);
	fprintf(file, "{\"name\": \"host.connections\", \"value\": \"%s\"}\n", connections(host));
	fprintf(file, "{\"name\": \"host.secret\", \"value\": \"%s\"}\n",
		secret_is_unchanged(host) ? "unchanged" : "changed");
	fprintf(file, "{\"name\": \"host.typed_bytes\", \"value\": \"%s\"}\n",
		typed_bytes(host) ? "some" : "none");
	fprintf(file, "{\"name\": \"host.processes_left\", \"value\": \"%s\"}\n",
		something_is_left() ? "some" : "none");
	if (fclose(file) != 0)
		fail(path);
}

static void plant_all(struct host *host)
{
	snprintf(host->secret, sizeof(host->secret), "posture-secret-%d", getpid());
	plant_terminal(host);
	plant_file(host);
	plant_key(host);
	plant_shared_memory(host);
	plant_sockets(host);
	describe_namespaces(host);
	plant_inheritance(host);
}

int main(int argc, char **argv)
{
	bool terminal = argc > 1 && strcmp(argv[1], "--terminal") == 0;
	struct host host = {.folder = NULL};
	int status = 0, pidfd = 0;
	pid_t pid = 0;

	argv += terminal;
	argc -= terminal;
	if (argc < 3) {
		fprintf(stderr, "usage: plant [--terminal] FOLDER COMMAND [ARGUMENT...]\n");
		return 125;
	}
	host.folder = argv[1];
	need(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
	plant_all(&host);
	pid = need(fork(), "fork");
	if (pid == 0)
		run(&host, expand(&host, argv + 2), terminal);
	pidfd = need(syscall(SYS_pidfd_open, pid, 0), "pidfd_open");
	status = wait_for(&host, pid, pidfd, terminal);
	write_observations(&host);
	(void)shm_unlink(host.name);
	(void)mq_unlink(host.name);
	return status;
}
