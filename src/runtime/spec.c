#include <sandbox/spec.h>

#include <stdlib.h>

#include "base/scope.h"

void sandbox_spec_init(struct sandbox_spec *spec)
{
	*spec = (struct sandbox_spec){.init = true, .shm_size = 64 << 20, .stop_timeout = 10 * UINT64_C(1000),
		.import_limits = SANDBOX_IMPORT_LIMITS_DEFAULT};
}

static void limits_finish(struct sandbox_limits *limits)
{
	char **texts[] = {&limits->memory, &limits->memory_high, &limits->memory_swap, &limits->cpus, &limits->cpu_weight,
		&limits->cpu_shares, &limits->cpuset_cpus, &limits->cpuset_mems, &limits->pids_limit, &limits->io_weight,
		&limits->cgroup_parent};

	for (size_t i = 0; i < array_count(texts); i++)
		free(*texts[i]);
	sandbox_strings_finish(&limits->device_read_bps);
	sandbox_strings_finish(&limits->device_write_bps);
	sandbox_strings_finish(&limits->device_read_iops);
	sandbox_strings_finish(&limits->device_write_iops);
}

void sandbox_spec_finish(struct sandbox_spec *spec)
{
	sandbox_strings_finish(&spec->command);
	sandbox_strings_finish(&spec->given);
	sandbox_strings_finish(&spec->label);
	sandbox_strings_finish(&spec->log_opt);
	sandbox_strings_finish(&spec->env);
	sandbox_strings_finish(&spec->env_file);
	sandbox_strings_finish(&spec->unsetenv);
	sandbox_strings_finish(&spec->group_add);
	sandbox_strings_finish(&spec->uidmap);
	sandbox_strings_finish(&spec->gidmap);
	sandbox_strings_finish(&spec->volume);
	sandbox_strings_finish(&spec->mount);
	sandbox_strings_finish(&spec->tmpfs);
	sandbox_strings_finish(&spec->device);
	sandbox_strings_finish(&spec->publish);
	sandbox_strings_finish(&spec->dns);
	sandbox_strings_finish(&spec->dns_search);
	sandbox_strings_finish(&spec->add_host);
	sandbox_strings_finish(&spec->ulimit);
	sandbox_strings_finish(&spec->security_opt);
	sandbox_strings_finish(&spec->sysctl);
	sandbox_strings_finish(&spec->require);
	sandbox_strings_finish(&spec->cap_add);
	sandbox_strings_finish(&spec->cap_drop);
	limits_finish(&spec->limits);
	free(spec->entrypoint);
	free(spec->platform);
	free(spec->select);
	free(spec->name);
	free(spec->cidfile);
	free(spec->pidfile);
	free(spec->status_fd);
	free(spec->stop_signal);
	free(spec->workdir);
	free(spec->umask);
	free(spec->oom_score_adj);
	free(spec->user);
	free(spec->userns);
	free(spec->hostname);
	free(spec->net);
	*spec = (struct sandbox_spec){0};
}
