/* Finding and executing a program as a shell would: execve(2), with our own search along PATH. */
#ifndef PROCESS_EXECUTE_H
#define PROCESS_EXECUTE_H

#include "base/error.h"

/*
 * Replaces this process by argv[0], which is searched along the PATH of `environment` when it has no
 * slash. Returns only on failure: -errno with E_COMMAND_NOT_FOUND or E_COMMAND_NOT_EXECUTABLE.
 * (execvpe(3) would say EACCES for a command that does not exist when a directory on the way cannot be
 * read.)
 */
int execute_program(char *const argv[], char *const environment[], struct sandbox_error *error);

#endif
