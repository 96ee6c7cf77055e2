/* How this program came to be executed: proc_pid_exe(5), and CVE-2019-5736. */
#ifndef PROCESS_ORIGIN_H
#define PROCESS_ORIGIN_H

#include "base/error.h"

/*
 * Whether the file that this process executes is where the kernel says it is. It is not when an image made its
 * shell a link to /proc/self/exe, or names that in a #! line: then the command of a sandbox is the host's own
 * program, started again, inside. Root in there may be the same user, and any program of the image that ran
 * beside it could change the host's file through /proc/PID/exe. So this comes first in main(), before anything
 * else is opened or started, and the caller ends at once on -EXDEV. At that moment nothing of the image runs.
 *
 * Defence removed in the test build by the name "origin".
 */
int origin_verify(struct sandbox_error *error);

#endif
