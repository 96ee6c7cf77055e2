#include "base/test_switch.h"

#ifdef SANDBOX_TEST_SWITCHES
#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool test_defence_removed(const char *name)
{
	const char *list = getenv("SANDBOX_TEST_REMOVE");
	size_t length = strlen(name);

	while (list && *list) {
		size_t item = strcspn(list, ",");

		if (item == length && strncmp(list, name, length) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

void test_point(const char *name)
{
	const char *kill_at = getenv("SANDBOX_TEST_KILL_AT");
	const char *stop_at = getenv("SANDBOX_TEST_STOP_AT");

	if (kill_at && strcmp(kill_at, name) == 0)
		(void)raise(SIGKILL);
	if (stop_at && strcmp(stop_at, name) == 0)
		(void)raise(SIGSTOP);
}
#endif
