/* Why the kernel gives no fresh /proc: mount_too_revealing() in fs/namespace.c, user_namespaces(7). */
#ifndef ROOTFS_PROC_MASK_H
#define ROOTFS_PROC_MASK_H

#include "base/error.h"

/*
 * Explains a procfs that was refused with EPERM to root of a user namespace: what hides parts of the present one, and
 * who can take it away. To be called where the outer /proc is still seen. Returns like error_wrap.
 */
int proc_explain_refusal(struct sandbox_error *error);

#endif
