/* What is known of a run once it has ended: sandbox-run(1), --summary. */
#ifndef SANDBOX_RECEIPT_H
#define SANDBOX_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number that was counted: "time", "wall_us"; "memory", "peak". Both names are static. */
struct sandbox_fact {
	const char *section;
	const char *name;
	uint64_t value;
};

enum sandbox_hold {
	SANDBOX_HOLD_ABSENT,
	SANDBOX_HOLD_SAMPLED, /* by this program, which looks now and then */
	SANDBOX_HOLD_HARD,    /* by the kernel */
};

/* A limit, or a protection by its name in --require: what was asked, and what came of it. */
struct sandbox_guard {
	bool is_limit;
	const char *name; /* static */
	char *requested;  /* of a limit: its value; of a protection: "required", or NULL when nobody named it */
	enum sandbox_hold effective;
};

struct sandbox_result;
struct sandbox_error;

struct sandbox_receipt {
	/*
	 * Of a detached sandbox: called in its supervisor when it has ended, before anybody is told. `failure` is NULL unless
	 * the supervisor failed; before the command ran it is the caller's, who is told then.
	 */
	void (*ended)(void *context, const struct sandbox_result *result, const struct sandbox_error *failure);
	void *context;
	struct sandbox_fact *facts; /* those of a section stand together */
	size_t fact_count;
	struct sandbox_guard *guards;
	size_t guard_count;
	char *image;  /* as it was named */
	char *digest; /* NULL for a folder */
	char *group;  /* who made the control group; NULL when there was none */
	char *why;    /* it was that one, or none; may be NULL */
};

void sandbox_receipt_finish(struct sandbox_receipt *receipt);

#endif
