/*
 * The importer's own sandbox. It reads what an adversary wrote, with libraries that had their share of holes,
 * and it is the user's own process: so before the first byte is read, everything goes that unpacking does not
 * need. What is left to a hole is the tree that the archive fills anyway.
 */
#ifndef IMPORTER_CONFINE_H
#define IMPORTER_CONFINE_H

#include <stddef.h>

#include "base/error.h"

/*
 * From here on, for this thread and those that it starts:
 *	- `root` is the root directory, and no descriptor but 0, 1, 2 and the `kept` ones leads anywhere else;
 *	  none of these may be a directory outside
 *	- no capability but those over owners, modes and file capabilities; no_new_privs
 *	- no system call but those of reading, writing files and threads: no sockets, no programs, no namespaces,
 *	  no other processes. Others answer ENOSYS
 * Everything that is loaded on demand must have been loaded. 0 or -errno.
 */
int confine(int root, const int *kept, size_t count, struct sandbox_error *error);

#endif
