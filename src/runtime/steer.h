/* What sandbox/steer.h does for commands, for those who have seen to it that nobody else does. */
#ifndef RUNTIME_STEER_H
#define RUNTIME_STEER_H

#include <sandbox/locations.h>
#include <stdbool.h>

#include "base/error.h"

/* As sandbox_pause, by who has the lock of runtime/pausing.h. 0 or -errno. */
int steer_pause(const struct sandbox_locations *locations, const char *reference, bool on, struct sandbox_error *error);

#endif
