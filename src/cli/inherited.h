/* Descriptors that the caller has open, and that are no sandbox's, nor any helper's. */
#ifndef CLI_INHERITED_H
#define CLI_INHERITED_H

#include "base/error.h"

/* Closes all from `first` on, but for the one whose number `kept` is; NULL for none. 0 or -errno. */
int inherited_close(unsigned int first, const char *kept, struct sandbox_error *error);

/* Nothing is to be read on standard input: for who says --interactive=false. 0 or -errno. */
int inherited_drop_input(struct sandbox_error *error);

#endif
