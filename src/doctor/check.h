/*
 * What a check is: a function that does the thing, in a child process of its own (child.h), and explains a failure as
 * a run would, by the same code.
 */
#ifndef DOCTOR_CHECK_H
#define DOCTOR_CHECK_H

#include <sandbox/doctor.h>
#include <stdbool.h>

#include "base/interrupt.h"
#include "image/store.h"
#include "runtime/host.h"
#include "userns/idmap.h"

/* What the checks share. Filled between them, by the parent, as far as they have succeeded. */
struct examination {
	const struct sandbox_locations *locations;
	struct interrupt interrupt; /* held, so that nothing stays behind after ^C */
	struct host host;
	struct idmap idmap;       /* what a run would use */
	struct image_store store;
	/* A directory of the store's staging/: the next command clears it away should we be killed. */
	struct staging workshop;
	char *room;               /* the path in it where checks make what they need */
};

/* What a child reports of a check. */
struct check_report {
	enum sandbox_health health;
	char found[160];
	struct sandbox_error error;
};

/*
 * Each returns 0, or -errno with report->error filled. A failure is as bad as the row of the table says, unless the
 * function has set report->health itself; a success may be set to be less.
 */

/* Whose ids: check_ids.c */
int check_user_namespace(const struct examination *examination, struct check_report *report);
int check_subordinate_ids(const struct examination *examination, struct check_report *report);
int check_id_map(const struct examination *examination, struct check_report *report);

/* What a root has for itself: check_mounts.c */
int check_proc(const struct examination *examination, struct check_report *report);
int check_sysfs(const struct examination *examination, struct check_report *report);
int check_devpts(const struct examination *examination, struct check_report *report);
int check_network_namespace(const struct examination *examination, struct check_report *report);

/* Where images and layers lie: check_store.c */
int check_store(const struct examination *examination, struct check_report *report);
int check_attributes(const struct examination *examination, struct check_report *report);
int check_import(const struct examination *examination, struct check_report *report);
int check_overlay(const struct examination *examination, struct check_report *report);
int check_overlay_disk(const struct examination *examination, struct check_report *report);
int check_runtime(const struct examination *examination, struct check_report *report);

/* What confines the command: check_kernel.c */
int check_seccomp(const struct examination *examination, struct check_report *report);
int check_keyring(const struct examination *examination, struct check_report *report);

/* What --net needs: check_network.c */
int check_tun(const struct examination *examination, struct check_report *report);

/* All of it at once, without options and with those that need more: check_run.c */
int check_run(const struct examination *examination, struct check_report *report);
int check_pasta(const struct examination *examination, struct check_report *report);
int check_memory_limit(const struct examination *examination, struct check_report *report);
int check_process_limit(const struct examination *examination, struct check_report *report);
int check_cpu_limit(const struct examination *examination, struct check_report *report);
int check_cpuset_limit(const struct examination *examination, struct check_report *report);
int check_io_limit(const struct examination *examination, struct check_report *report);

#endif
