/*
 * Sandboxes that others can find: those that have a name, and kept and detached ones. ps and its kin of sandbox(1). All of
 * these may run at the same time in any number of processes. A reference is an id, a name, or the beginning of an
 * id that no other has; an unknown one is E_SANDBOX_UNKNOWN.
 */
#ifndef SANDBOX_LIFE_H
#define SANDBOX_LIFE_H

#include <sandbox/container.h>
#include <sandbox/error.h>
#include <sandbox/locations.h>
#include <sandbox/progress.h>
#include <sandbox/spec.h>
#include <sandbox/strings.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SANDBOX_ID_SIZE = 13 }; /* twelve hexadecimal digits and a NUL */

enum sandbox_status {
	SANDBOX_RUNNING,
	SANDBOX_EXITED,
	SANDBOX_DEAD, /* its supervisor was killed: how the command ended is unknown */
	SANDBOX_CREATED, /* it has not been started yet */
};

struct sandbox_entry {
	char id[SANDBOX_ID_SIZE];
	char *name;   /* NULL for none */
	char *image;  /* as it was named */
	char *digest; /* of the image; NULL for a folder */
	struct sandbox_strings command; /* empty: root's shell */
	struct sandbox_strings labels;  /* KEY=VALUE */
	bool detached;
	bool kept;       /* it can be started again */
	bool remove;     /* at its end */
	int stop_signal; /* what it wants to be stopped by */
	uint64_t stop_timeout; /* milliseconds */
	int64_t created; /* seconds since the epoch */
	uint64_t starts;
	int64_t started; /* the last time */
	enum sandbox_status status;
	int64_t ended;   /* when it has exited */
	/* Likewise. The machine went down while it ran: SANDBOX_CAUSE_KILLED by SIGKILL, at the next boot. */
	struct sandbox_result result;
};

struct sandbox_entries {
	struct sandbox_entry *items; /* the newest first */
	size_t count;
};

void sandbox_entry_finish(struct sandbox_entry *entry);
void sandbox_entries_finish(struct sandbox_entries *entries);

/*
 * As sandbox_run, in the background: returns once the command runs. A supervisor of its own looks after it, and
 * writes down what the command writes, and fills `receipt` (NULL: none is wanted), which is lost for this process.
 * 0 or -errno.
 */
int sandbox_run_detached(const struct sandbox_locations *locations, const char *image, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct sandbox_receipt *receipt, char out_id[SANDBOX_ID_SIZE],
	struct sandbox_error *error);

/* Makes a kept sandbox, which sandbox_start starts. 0 or -errno. */
int sandbox_create(const struct sandbox_locations *locations, const char *image, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, char out_id[SANDBOX_ID_SIZE], struct sandbox_error *error);

struct sandbox_start_options {
	bool attach;      /* as sandbox_run: with the caller's output and error, until the end */
	bool interactive; /* and with his standard input */
	const char *status_fd; /* as for the spec; borrowed */
};

/*
 * Starts a kept sandbox that does not run, with what it was made with, on what it has written; the image may be gone
 * by its name, but not its layers. In the background, unless it is to be attached: then *out is how it ended. 0 or -errno:
 * EBUSY with E_SANDBOX_STATE when it runs, ENOENT with the same when it was not kept.
 */
int sandbox_start(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_start_options *options, struct sandbox_result *out, struct sandbox_error *error);

/* As sandbox_stop, unless it has ended, and then as sandbox_start, in the background. 0 or -errno. */
int sandbox_restart(const struct sandbox_locations *locations, const char *reference, int number, uint64_t timeout,
	struct sandbox_error *error);

/* Gives it another name. 0 or -errno with E_NAME_IN_USE. */
int sandbox_rename(const struct sandbox_locations *locations, const char *reference, const char *name,
	struct sandbox_error *error);

/* Those that run; with `all`, those that do not, too. 0 or -errno. */
int sandbox_list(const struct sandbox_locations *locations, bool all, struct sandbox_entries *out,
	struct sandbox_error *error);

/* One of them. 0 or -errno. */
int sandbox_look(const struct sandbox_locations *locations, const char *reference, struct sandbox_entry *out,
	struct sandbox_error *error);

/* All that is known of one, a JSON object: sandbox(1) names its keys. The caller frees. 0 or -errno. */
int sandbox_inspect(const struct sandbox_locations *locations, const char *reference, char **out,
	struct sandbox_error *error);

/* "running" and so on; NULL for what is no status. */
const char *sandbox_status_name(enum sandbox_status status);

/*
 * Sends a signal to the command; SIGKILL ends all of it, and this returns when it has ended. -ESRCH with E_SANDBOX_STATE
 * when it had ended before. 0 or -errno.
 */
int sandbox_signal(const struct sandbox_locations *locations, const char *reference, int number,
	struct sandbox_error *error);

/*
 * Sends a signal, and SIGKILL to everything in it if it has not ended `timeout` milliseconds later; 0 is the signal, and
 * SANDBOX_STOP_TIMEOUT the time, that it was started with. One that has ended already is fine. 0 or -errno.
 */
#define SANDBOX_STOP_TIMEOUT UINT64_MAX
int sandbox_stop(const struct sandbox_locations *locations, const char *reference, int number, uint64_t timeout,
	struct sandbox_error *error);

