/*
 * The posture probe: a payload that tries from the inside what a sandbox should prevent, and says what
 * it found, one row for each question. It is linked statically and needs nothing else in the root it
 * runs in. An answer is a stable word ("EPERM", "ok", "absent", a number that does not vary with the
 * machine), so that the rows of one posture can be a golden file.
 *
 * Nothing here is able to do harm where the answer is "ok": calls that would change the machine are
 * made with arguments that the kernel refuses after it has decided whether the caller may make them.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { ANSWER_SIZE = 4096 };

/* What the test has put on the host for the probe to look for: words NAME=VALUE of the command line. */
struct planted {
	const char *file;       /* absolute path of a file with a secret */
	const char *folder;     /* absolute path of the folder that it is in */
	const char *home;       /* the host user's home or store: no such string should be seen */
	const char *variable;   /* name of an environment variable with a secret */
	const char *hostname;   /* the host's */
	const char *abstract;   /* name of a listening abstract unix socket */
	const char *socket;     /* path of a listening unix socket */
	const char *posix_shm;  /* name for shm_open(3) */
	const char *queue;      /* name for mq_open(3) */
	const char *namespaces; /* the host's: "user:[4026531837] pid:[…] …" */
	const char *terminal;   /* "DEVICE:RDEVICE" of the host's terminal, decimal */
	const char *oom;        /* oom_score_adj outside */
	long descriptor;        /* an open one that leads to the file */
	long folder_descriptor; /* an open one that leads to the folder */
	long port;              /* of a TCP listener on 127.0.0.1 */
	long key;               /* serial number of a key in the session keyring */
	long shm;               /* identifier of a System V segment */
	long pid;               /* a host process of the same user */
};

struct probe {
	const struct planted *planted;
	const struct check *check;
	char *answer; /* ANSWER_SIZE bytes */
};

struct check {
	const char *name;
	void (*run)(struct probe *probe);
	const void *argument; /* whatever `run` makes of it */
	bool in_place;        /* in the probe's own process, where the others get a child each */
};

struct checks {
	const struct check *items;
	size_t count;
};

#define CHECKS(array)                                                                                        \
	{                                                                                                    \
		(array), sizeof(array) / sizeof((array)[0])                                                  \
	}

extern const struct checks checks_call, checks_compat, checks_device, checks_environment, checks_identity,
	checks_ipc, checks_mount, checks_namespace, checks_network, checks_pid1, checks_process, checks_proc,
	checks_terminal;

/* --- answers --- */

void answer(struct probe *probe, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds to what was answered so far. */
void answer_more(struct probe *probe, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The name of errno. */
void answer_errno(struct probe *probe);

/* "ok", or the name of errno when the result is negative. */
void answer_result(struct probe *probe, long result);

/* True when the test has planted nothing of the kind (a null pointer, or a number below 0). */
bool answer_unplanted(struct probe *probe, bool planted);

/* Sorts the words (at most 512) and answers them with one space between. */
void answer_sorted(struct probe *probe, char **words, size_t count);

/* --- looking --- */

/* Reads up to size - 1 bytes of a file. The number of bytes or -1 with errno. */
ssize_t read_text(const char *path, char *buffer, size_t size);

/* The value of a line "NAME:\tVALUE" of /proc/self/status, or NULL. */
const char *status_field(const char *name);

/* What stands in /proc/self/ns/NAME ("" when it cannot be read). */
const char *namespace_link(const char *name);

/* Whether the text of a line-based file holds the words somewhere. */
bool file_mentions(const char *path, const char *words);

/*
 * Where the probe has the privilege for it, whatever it mounts or unmounts from here on is seen by
 * this child alone, and the checks after it meet an unchanged world.
 */
void keep_mounts_private(void);

/* A system call by its number; `argument` of a check that runs probe_call. */
struct call {
	long number;
	long arguments[6];
};

void probe_call(struct probe *probe);

#endif
