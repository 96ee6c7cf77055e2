#include "runtime/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "base/file.h"
#include "base/scope.h"
#include "rootfs/root.h"
#include "userns/idmap.h"
#include "userns/newidmap.h"

enum { OWN_MAP_MAX = 64 * 1024 };

/* The ids of this user namespace but 0; *out_whole when it is the host's own, which has all that there are. */
static int probe_own_ids(const char *path, struct id_ranges *out, bool *out_whole, struct sandbox_error *error)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free char *text = NULL;
	struct id_extents extents;
	int result;

	if (fd < 0)
		return error_set(error, errno, "open %s", path);
	result = file_read_fd(fd, path, OWN_MAP_MAX, &text, NULL, error);
	if (result < 0)
		return result;
	/* "0 0 4294967295": more than the ids of a map of ours, which end one before. */
	*out_whole = strstr(text, " 4294967295") != NULL;
	if (*out_whole)
		return 0;
	result = id_extents_parse(text, &extents, error);
	for (size_t i = 0; i < extents.count && result == 0; i++) {
		const struct id_extent *extent = &extents.items[i];
		uint32_t skip = extent->inside == 0 ? 1 : 0;

		if (extent->count > skip)
			id_ranges_add(out, extent->inside + skip, extent->count - skip);
	}
	return result;
}

static int probe_nested_root(struct host *host, struct sandbox_error *error)
{
	bool whole = false;
	int result = probe_own_ids("/proc/self/uid_map", &host->subuids, &whole, error);

	host->nested_root = !whole;
	return result < 0 || whole ? result : probe_own_ids("/proc/self/gid_map", &host->subgids, &whole, error);
}

static int probe_subids(struct host *host, struct sandbox_error *error)
{
	int result = host->user.uid == 0 ? probe_nested_root(host, error) : 0;

	if (result < 0 || host->nested_root)
		return result;
	if (host->user.uid == 0) {
		result = subid_load_all(SUBID_USERS, &host->taken, error);
		return result < 0 ? result : subid_load_all(SUBID_GROUPS, &host->taken, error);
	}
	result = subid_load(SUBID_USERS, host->user.name, host->user.uid, &host->subuids, error);
	/* In /etc/subgid, too, the number that stands for a name is the user's id: subgid(5). */
	return result < 0 ? result : subid_load(SUBID_GROUPS, host->user.name, host->user.uid, &host->subgids, error);
}

/* 0 where it cannot be read: then it cannot be written either, which is met there. */
static int probe_oom_score(void)
{
	auto_free char *text = NULL;

	return file_read(AT_FDCWD, "/proc/self/oom_score_adj", 16, &text, NULL, NULL) == 0 ? atoi(text) : 0;
}

static bool is_read_only(const char *path)
{
	struct statvfs status;

	return statvfs(path, &status) == 0 && (status.f_flag & ST_RDONLY);
}

int host_probe(bool with_subids, struct host *out, struct sandbox_error *error)
{
	struct sysinfo memory;

	*out = (struct host){0};
	host_user_load(&out->user);
	out->newidmap_installed = newidmap_available();
	out->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	out->oom_score_adj = probe_oom_score();
	out->proc_sys_is_read_only = is_read_only("/proc/sys");
	out->tmpfs_holds_attributes = root_tmpfs_holds_attributes();
	if (sysinfo(&memory) == 0)
		out->memory = (uint64_t)memory.totalram * memory.mem_unit;
	return with_subids || out->user.uid == 0 ? probe_subids(out, error) : 0;
}

void host_finish(struct host *host)
{
	host_user_finish(&host->user);
	network_facts_finish(&host->network);
	id_ranges_finish(&host->subuids);
	id_ranges_finish(&host->subgids);
	id_ranges_finish(&host->taken);
}
