/* One table of checks, in the order in which they can be made. */
#include <sandbox/doctor.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/scope.h"
#include "doctor/check.h"
#include "doctor/child.h"
#include "runtime/plan.h"
#include "runtime/upper.h"

enum check_id {
	CHECK_USER_NAMESPACE,
	CHECK_SUBORDINATE_IDS,
	CHECK_ID_MAP,
	CHECK_PROC,
	CHECK_SYSFS,
	CHECK_DEVPTS,
	CHECK_NETWORK_NAMESPACE,
	CHECK_SECCOMP,
	CHECK_KEYRING,
	CHECK_STORE,
	CHECK_ATTRIBUTES,
	CHECK_IMPORT,
	CHECK_OVERLAY,
	CHECK_OVERLAY_DISK,
	CHECK_RUNTIME,
	CHECK_RUN,
	CHECK_TUN,
	CHECK_PASTA,
	CHECK_MEMORY_LIMIT,
	CHECK_PROCESS_LIMIT,
	CHECK_CPU_LIMIT,
	CHECK_CPUSET_LIMIT,
	CHECK_IO_LIMIT,
	CHECK_COUNT
};

#define BIT(check) (1U << (check))

static const char every_run[] = "every run";

/* ---- what the parent does between the checks ---- */

/* The ids that a run would use; `mapped` says whether those of the user could be. */
static int settle_ids(struct examination *examination, bool mapped, struct sandbox_error *error)
{
	struct userns_request request = {.mode = mapped ? USERNS_MAP : USERNS_SINGLE};
	int result = host_probe(mapped, &examination->host, error);

	return result < 0 ? result : plan_decide_idmap(&request, &examination->host, &examination->idmap, error);
}

/* What checks leave there belongs to root of the user namespace, and goes in one (staging_remove). */
static int settle_store(struct examination *examination, bool usable, struct sandbox_error *error)
{
	int result = usable ? image_store_open(examination->locations->store, &examination->store, error) : 0;

	if (result == 0 && usable)
		result = staging_create(&examination->store, &examination->workshop, error);
	if (result < 0 || !usable)
		return result;
	if (mkdirat(examination->workshop.wrapper, "root", 0700) < 0)
		return error_set(error, errno, "make a directory in %s", examination->store.path);
	examination->room = memory_format("%s/staging/%s/root", examination->store.path, examination->workshop.name);
	return 0;
}

/* ---- the table ---- */

