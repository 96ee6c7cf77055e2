#include "base/moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define SECOND INT64_C(1000000000)

enum { YEAR_LAST = 2200 }; /* what fits into nanoseconds */

int64_t moment_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

void moment_format(int64_t moment, char out[MOMENT_SIZE])
{
	time_t seconds = (time_t)(moment / SECOND);
	struct tm utc = {0};
	size_t length;

	(void)gmtime_r(&seconds, &utc);
	length = strftime(out, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(out + length, MOMENT_SIZE - length, ".%09lldZ", (long long)(moment % SECOND));
}

/* ".5" and so on, or nothing. NULL when there are no digits, or too many. */
static const char *parse_fraction(const char *text, int64_t *out)
{
	int64_t unit = SECOND;

	*out = 0;
	if (*text != '.')
		return text;
	for (text++; *text >= '0' && *text <= '9' && unit > 1; text++) {
		unit /= 10;
		*out += (*text - '0') * unit;
	}
	return unit == SECOND || (*text >= '0' && *text <= '9') ? NULL : text;
}

static bool parse_seconds(const char *text, int64_t *out)
{
	char digits[16];
	size_t length = strspn(text, "0123456789");
	uint64_t seconds;
	int64_t fraction;
	const char *rest;

	if (!length || length >= sizeof(digits))
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	rest = parse_fraction(text + length, &fraction);
	if (!rest || *rest || !text_parse_unsigned(digits, INT64_MAX / SECOND - 1, &seconds))
		return false;
	*out = (int64_t)seconds * SECOND + fraction;
	return true;
}

/* What follows date and time: Z, +HH:MM, or nothing for the caller's own zone. */
static bool apply_zone(const char *text, struct tm *moment, int64_t *out_seconds)
{
	unsigned int hours, minutes;
	char sign, end;

	if (!*text) {
		moment->tm_isdst = -1;
		*out_seconds = mktime(moment);
		return true;
	}
	*out_seconds = timegm(moment);
	if (strcmp(text, "Z") == 0)
		return true;
	if (sscanf(text, "%c%2u:%2u%c", &sign, &hours, &minutes, &end) != 3 || (sign != '+' && sign != '-') || hours > 23 ||
	    minutes > 59)
		return false;
	*out_seconds -= (sign == '+' ? 1 : -1) * (int64_t)(hours * 3600 + minutes * 60);
	return true;
}

static bool parse_date(const char *text, int64_t *out)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d", NULL};
	int64_t fraction = 0, seconds;
	struct tm moment = {0};
	const char *rest = NULL;

	for (size_t i = 0; forms[i] && !rest; i++) {
		moment = (struct tm){.tm_mday = 1};
		rest = strptime(text, forms[i], &moment);
	}
	rest = rest ? parse_fraction(rest, &fraction) : NULL;
	if (!rest || moment.tm_year < 70 || moment.tm_year > YEAR_LAST - 1900 || !apply_zone(rest, &moment, &seconds))
		return false;
	*out = seconds * SECOND + fraction;
	return true;
}

bool moment_parse(const char *text, int64_t now, int64_t *out)
{
	uint64_t ago;

	if (parse_seconds(text, out))
		return true;
	if (!text_parse_duration(text, &ago))
		return parse_date(text, out);
	*out = ago < (uint64_t)now / 1000000 ? now - (int64_t)ago * 1000000 : 0;
	return true;
}
