#include "runtime/log_limits.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { SIZE_MIN = 1 << 10 };

static int refuse(const char *option, const char *cause, const char *fix, struct sandbox_error *error)
{
	error_set(error, 0, "--log-opt \"%.64s\"", option);
	error_cause(error, SANDBOX_E_USAGE, "%s", cause);
	return error_fix(error, "%s", fix);
}

/* What follows KEY= in the option, or NULL. */
static const char *value_of(const char *option, const char *key)
{
	return text_starts_with(option, key) ? option + strlen(key) : NULL;
}

static int decide_one(const char *option, struct log_limits *out, struct sandbox_error *error)
{
	const char *size = value_of(option, "max-size="), *files = value_of(option, "max-file=");
	struct log_limits given;

	if (!size && !files)
		return refuse(option, "the log can be told max-size and max-file",
			"for example --log-opt max-size=10m --log-opt max-file=3", error);
	if (size && (!text_parse_size(size, &given.size) || given.size < SIZE_MIN))
		return refuse(option, "it is not a size of a kilobyte or more", "for example --log-opt max-size=10m", error);
	if (files && (!text_parse_unsigned(files, LOG_FILES_MAX, &given.files) || !given.files))
		return refuse(option, "it is not a number from 1 to 100", "for example --log-opt max-file=3", error);
	if (size)
		out->size = given.size;
	else
		out->files = given.files;
	return 0;
}

int log_limits_decide(const struct sandbox_strings *given, struct log_limits *out, struct sandbox_error *error)
{
	int result = 0;

	*out = (struct log_limits)LOG_LIMITS_DEFAULT;
	for (size_t i = 0; i < given->count && result == 0; i++)
		result = decide_one(given->items[i], out, error);
	return result;
}

const char *log_file_name(uint64_t age, char buffer[LOG_FILE_NAME_SIZE])
{
	if (age)
		(void)snprintf(buffer, LOG_FILE_NAME_SIZE, "log.%u", (unsigned int)(age % LOG_FILES_MAX));
	else
		(void)snprintf(buffer, LOG_FILE_NAME_SIZE, "log");
	return buffer;
}