static const struct check {
	const char *name;
	const char *purpose;
	bool by_default;
	enum sandbox_health failure; /* what it means when it fails */
	unsigned int needs;          /* that have not failed before */
	int (*function)(const struct examination *examination, struct check_report *report);
	int (*settle)(struct examination *examination, bool succeeded, struct sandbox_error *error);
} checks[CHECK_COUNT] = {
	[CHECK_USER_NAMESPACE] = {"user namespaces", every_run, true, SANDBOX_HEALTH_MISSING, 0, check_user_namespace},
	[CHECK_SUBORDINATE_IDS] = {"subordinate ids", "users inside", true, SANDBOX_HEALTH_MISSING, 0,
		check_subordinate_ids},
	[CHECK_ID_MAP] = {"id map", "users inside", true, SANDBOX_HEALTH_MISSING,
		BIT(CHECK_USER_NAMESPACE) | BIT(CHECK_SUBORDINATE_IDS), check_id_map, settle_ids},
	[CHECK_PROC] = {"fresh /proc", every_run, true, SANDBOX_HEALTH_MISSING, BIT(CHECK_USER_NAMESPACE), check_proc},
	[CHECK_SYSFS] = {"sysfs", every_run, true, SANDBOX_HEALTH_MISSING, BIT(CHECK_USER_NAMESPACE), check_sysfs},
	[CHECK_DEVPTS] = {"terminals", every_run, true, SANDBOX_HEALTH_MISSING, BIT(CHECK_USER_NAMESPACE), check_devpts},
	[CHECK_NETWORK_NAMESPACE] = {"network namespace", every_run, true, SANDBOX_HEALTH_MISSING, BIT(CHECK_USER_NAMESPACE),
		check_network_namespace},
	[CHECK_SECCOMP] = {"system call filter", every_run, true, SANDBOX_HEALTH_MISSING, 0, check_seccomp},
	[CHECK_KEYRING] = {"session keyring", every_run, true, SANDBOX_HEALTH_MISSING, 0, check_keyring},
	[CHECK_STORE] = {"image store", every_run, true, SANDBOX_HEALTH_MISSING, 0, check_store, settle_store},
	[CHECK_ATTRIBUTES] = {"file attributes", "--userns=single", false, SANDBOX_HEALTH_DEGRADED, BIT(CHECK_STORE),
		check_attributes},
	[CHECK_IMPORT] = {"sandbox-import", "new images", true, SANDBOX_HEALTH_MISSING,
		BIT(CHECK_USER_NAMESPACE) | BIT(CHECK_STORE), check_import},
	[CHECK_OVERLAY] = {"overlay in memory", "speed", false, SANDBOX_HEALTH_DEGRADED, BIT(CHECK_IMPORT), check_overlay},
	[CHECK_OVERLAY_DISK] = {"overlay on disk", "--overlay=disk", false, SANDBOX_HEALTH_DEGRADED, BIT(CHECK_IMPORT),
		check_overlay_disk},
	[CHECK_RUNTIME] = {"runtime folder", "--name", false, SANDBOX_HEALTH_DEGRADED, 0, check_runtime},
	[CHECK_RUN] = {"a whole run", every_run, true, SANDBOX_HEALTH_MISSING,
		BIT(CHECK_PROC) | BIT(CHECK_SYSFS) | BIT(CHECK_DEVPTS) | BIT(CHECK_NETWORK_NAMESPACE) | BIT(CHECK_SECCOMP) |
			BIT(CHECK_KEYRING) | BIT(CHECK_IMPORT), check_run},
	[CHECK_TUN] = {"/dev/net/tun", "--net", false, SANDBOX_HEALTH_MISSING, BIT(CHECK_NETWORK_NAMESPACE), check_tun},
	[CHECK_PASTA] = {"network", "--net, --publish", false, SANDBOX_HEALTH_MISSING, BIT(CHECK_RUN) | BIT(CHECK_TUN),
		check_pasta},
	[CHECK_MEMORY_LIMIT] = {"memory limit", "--memory", false, SANDBOX_HEALTH_MISSING, BIT(CHECK_RUN), check_memory_limit},
	[CHECK_PROCESS_LIMIT] = {"process limit", "--pids-limit", false, SANDBOX_HEALTH_MISSING, BIT(CHECK_RUN),
		check_process_limit},
	[CHECK_CPU_LIMIT] = {"processor limit", "--cpus", false, SANDBOX_HEALTH_MISSING, BIT(CHECK_RUN), check_cpu_limit},
	[CHECK_CPUSET_LIMIT] = {"processor set", "--cpuset-cpus", false, SANDBOX_HEALTH_MISSING, BIT(CHECK_RUN),
		check_cpuset_limit},
	[CHECK_IO_LIMIT] = {"disk limit", "--device-write-bps", false, SANDBOX_HEALTH_MISSING, BIT(CHECK_RUN), check_io_limit},
};

const char *sandbox_health_name(enum sandbox_health health)
{
	static const char *const names[] = {
		[SANDBOX_HEALTH_OK] = "ok",
		[SANDBOX_HEALTH_DEGRADED] = "degraded",
		[SANDBOX_HEALTH_MISSING] = "missing",
		[SANDBOX_HEALTH_UNTESTED] = "untested",
	};

	return names[health];
}

