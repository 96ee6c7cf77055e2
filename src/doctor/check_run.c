/* All of it at once: sandboxes in which this program prints its version. */
#include "doctor/check.h"

#include <sandbox/container.h>

#include <stdio.h>

#include "base/memory.h"
#include "base/scope.h"
#include "doctor/probe_archive.h"

static int run(const struct examination *examination, struct sandbox_spec *spec, struct check_report *report)
{
	auto_free char *store = memory_format("%s/store", examination->room);
	auto_free char *archive = memory_format("%s/archive.tar", examination->room);
	struct sandbox_locations locations = {store, examination->locations->state, examination->locations->runtime};
	struct sandbox_result ended = {0};
	int result, status;

	sandbox_strings_add(&spec->command, PROBE_PROGRAM);
	sandbox_strings_add(&spec->command, "--version");
	result = sandbox_run(&locations, archive, spec, NULL, &ended, &report->error);
	/* A build with sanitizers is dynamic and finds no loader in there; up to there all has been done. */
	if (result < 0 && report->error.id == SANDBOX_E_COMMAND_NOT_EXECUTABLE) {
		(void)snprintf(report->found, sizeof(report->found), "up to the start of the command");
		return 0;
	}
	if (result < 0)
		return result;
	status = sandbox_result_exit_status(&ended);
	return status == 0 ? 0 : error_set(&report->error, 0, "run a command: it ended with status %d", status);
}

int check_run(const struct examination *examination, struct check_report *report)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;

	sandbox_spec_init(&spec);
	return run(examination, &spec, report);
}

int check_pasta(const struct examination *examination, struct check_report *report)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;

	sandbox_spec_init(&spec);
	spec.net = memory_text("pasta");
	return run(examination, &spec, report);
}

/* ---- limits, one of each controller ---- */

static int run_limited(const struct examination *examination, size_t limit, const char *value, struct check_report *report)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;

	sandbox_spec_init(&spec);
	*(char **)((char *)&spec.limits + limit) = memory_text(value);
	return run(examination, &spec, report);
}

int check_memory_limit(const struct examination *examination, struct check_report *report)
{
	return run_limited(examination, offsetof(struct sandbox_limits, memory), "256m", report);
}

int check_process_limit(const struct examination *examination, struct check_report *report)
{
	return run_limited(examination, offsetof(struct sandbox_limits, pids_limit), "100", report);
}

int check_cpu_limit(const struct examination *examination, struct check_report *report)
{
	return run_limited(examination, offsetof(struct sandbox_limits, cpus), "1", report);
}

int check_cpuset_limit(const struct examination *examination, struct check_report *report)
{
	return run_limited(examination, offsetof(struct sandbox_limits, cpuset_cpus), "0", report);
}

int check_io_limit(const struct examination *examination, struct check_report *report)
{
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;
	auto_free char *rate = memory_format("%s:1g", examination->store.path);

	sandbox_spec_init(&spec);
	/* Not --io-weight: that needs a scheduler of the disk which not every kernel has. */
	sandbox_strings_add(&spec.limits.device_write_bps, rate);
	return run(examination, &spec, report);
}
