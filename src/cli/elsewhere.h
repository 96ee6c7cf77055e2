/* Commands of docker(1) and podman(1) that are none here, and what does the same. */
#ifndef CLI_ELSEWHERE_H
#define CLI_ELSEWHERE_H

/* What to do instead of `word`; NULL when it is no such command. */
const char *elsewhere_find(const char *word);

#endif
