/* Directory trees as a whole. */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/error.h"

/*
 * Removes `name` in `directory` and everything below it, however deep, with two open directories and no
 * recursion. Symbolic links are removed, never followed. Nobody else may be changing the tree. A missing
 * `name` is no error. 0 or -errno.
 */
int tree_remove(int directory, const char *name, struct sandbox_error *error);

#endif
