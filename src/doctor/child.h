/* Doing something in a child process that cannot outlive us nor keep us waiting. */
#ifndef DOCTOR_CHILD_H
#define DOCTOR_CHILD_H

#include <stdint.h>

#include "doctor/check.h"

/*
 * Runs function(examination, report) in a child made with the given CLONE_NEW… flags, which leads a session and has
 * /dev/null for its standard descriptors. What it has started, and is still there when it ends or after half a minute,
 * ends as well. Returns what it returned, with its report; a death or the end of the time becomes an
 * error, and -EINTR means that a signal wants to end us.
 */
int child_run(uint64_t flags, int (*function)(const struct examination *examination, struct check_report *report),
	const struct examination *examination, struct check_report *report);

#endif
