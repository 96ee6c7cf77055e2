/* All of it at once: a sandbox without options, in which this program prints its version. */
#include "doctor/check.h"

#include <sandbox/container.h>

#include <stdio.h>

#include "base/memory.h"
#include "base/scope.h"
#include "doctor/probe_archive.h"

int check_run(const struct examination *examination, struct check_report *report)
{
	auto_free char *store = memory_format("%s/store", examination->room);
	auto_free char *archive = memory_format("%s/archive.tar", examination->room);
	struct sandbox_locations locations = {store, examination->locations->state, examination->locations->runtime};
	auto_finish(sandbox_spec_finish) struct sandbox_spec spec;
	struct sandbox_result ended;
	int result;

	sandbox_spec_init(&spec);
	sandbox_strings_add(&spec.command, PROBE_PROGRAM);
	sandbox_strings_add(&spec.command, "--version");
	result = sandbox_run(&locations, archive, &spec, NULL, &ended, &report->error);
	/* A build with sanitizers is dynamic and finds no loader in there; up to there all has been done. */
	if (result < 0 && report->error.id == SANDBOX_E_COMMAND_NOT_EXECUTABLE) {
		(void)snprintf(report->found, sizeof(report->found), "up to the start of the command");
		return 0;
	}
	if (result < 0)
		return result;
	if (sandbox_result_exit_status(&ended) != 0)
		return error_set(&report->error, 0, "run a command: it ended with status %d", sandbox_result_exit_status(&ended));
	return 0;
}
