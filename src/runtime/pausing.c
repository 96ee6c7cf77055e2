#include "runtime/pausing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/reap.h"
#include "base/scope.h"
#include "base/test_switch.h"
#include "runtime/group.h"
#include "runtime/record.h"
#include "runtime/steer.h"

/* In a session of its own: neither a terminal's signals nor those for our group end it before it has done its work. */
static _Noreturn void guard(const struct pausing *pausing, int reader)
{
	char word;

	(void)setsid();
	if (fd_read_full(reader, &word, sizeof(word)) == sizeof(word))
		_exit(0);
	_exit(steer_pause(pausing->locations, pausing->id, false, NULL) < 0 ? 1 : 0);
}

static int start_guard(struct pausing *pausing, struct sandbox_error *error)
{
	auto_close int reader = -1;
	int result = fd_pipe(&reader, &pausing->word, error);

	if (result < 0 || test_defence_removed("pause-guard"))
		return result;
	pausing->guard = fork();
	if (pausing->guard < 0)
		return error_set(error, errno, "start a process");
	if (pausing->guard == 0) {
		fd_close(&pausing->word);
		guard(pausing, reader);
	}
	return 0;
}

static int open_record(const struct registry_entry *entry, struct sandbox_error *error)
{
	int record = openat(entry->directory, group_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return record < 0 ? error_set(error, errno, "open the record of the sandbox's control group") : record;
}

/* The guard has it, too, so that nobody comes between our end and its work. */
static int lock_pause(struct pausing *pausing, const struct registry_entry *entry, struct sandbox_error *error)
{
	pausing->lock = open_record(entry, error);
	if (pausing->lock < 0)
		return pausing->lock;
	while (flock(pausing->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_set(error, errno, "wait for who else has paused the sandbox");
	return 0;
}

/* Before it was our turn. It is to stay so, and we would let it go on. */
static int refuse_paused(const struct registry_entry *entry, struct sandbox_error *error)
{
	error_set(error, EBUSY, "pause sandbox \"%s\"", record_title(entry));
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "another command has paused it meanwhile");
	return error_fix(error, "sandbox unpause %s", entry->id);
}

int pausing_start(struct pausing *pausing, const struct sandbox_locations *locations, const struct registry_entry *entry,
	struct sandbox_error *error)
{
	int result;

	pausing->locations = locations;
	pausing->id = entry->id;
	test_point("pausing-begins");
	/* Signals end us while we wait. */
	result = lock_pause(pausing, entry, error);
	if (result == 0 && group_is_paused(entry->directory))
		result = refuse_paused(entry, error);
	if (result == 0)
		result = interrupt_hold(&pausing->interrupt, error);
	if (result == 0)
		result = start_guard(pausing, error);
	if (result == 0)
		result = steer_pause(locations, entry->id, true, error);
	test_point("pausing-paused");
	return result;
}

bool pausing_is_under_way(const struct registry_entry *entry)
{
	auto_close int lock = openat(entry->directory, group_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int pausing_keep_out(const struct registry_entry *entry, struct sandbox_error *error)
{
	auto_close int record = open_record(entry, error);

	if (record < 0 || flock(record, LOCK_SH | LOCK_NB) == 0)
		return take_fd(&record);
	if (errno != EWOULDBLOCK)
		return error_set(error, errno, "lock the record of the sandbox's control group");
	error_set(error, EBUSY, "sandbox \"%s\"", record_title(entry));
	error_cause(error, SANDBOX_E_SANDBOX_STATE, "a commit has paused it, and lets it go on when it ends");
	return error_fix(error, "try again when that has ended");
}

int pausing_end(struct pausing *pausing, struct sandbox_error *error)
{
	int result;

	if (pausing->word < 0)
		return 0;
	result = steer_pause(pausing->locations, pausing->id, false, error);
	/* What failed here it tries again. */
	if (result == 0)
		(void)fd_write_all(pausing->word, "", 1);
	fd_close(&pausing->word);
	if (pausing->guard > 0)
		(void)reap_child(pausing->guard, NULL);
	pausing->guard = 0;
	return result;
}

void pausing_finish(struct pausing *pausing)
{
	(void)pausing_end(pausing, NULL);
	fd_close(&pausing->lock);
	interrupt_release(&pausing->interrupt);
}
