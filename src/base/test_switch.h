/*
 * Hooks that exist only in the test build (make's TEST_SWITCHES=1): removing one defence, so that a
 * test can show that it notices; and ending a process at a named point, so that a test can kill it
 * there and not by chance. In the product both are constants and leave no code behind.
 */
#ifndef BASE_TEST_SWITCH_H
#define BASE_TEST_SWITCH_H

#include <stdbool.h>

#ifdef SANDBOX_TEST_SWITCHES
/* Whether SANDBOX_TEST_REMOVE (a comma-separated list) names this defence. */
bool test_defence_removed(const char *name);
/*
 * Kills this process with SIGKILL when SANDBOX_TEST_KILL_AT is this name, or stops it (SANDBOX_TEST_STOP_AT). PID 1 of
 * a namespace, who can do neither to itself, exits with 137, or waits under the name "stopped" for SIGCONT. With
 * SANDBOX_TEST_TRACE, each point is a line on standard error.
 */
void test_point(const char *name);
#else
static inline bool test_defence_removed(const char *name)
{
	(void)name;
	return false;
}

static inline void test_point(const char *name)
{
	(void)name;
}
#endif

#endif
