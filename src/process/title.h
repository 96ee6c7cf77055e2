/* What ps(1) shows of this process, inside and outside. */
#ifndef PROCESS_TITLE_H
#define PROCESS_TITLE_H

/*
 * Sets the name of this process, and its command line where that can be found: init inherits the caller's,
 * which names files of the host, and every process of the sandbox may read it.
 */
void title_set(const char *name);

#endif
