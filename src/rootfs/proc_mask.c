#include "rootfs/proc_mask.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"

enum { MOUNTINFO_MAX = 4 << 20, MASKS_SHOWN = 4 };

/* Directories that the kernel keeps empty for such mounts: what covers them hides nothing. */
static const char *const harmless[] = {"/proc/sys/fs/binfmt_misc", "/proc/fs/nfsd"};

static bool is_mask(const char *target)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.-";

	for (size_t i = 0; i < array_count(harmless); i++)
		if (strcmp(target, harmless[i]) == 0)
			return false;
	return text_starts_with(target, "/proc/") && !target[strspn(target, plain)];
}

/* The fifth field of each line of mountinfo (proc_pid_mountinfo(5)), if it lies below /proc: the first few, with blanks. */
static char *list_masks(void)
{
	auto_free char *text = NULL;
	char *rest, *line, *list = memory_text("");
	size_t count = 0;

	if (file_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, NULL) < 0)
		return list;
	rest = text;
	while ((line = strsep(&rest, "\n")) && count < MASKS_SHOWN) {
		char *field = NULL;

		for (int i = 0; i < 5 && line; i++)
			field = strsep(&line, " ");
		if (line && is_mask(field))
			memory_append(&list, "%s%s", count++ ? " " : "", field);
	}
	return list;
}

/*
 * An administrator can unmount what hides parts of the machine's /proc; in a container its runtime made them. The
 * machine's own shows the kernel's threads. (Init, who asks, has a pid namespace of its own already.)
 */
static bool is_of_the_machine(void)
{
	auto_free char *name = NULL;

	return file_read(AT_FDCWD, "/proc/2/comm", 64, &name, NULL, NULL) == 0 && strcmp(name, "kthreadd\n") == 0;
}

int proc_explain_refusal(struct sandbox_error *error)
{
	auto_free char *masks = list_masks();

	error_cause(error, SANDBOX_E_PROC_MASKED, "the kernel gives a fresh /proc only where the present one is fully "
		"visible, and here parts of it are masked%s%s%s", *masks ? " (" : "", masks, *masks ? ")" : "");
	if (*masks && is_of_the_machine())
		return error_fix(error, "sudo umount %s", masks);
	return error_fix(error, "start the outer container with --security-opt systempaths=unconfined "
		"(Podman: --security-opt unmask=ALL), or show the sandbox the present one with --proc=host");
}
