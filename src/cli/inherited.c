#include "cli/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/text.h"

int inherited_close(unsigned int first, const char *kept, struct sandbox_error *error)
{
	uint64_t number;
	int result = 0;

	/* What is no number is an error that the plan will find. */
	if (kept && text_parse_unsigned(kept, INT_MAX, &number) && number >= first) {
		if (number > first)
			result = close_range(first, (unsigned int)number - 1, 0);
		first = (unsigned int)number + 1;
	}
	if (result == 0)
		result = close_range(first, ~0U, 0);
	return result < 0 ? error_set(error, errno, "close inherited descriptors") : 0;
}

int inherited_drop_input(struct sandbox_error *error)
{
	auto_close int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ? error_set(error, errno, "open /dev/null") : 0;
}
