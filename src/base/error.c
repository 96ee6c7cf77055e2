#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const char *const error_names[SANDBOX_E_COUNT] = {
#define X(name) [SANDBOX_E_##name] = "E_" #name,
	SANDBOX_ERROR_IDS(X)
#undef X
};

const char *sandbox_error_name(enum sandbox_error_id id)
{
	if (id == SANDBOX_E_NONE || (unsigned int)id >= SANDBOX_E_COUNT)
		return NULL;
	return error_names[id];
}

int sandbox_error_exit_status(const struct sandbox_error *error)
{
	switch (error->id) {
	case SANDBOX_E_COMMAND_NOT_FOUND:
		return 127;
	case SANDBOX_E_COMMAND_NOT_EXECUTABLE:
		return 126;
	case SANDBOX_E_TIMEOUT:
		return 124;
	default:
		return 125;
	}
}

static int error_result(const struct sandbox_error *error)
{
	return error && error->code ? -error->code : -EINVAL;
}

/* The numbers that mean the same wherever they come from. */
static void error_explain_code(struct sandbox_error *error, int code)
{
	struct rlimit limit;

	switch (code) {
	case ENOSYS:
		error_cause(error, SANDBOX_E_KERNEL_TOO_OLD, "this kernel, or a filter around this process (an outer "
			"container?), does not know a system call that sandboxes need");
		error_fix(error, "use Linux 5.12 or newer, and in a container --security-opt seccomp=unconfined");
		break;
	case EMFILE:
		error_cause(error, SANDBOX_E_NONE, "too few descriptors may be open at a time");
		error_fix(error, "raise the limit of open files: ulimit -n 64");
		break;
	case ENOMEM:
		error_cause(error, SANDBOX_E_NONE, "memory is used up, or a limit on it is too low");
		error_fix(error, "end other programs, or raise the limits: ulimit -d, ulimit -v, memory.max of the cgroup");
		break;
	case EFBIG:
		/* The confined importer may not ask. */
		if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
			error_cause(error, SANDBOX_E_NONE, "a limit, or the file system, allows no files of that size");
		else if (limit.rlim_cur == RLIM_INFINITY)
			break;
		else
			error_cause(error, SANDBOX_E_NONE, "files may not have more than %llu bytes",
				(unsigned long long)limit.rlim_cur);
		error_fix(error, "raise the limit on the size of files: ulimit -f unlimited");
		break;
	default:
		break;
	}
}

int error_set(struct sandbox_error *error, int code, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!error)
		return code ? -code : -EINVAL;

	error_clear(error);
	error->code = code;
	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);

	used = strlen(error->text);
	if (code)
		(void)snprintf(error->text + used, sizeof(error->text) - used, ": %s", strerror(code));
	error_explain_code(error, code);
	return error_result(error);
}

int error_wrap(struct sandbox_error *error, const char *format, ...)
{
	char sentence[sizeof(error->text)];
	va_list args;
	size_t used;

	if (!error)
		return -EINVAL;

	memcpy(sentence, error->text, sizeof(sentence));
	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);

	used = strlen(error->text);
	(void)snprintf(error->text + used, sizeof(error->text) - used, ": %s", sentence);
	return error_result(error);
}

int error_cause(struct sandbox_error *error, enum sandbox_error_id id, const char *format, ...)
{
	va_list args;

	if (!error)
		return -EINVAL;

	error->id = id;
	va_start(args, format);
	(void)vsnprintf(error->cause, sizeof(error->cause), format, args);
	va_end(args);
	return error_result(error);
}

int error_fix(struct sandbox_error *error, const char *format, ...)
{
	va_list args;

	if (!error)
		return -EINVAL;

	va_start(args, format);
	(void)vsnprintf(error->fix, sizeof(error->fix), format, args);
	va_end(args);
	return error_result(error);
}

int error_explain_full(struct sandbox_error *error, const char *place, const char *fix)
{
	if (!error || (error->code != ENOSPC && error->code != EDQUOT) || error->id != SANDBOX_E_NONE)
		return error_result(error);
	error_cause(error, SANDBOX_E_NO_SPACE, "%s is full, or your quota is used up", place);
	return error_fix(error, "%s", fix);
}

int error_child_died(struct sandbox_error *error, const char *cause)
{
	error_cause(error, SANDBOX_E_CHILD_DIED, "%s", cause);
	return error_fix(error, "look for the reason in the kernel's log: sudo dmesg | tail -n 20");
}

void error_clear(struct sandbox_error *error)
{
	if (!error)
		return;
	error->code = 0;
	error->id = SANDBOX_E_NONE;
	error->text[0] = error->cause[0] = error->fix[0] = '\0';
}

void error_sanitize(struct sandbox_error *error)
{
	error->text[sizeof(error->text) - 1] = '\0';
	error->cause[sizeof(error->cause) - 1] = '\0';
	error->fix[sizeof(error->fix) - 1] = '\0';
	if ((unsigned int)error->id >= SANDBOX_E_COUNT)
		error->id = SANDBOX_E_NONE;
	if (error->code < 0 || error->code > 4095)
		error->code = EPROTO;
}
