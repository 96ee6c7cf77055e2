/* --summary: the receipt of a run as JSON. */
#ifndef CLI_RECEIPT_PRINT_H
#define CLI_RECEIPT_PRINT_H

#include <sandbox/container.h>

/*
 * Opens where the receipt will go, "-" for standard error: a mistake is to be found before anything runs. An older
 * file keeps what it has until receipt_print. A descriptor or -errno.
 */
int receipt_open(const char *path, struct sandbox_error *error);

/* Writes it: of a run that ended, or else of the failure. 0 or -errno, for which *error is set anew. */
int receipt_print(int fd, const struct sandbox_result *result, const struct sandbox_error *failure,
	struct sandbox_error *error);

#endif
