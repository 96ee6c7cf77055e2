/*
 * An error is a value: a number, a sentence, and, for the failures that users meet, a stable id with
 * a cause and a fix. It is of fixed size and holds no pointers, so the same value travels from the
 * depth of a child process to the user's terminal.
 */
#ifndef SANDBOX_ERROR_H
#define SANDBOX_ERROR_H

/* Stable ids: they are printed, documented and never reused. `sandbox_error_name` gives "E_…". */
#define SANDBOX_ERROR_IDS(X) \
	X(NONE) \
	X(USAGE) \
	X(USERNS_DISABLED) \
	X(USERNS_LIMIT) \
	X(USERNS_APPARMOR) \
	X(USERNS_FILTERED) \
	X(SUBID_MISSING) \
	X(SUBID_INVALID) \
	X(NEWIDMAP_MISSING) \
	X(NEWIDMAP_REFUSED) \
	X(NNP) \
	X(PROC_MASKED) \
	X(OVERLAY) \
	X(HOME_UNUSABLE) \
	X(NO_SPACE) \
	X(KEY_QUOTA) \
	X(ARCHIVE_FORMAT) \
	X(ARCHIVE_TRUNCATED) \
	X(ARCHIVE_HOSTILE) \
	X(ARCHIVE_LIMIT) \
	X(IMAGE_UNKNOWN) \
	X(IMAGE_IN_USE) \
	X(IMPORTER_MISSING) \
	X(ROOT_LAYOUT) \
	X(COMMAND_NOT_FOUND) \
	X(COMMAND_NOT_EXECUTABLE) \
	X(USER_UNKNOWN) \
	X(ID_UNMAPPED) \
	X(NAME_IN_USE) \
	X(KERNEL_TOO_OLD) \
	X(CAPABILITY) \
	X(LIMIT_UNAVAILABLE) \
	X(CHILD_DIED) \
	X(FOLDER) \
	X(SUBID_FEW) \
	X(SUBID_SHARED) \
	X(NO_ATTRIBUTES) \
	X(SECCOMP_PROFILE) \
	X(REQUIRED) \
	X(PASTA_MISSING) \
	X(TUN_UNAVAILABLE) \
	X(PASTA_FAILED) \
	X(CGROUP_MISSING) \
	X(CGROUP_CONTROLLER) \
	X(IMAGE_CHOICE) \
	X(SANDBOX_UNKNOWN) \
	X(SANDBOX_STATE) \
	X(LAYER_NAME) \
	X(IMAGE_DAMAGED) \
	X(TIMEOUT)

enum sandbox_error_id {
#define X(name) SANDBOX_E_##name,
	SANDBOX_ERROR_IDS(X)
#undef X
	SANDBOX_E_COUNT
};

struct sandbox_error {
	int code;                 /* errno, positive; 0 when the failure has no errno */
	enum sandbox_error_id id; /* SANDBOX_E_NONE when there is nothing to add to the sentence */
	char text[512];           /* the sentence: lower case, no full stop */
	char cause[384];          /* empty when unknown */
	char fix[384];            /* empty when there is none */
};

/* "E_SUBID_MISSING" and so on; NULL for SANDBOX_E_NONE and for numbers out of range. */
const char *sandbox_error_name(enum sandbox_error_id id);

/* The exit status that sandbox(1) documents for this error: 124 to 127. */
int sandbox_error_exit_status(const struct sandbox_error *error);

#endif
