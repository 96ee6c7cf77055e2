/* Whether this machine and this user have what sandboxes need, found out by doing it: sandbox-doctor(1). */
#ifndef SANDBOX_DOCTOR_H
#define SANDBOX_DOCTOR_H

#include <sandbox/error.h>
#include <sandbox/locations.h>
#include <stdbool.h>
#include <stddef.h>

enum sandbox_health {
	SANDBOX_HEALTH_OK,
	SANDBOX_HEALTH_DEGRADED, /* something works, but not all of it */
	SANDBOX_HEALTH_MISSING,
	SANDBOX_HEALTH_UNTESTED, /* another check has to succeed first */
};

struct sandbox_finding {
	const char *check;   /* its name: "user namespaces"; static */
	const char *purpose; /* what needs it: "every run", "--net"; static */
	bool by_default;     /* a run without options is not whole unless this is ok */
	enum sandbox_health health;
	char found[160];     /* a fact or two; may be empty */
	/* With its cause and its fix, unless all is well; a fix that begins with sudo or export is a command. */
	struct sandbox_error error;
};

struct sandbox_diagnosis {
	struct sandbox_finding *items;
	size_t count;
	bool works; /* a run without options has all that it is to have */
};

/*
 * Makes every check in a child process, which is bounded in time, and removes what it made. The caller has one thread.
 * 0, or -errno when not even that could be done.
 */
int sandbox_diagnose(const struct sandbox_locations *locations, struct sandbox_diagnosis *out,
	struct sandbox_error *error);
void sandbox_diagnosis_finish(struct sandbox_diagnosis *diagnosis);

/* "ok", "degraded", "missing", "untested". */
const char *sandbox_health_name(enum sandbox_health health);

#endif
