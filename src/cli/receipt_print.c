#include "cli/receipt_print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scope.h"

static const char *const hold_words[] = {
	[SANDBOX_HOLD_ABSENT] = "absent",
	[SANDBOX_HOLD_SAMPLED] = "sampled",
	[SANDBOX_HOLD_HARD] = "hard",
};

int receipt_open(const char *path, struct sandbox_error *error)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
		: open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);

	if (fd >= 0)
		return fd;
	error_set(error, errno, "--summary: open %s", path);
	error_cause(error, SANDBOX_E_USAGE, "the receipt is to be written there when the sandbox has ended");
	return error_fix(error, "name a file that you can write: --summary=FILE");
}

static void add_facts(struct json_object *root, const struct sandbox_receipt *receipt)
{
	struct json_object *section = NULL;

	for (size_t i = 0; i < receipt->fact_count; i++) {
		const struct sandbox_fact *fact = &receipt->facts[i];

		if (i == 0 || strcmp(fact->section, receipt->facts[i - 1].section) != 0) {
			section = json_new_object();
			json_add(root, fact->section, section);
		}
		json_add_unsigned(section, fact->name, fact->value);
	}
}

static void add_guards(struct json_object *root, const char *key, const struct sandbox_receipt *receipt, bool limits)
{
	struct json_object *list = json_new_array();

	for (size_t i = 0; i < receipt->guard_count; i++) {
		const struct sandbox_guard *guard = &receipt->guards[i];
		struct json_object *item;

		if (guard->is_limit != limits)
			continue;
		item = json_new_object();
		json_add_string(item, "name", guard->name);
		json_add_string(item, "requested", guard->requested);
		json_add_string(item, "effective", hold_words[guard->effective]);
		json_append(list, item);
	}
	json_add(root, key, list);
}

static void add_end(struct json_object *root, const struct sandbox_result *result)
{
	json_add_string(root, "cause", sandbox_cause_name(result->cause));
	json_add_unsigned(root, "status", (uint64_t)sandbox_result_exit_status(result));
	if (result->cause != SANDBOX_CAUSE_EXIT && result->cause != SANDBOX_CAUSE_TIMEOUT)
		json_add_unsigned(root, "signal", (uint64_t)result->number);
	if (result->limit)
		json_add_string(root, "exceeded", result->limit);
}

static void add_failure(struct json_object *root, const struct sandbox_error *failure)
{
	struct json_object *item = json_new_object();

	json_add_string(root, "cause", "error");
	json_add_unsigned(root, "status", (uint64_t)sandbox_error_exit_status(failure));
	json_add_string(item, "id", sandbox_error_name(failure->id));
	json_add_string(item, "text", failure->text);
	json_add(root, "error", item);
}

/* Standard error may be a file, too, with more in it than the receipt: also where its offset is 0, as with 2>>log. */
static bool is_receipt_alone(int fd)
{
	struct stat file, talk;

	return fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
		(fstat(STDERR_FILENO, &talk) < 0 || talk.st_dev != file.st_dev || talk.st_ino != file.st_ino);
}

int receipt_print(int fd, const struct sandbox_result *result, const struct sandbox_error *failure,
	struct sandbox_error *error)
{
	const struct sandbox_receipt *receipt = result->receipt;
	struct json_object *root = json_new_object(), *image = json_new_object(), *group = json_new_object();
	auto_free char *text = NULL;
	int written;

	if (failure)
		add_failure(root, failure);
	else
		add_end(root, result);
	json_add_string(image, "name", receipt->image);
	json_add_string(image, "digest", receipt->digest);
	json_add(root, "image", image);
	json_add_string(group, "by", receipt->group);
	json_add_string(group, "why", receipt->why);
	json_add(root, "group", group);
	add_facts(root, receipt);
	add_guards(root, "limits", receipt, true);
	add_guards(root, "protections", receipt, false);
	text = json_text(root);
	json_free(&root);
	if (is_receipt_alone(fd) && ftruncate(fd, 0) < 0)
		return error_set(error, errno, "--summary: write the receipt");
	written = fd_write_all(fd, text, strlen(text));
	if (written == 0)
		return 0;
	error_set(error, -written, "--summary: write the receipt");
	return error_explain_full(error, "the file system of that file", "free some space there, or name another file");
}
