/* Children of ours: waiting for their end, whatever signals arrive meanwhile, and bringing it about. */
#ifndef BASE_REAP_H
#define BASE_REAP_H

#include <sys/types.h>

/* Waits until it has ended. *out_status, unless NULL, is its raw wait status. 0, or -errno of waitpid(2). */
int reap_child(pid_t pid, int *out_status);

/* Kills and reaps it, and puts 0 there; where there is none already, that is all. */
void end_child(pid_t *pid);

#endif