/* The first of the checks that this one needs, and which has failed; or -1. */
static int find_obstacle(const struct check *check, const struct sandbox_finding *findings)
{
	for (int i = 0; i < CHECK_COUNT; i++)
		if ((check->needs & BIT(i)) && (findings[i].health == SANDBOX_HEALTH_MISSING ||
		    findings[i].health == SANDBOX_HEALTH_UNTESTED))
			return i;
	return -1;
}

static void leave_untested(const struct sandbox_finding *obstacle, struct sandbox_finding *finding)
{
	finding->health = SANDBOX_HEALTH_UNTESTED;
	error_set(&finding->error, 0, "wait for another check");
	error_cause(&finding->error, SANDBOX_E_NONE, "\"%s\" has to succeed first", obstacle->check);
	(void)error_fix(&finding->error, "repair that, and run sandbox doctor again");
}

/* 0, or -EINTR. */
static int make_check(struct examination *examination, const struct check *check, struct sandbox_finding *findings,
	struct sandbox_finding *finding)
{
	int obstacle = find_obstacle(check, findings), result;
	struct check_report report = {.health = SANDBOX_HEALTH_OK};

	if (obstacle >= 0) {
		leave_untested(&findings[obstacle], finding);
		return 0;
	}
	result = child_run(0, check->function, examination, &report);
	if (result == -EINTR && report.error.code == EINTR)
		return -EINTR;
	finding->health = result < 0 && report.health == SANDBOX_HEALTH_OK ? check->failure : report.health;
	memcpy(finding->found, report.found, sizeof(finding->found));
	finding->error = report.error;
	return 0;
}

static int make_checks(struct examination *examination, struct sandbox_diagnosis *diagnosis)
{
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		struct sandbox_finding *finding = &diagnosis->items[i];
		struct sandbox_error problem = {0};

		finding->check = checks[i].name;
		finding->purpose = checks[i].purpose;
		finding->by_default = checks[i].by_default;
		diagnosis->count = i + 1;
		if (make_check(examination, &checks[i], diagnosis->items, finding) < 0)
			return -EINTR;
		/* A store on which little is left can be used all the same; ids that cannot be mapped can not. */
		if (checks[i].settle && checks[i].settle(examination, finding->health == SANDBOX_HEALTH_OK ||
		    (i == CHECK_STORE && finding->health == SANDBOX_HEALTH_DEGRADED), &problem) < 0) {
			finding->health = SANDBOX_HEALTH_MISSING;
			finding->error = problem;
		}
	}
	return 0;
}

static void examination_finish(struct examination *examination)
{
	if (examination->workshop.wrapper >= 0)
		(void)staging_remove(&examination->store, &examination->workshop, &examination->idmap, NULL);
	/* Of a check that was ended in the middle. */
	if (examination->idmap.users.count)
		uppers_sweep(examination->locations->state, &examination->idmap);
	staging_finish(&examination->workshop);
	image_store_finish(&examination->store);
	host_finish(&examination->host);
	free(examination->room);
	interrupt_release(&examination->interrupt);
}

int sandbox_diagnose(const struct sandbox_locations *locations, struct sandbox_diagnosis *out,
	struct sandbox_error *error)
{
	auto_finish(examination_finish) struct examination examination = {
		.locations = locations, .interrupt = INTERRUPT_INIT, .store = IMAGE_STORE_INIT, .workshop = STAGING_INIT};
	int result = interrupt_hold(&examination.interrupt, error);

	if (result < 0)
		return result;
	*out = (struct sandbox_diagnosis){.items = memory_zeroed(CHECK_COUNT, sizeof(*out->items)), .works = true};
	if (make_checks(&examination, out) < 0)
		return error_set(error, EINTR, "examine this machine");
	for (size_t i = 0; i < out->count; i++)
		if (out->items[i].by_default && out->items[i].health != SANDBOX_HEALTH_OK)
			out->works = false;
	return 0;
}

void sandbox_diagnosis_finish(struct sandbox_diagnosis *diagnosis)
{
	free(diagnosis->items);
	*diagnosis = (struct sandbox_diagnosis){0};
}
