/* What lies beside this program: the same whether it was installed or just built. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

/* The first of `paths` (NULL-terminated, relative to the program's directory) that exists; NULL for none. The caller frees. */
char *program_find_file(const char *const *paths);

#endif
