/* This program, and what lies beside it: the same whether it was installed or just built. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

/*
 * Maps all of the program's code at once. Page by page, as it is run, takes some thirty page faults, which cost several
 * times as much as the pages that are never used. Before Linux 5.14 it does nothing. madvise(2).
 */
void program_populate(void);

/* The first of `paths` (NULL-terminated, relative to the program's directory) that exists; NULL for none. The caller frees. */
char *program_find_file(const char *const *paths);

#endif
