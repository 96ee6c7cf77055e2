/*
 * The role of init: PID 1 of the sandbox. It makes the namespaces complete, builds and enters the root,
 * starts the payload, reaps, forwards signals, and reports. It runs our code only, is not dumpable from
 * the moment its ids are mapped, and ends when the supervisor does.
 */
#ifndef RUNTIME_INIT_H
#define RUNTIME_INIT_H

#include "runtime/plan.h"

/*
 * In the child of the supervisor's clone, in a user and a pid namespace of its own. `channel` is its end; `network` a
 * network namespace that was made for it, or -1.
 */
_Noreturn void init_main(const struct plan *plan, int channel, int network);

#endif
