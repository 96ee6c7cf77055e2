/* Running a command in a sandbox: sandbox-run(1). */
#ifndef SANDBOX_CONTAINER_H
#define SANDBOX_CONTAINER_H

#include <sandbox/error.h>
#include <sandbox/locations.h>
#include <sandbox/progress.h>
#include <sandbox/receipt.h>
#include <sandbox/spec.h>
#include <stddef.h>

enum sandbox_cause {
	SANDBOX_CAUSE_EXIT,    /* `number` is the command's exit status */
	SANDBOX_CAUSE_SIGNAL,  /* `number` is the signal that ended it */
	SANDBOX_CAUSE_TIMEOUT, /* the spec's timeout ended it */
	SANDBOX_CAUSE_OOM,     /* the kernel ended it for lack of memory */
	SANDBOX_CAUSE_LIMIT,   /* it exceeded `limit`, which was watched */
	SANDBOX_CAUSE_KILLED,  /* the user did: by signal `number`, sent to this process or to the sandbox's init */
};

struct sandbox_result {
	enum sandbox_cause cause;
	int number;
	const char *limit;               /* an option's name, static; NULL for none */
	struct sandbox_receipt *receipt; /* the caller's, to be filled, or NULL */
};

/*
 * Runs spec->command in a fresh sandbox on `image` (a path, or the name or digest of a stored image) and
 * waits for its end. Standard input, output and error are the caller's. While it runs, TERM INT HUP
 * QUIT USR1 and USR2 are forwarded to the command. Nothing is left behind, unless the spec has it kept. The caller has
 * one thread.
 * `progress`, of an archive that is read for the first time, may be NULL.
 * 0, or -errno when the command did not run. The caller has zeroed *out but for the receipt.
 */
int sandbox_run(const struct sandbox_locations *locations, const char *image, const struct sandbox_spec *spec,
	const struct sandbox_progress *progress, struct sandbox_result *out, struct sandbox_error *error);

/* One fact of what sandbox_run would do, and where it comes from: "default", "--user" and so on. */
struct sandbox_plan_row {
	const char *section; /* "ids", "mounts"; static */
	char *name;
	char *value;
	char *why;
};

struct sandbox_plan_report {
	struct sandbox_plan_row *rows; /* those of a section stand together, in the order in which things are done */
	size_t count;
};

/* Decides as sandbox_run would, and makes nothing: an archive that is not in the store is not imported. 0 or -errno. */
int sandbox_plan(const struct sandbox_locations *locations, const char *image, const struct sandbox_spec *spec,
	struct sandbox_plan_report *out, struct sandbox_error *error);
void sandbox_plan_report_finish(struct sandbox_plan_report *report);

/* "exit", "signal" and so on, as receipts and records have it; NULL for what is no cause. */
const char *sandbox_cause_name(enum sandbox_cause cause);

/* The exit status that sandbox(1) documents: the command's, 128+n, or 124. */
int sandbox_result_exit_status(const struct sandbox_result *result);

#endif
