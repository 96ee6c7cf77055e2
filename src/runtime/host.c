#include "runtime/host.h"

#include <sys/prctl.h>
#include <sys/sysinfo.h>

#include "rootfs/root.h"
#include "userns/newidmap.h"

static int probe_subids(struct host *host, struct sandbox_error *error)
{
	int result;

	if (host->user.uid == 0) {
		result = subid_load_all(SUBID_USERS, &host->taken, error);
		return result < 0 ? result : subid_load_all(SUBID_GROUPS, &host->taken, error);
	}
	result = subid_load(SUBID_USERS, host->user.name, host->user.uid, &host->subuids, error);
	/* In /etc/subgid, too, the number that stands for a name is the user's id: subgid(5). */
	return result < 0 ? result : subid_load(SUBID_GROUPS, host->user.name, host->user.uid, &host->subgids, error);
}

int host_probe(bool with_subids, struct host *out, struct sandbox_error *error)
{
	struct sysinfo memory;

	*out = (struct host){0};
	host_user_load(&out->user);
	out->newidmap_installed = newidmap_available();
	out->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	out->tmpfs_holds_attributes = root_tmpfs_holds_attributes();
	if (sysinfo(&memory) == 0)
		out->memory = (uint64_t)memory.totalram * memory.mem_unit;
	return with_subids || out->user.uid == 0 ? probe_subids(out, error) : 0;
}

void host_finish(struct host *host)
{
	host_user_finish(&host->user);
	id_ranges_finish(&host->subuids);
	id_ranges_finish(&host->subgids);
	id_ranges_finish(&host->taken);
}