/* Waits for the end; *out is how the command ended. 0, or -errno: ECHILD with E_SANDBOX_STATE where nobody knows. */
int sandbox_wait(const struct sandbox_locations *locations, const char *reference, struct sandbox_result *out,
	struct sandbox_error *error);

/* Removes what is left of one that has ended; `force` ends it first. 0 or -errno: EBUSY with E_SANDBOX_STATE. */
int sandbox_remove(const struct sandbox_locations *locations, const char *reference, bool force,
	struct sandbox_error *error);

struct sandbox_exec_options {
	struct sandbox_strings command; /* not empty */
	struct sandbox_strings env;     /* NAME=VALUE, or NAME to take the caller's value; besides those of the sandbox */
	struct sandbox_strings env_file;
	char *user;    /* USER[:GROUP]; NULL: as the sandbox's own command */
	char *workdir; /* absolute; NULL: likewise */
	bool tty;      /* a terminal, or an error; without it: one when the caller has one */
	bool no_tty;   /* none in any case */
	bool detach;   /* return once it runs: no input, and nobody sees what it writes */
	char *status_fd; /* as for the spec: that it runs, and how it ended */
};

/*
 * Runs one more command in a sandbox that runs, with the rights of its own command, and waits for its end as
 * sandbox_run does. With --init=false there is nobody inside to start it: E_SANDBOX_STATE. 0, or -errno when it did
 * not run.
 */
int sandbox_exec(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_exec_options *options, struct sandbox_result *out, struct sandbox_error *error);
void sandbox_exec_options_finish(struct sandbox_exec_options *options);

/* What a detached sandbox has written, a line at a time. */
struct sandbox_log_line {
	int stream;       /* 1 or 2, its standard output or error */
	const char *time; /* RFC 3339, UTC */
	const char *text; /* may hold any byte */
	size_t size;      /* of `text`, a newline included where there was one */
};

struct sandbox_log_options {
	bool follow;   /* until the sandbox has ended */
	bool from_end; /* only what comes from now on */
	bool has_tail; /* begin with the last `tail` lines */
	uint64_t tail;
	bool has_since, has_until;
	int64_t since, until; /* nanoseconds since the epoch: lines before and after are passed over */
	int (*line)(void *context, const struct sandbox_log_line *line); /* anything but 0 ends it */
	void *context;
};

/* 0 or -errno; a sandbox that was not detached has no log: E_SANDBOX_STATE. */
int sandbox_log_read(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_log_options *options, struct sandbox_error *error);

struct sandbox_attach_options {
	const char *detach_keys; /* as for docker(1); NULL: ctrl-p,ctrl-q; "": none */
	bool no_stdin;           /* only look on */
	bool sig_proxy;          /* signals are the command's, unless it has a terminal of its own; else they end this */
	int (*line)(void *context, const struct sandbox_log_line *line); /* as for sandbox_log_read */
	void *context;
};

/*
 * Takes part in a detached sandbox that runs: what it writes from now on, and standard input for it, where it has a
 * terminal or was started with --interactive. Until it has ended, when *out is how, or the detach keys come or standard
 * output takes no more: then *out_left is set. Any number of processes can, at the same time; one that is slow or stopped
 * holds up nobody. 0 or -errno: E_SANDBOX_STATE for one that is not detached.
 */
int sandbox_attach(const struct sandbox_locations *locations, const char *reference,
	const struct sandbox_attach_options *options, bool *out_left, struct sandbox_result *out,
	struct sandbox_error *error);

/* What happens to sandboxes that can be found. The texts are borrowed. */
struct sandbox_event {
	const char *line;  /* all of it, as JSON */
	const char *time;  /* RFC 3339, UTC */
	const char *event; /* one of sandbox_event_names */
	const char *id;
	const char *name;  /* NULL for none */
	const char *image; /* NULL where it was not said */
};
extern const char *const sandbox_event_names[]; /* NULL-terminated */

struct sandbox_events_options {
	bool has_since, has_until;
	int64_t since; /* nanoseconds since the epoch; else from now on */
	int64_t until; /* else for ever */
	int (*event)(void *context, const struct sandbox_event *event); /* anything but 0 ends it */
	void *context;
};

/* Those since the last boot, as far as they are kept: the newest 1 to 2 MiB of them. 0, what `event` returned, or -errno. */
int sandbox_events(const struct sandbox_locations *locations, const struct sandbox_events_options *options,
	struct sandbox_error *error);

/* What runs in a sandbox. What it says of itself may hold any byte. */
struct sandbox_process {
	uint64_t pid, parent; /* as they are inside; no parent there: 0 */
	uint64_t host_pid;
	bool has_uid; /* it has one inside: */
	uint32_t uid;
	char state;         /* proc_pid_stat(5) */
	uint64_t memory;    /* resident, in bytes */
	uint64_t processor; /* milliseconds */
	uint64_t reaped;    /* milliseconds of its children that have ended */
	uint64_t threads;
	uint64_t age;       /* seconds */
	char *command;
};

struct sandbox_processes {
	struct sandbox_process *items; /* by pid */
	size_t count;
};

void sandbox_processes_finish(struct sandbox_processes *processes);

/* 0 or -errno: ESRCH with E_SANDBOX_STATE when it has ended. *out is empty before. */
int sandbox_processes_read(const struct sandbox_locations *locations, const char *reference, struct sandbox_processes *out,
	struct sandbox_error *error);

#endif
