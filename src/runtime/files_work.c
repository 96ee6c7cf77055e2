#include "runtime/files_work.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/log.h"
#include "base/scope.h"
#include "kernel/syscalls.h"
#include "userns/userns.h"

int files_run(const struct sandbox_files *files, const struct interrupt *interrupt,
	int (*function)(void *argument, struct sandbox_error *error), void *argument, struct sandbox_error *error)
{
	auto_finish(userns_child_finish) struct userns_child child = USERNS_CHILD_INIT;
	int result = userns_start(&files->idmap, function, argument, &child, error);

	/* Its word or its end. */
	if (result == 0 && interrupt)
		result = interrupt_wait(interrupt, child.report, error);
	return result < 0 ? result : userns_wait(&child, error);
}

static bool is_empty_directory(int directory)
{
	auto_closedir DIR *stream = directory_read(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	return stream && !directory_next(stream) && errno == 0;
}

bool files_is_mount_place(const struct tree_node *node)
{
	/* What each sandbox has, as rootfs and plan_mounts.c lay it out. */
	static const char *const places[] = {"dev", "proc", "sys", "run", "etc/hosts", "etc/hostname", "etc/resolv.conf"};

	if (node->change != TREE_ADDED)
		return false;
	for (size_t i = 0; i < array_count(places); i++)
		if (strcmp(node->path, places[i]) == 0)
			return S_ISDIR(node->status.st_mode) ? is_empty_directory(node->fd)
				: S_ISREG(node->status.st_mode) && node->status.st_size == 0;
	return false;
}

void files_notice(const struct tree_tar_counts *counts)
{
	if (counts->changed)
		log_notice("%llu files were changed or removed while they were read", (unsigned long long)counts->changed);
	if (counts->attributes)
		log_notice("%llu extended attributes or ACLs were left out", (unsigned long long)counts->attributes);
}
