#include "base/signals.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static int parse_real_time(const char *text)
{
	uint64_t number;

	if (strcasecmp(text, "RTMIN") == 0)
		return SIGRTMIN;
	if (strcasecmp(text, "RTMAX") == 0)
		return SIGRTMAX;
	if (strncasecmp(text, "RTMIN+", 6) == 0 && text_parse_unsigned(text + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number))
		return SIGRTMIN + (int)number;
	if (strncasecmp(text, "RTMAX-", 6) == 0 && text_parse_unsigned(text + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number))
		return SIGRTMAX - (int)number;
	return -1;
}

int signal_parse(const char *text)
{
	uint64_t number;

	if (text_parse_unsigned(text, (uint64_t)SIGRTMAX, &number))
		return number ? (int)number : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, text) == 0)
			return i;
	}
	return parse_real_time(text);
}
