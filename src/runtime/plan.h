/*
 * What will be done, decided in full: every id is a number, every filter compiled, every mount in order.
 * Made from a spec and a host without creating anything; immutable afterwards; what cannot be done
 * has failed by then.
 */
#ifndef RUNTIME_PLAN_H
#define RUNTIME_PLAN_H

#include <sandbox/spec.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "image/config.h"
#include "network/network.h"
#include "cgroup/cgroup.h"
#include "process/terminal.h"
#include "rootfs/mount_list.h"
#include "rootfs/root.h"
#include "runtime/host.h"
#include "runtime/log_limits.h"
#include "runtime/userns_request.h"
#include "security/rlimit.h"
#include "security/seccomp_filter.h"
#include "userns/idmap.h"

/* How the sandbox is looked after. Both go through the same launch; they differ in who waits. */
enum supervision {
	SUPERVISION_ATTACHED, /* the caller waits; init and payload end with it */
	SUPERVISION_DETACHED, /* a process in the background does; they end with that */
};

struct plan {
	enum supervision supervision;
	bool own_init;           /* the payload is PID 1, of a pid namespace inside init's */
	bool kept;               /* its writable layer stays, for another start */
	char *kept_record;       /* what that needs (runtime/kept.h), once the image is known; NULL where it is written down */
	bool remove;             /* nothing stays of it, not even a log */
	struct sandbox_strings labels; /* KEY=VALUE */
	bool replace;            /* whoever has the name is ended and removed first */
	char *cidfile, *pidfile; /* files for the id, and for the process id of init; NULL for none */
	struct log_limits log;   /* of a detached one */
	int stop_signal;
	uint64_t stop_timeout;   /* milliseconds */
	char *image;             /* as the user named it */
	char *digest;            /* of the image; NULL for a folder */
	struct idmap idmap;
	bool maps_itself;        /* the map needs no newuidmap: of a single id, or of a root's */
	struct root_plan root;
	int layers;              /* the store's directory of layers: root.layers are below it. Borrowed */
	struct mount_list mounts;
	struct network_plan network;
	char *name;              /* a file name; NULL for none */
	char *hostname;
	uint64_t capabilities;
	struct seccomp_program seccomp; /* empty for none */
	char *seccomp_profile;   /* what --dry-run says of the user's profile; NULL for our own filter */
	char *seccomp_text;      /* that profile, as it was read */
	bool no_new_privs;
	bool unmask_all;
	struct sandbox_strings masked;   /* absolute paths, besides the default ones */
	struct sandbox_strings unmasked; /* of the default ones */
	struct rlimit_list rlimits;
	struct cgroup_plan cgroup;
	struct sandbox_strings command; /* empty: root's shell */
	struct sandbox_strings command_origins; /* where each word of it comes from */
	bool user_of_image, workdir_of_image; /* nobody else has said it */
	struct sandbox_strings environment_origins; /* NAME=where it comes from */
	struct sandbox_strings environment; /* without HOME unless it was given: the image's passwd says it */
	struct sandbox_strings environment_asked; /* what the options alone come to: a start later is to have the same */
	bool without_home;       /* no HOME, not even the image's */
	char *workdir;           /* absolute, inside */
	mode_t umask;
	char *oom_score_adj;     /* for proc_pid_oom_score_adj(5); NULL: as it is */
	char *user;              /* NULL for root */
	struct sandbox_strings groups; /* supplementary ones, names or numbers, besides those of the user */
	unsigned int preserve_fds;
	int status_fd;           /* who is told what becomes of it, or -1 */
	uint64_t timeout;        /* milliseconds, 0 for none */
	uint64_t holder;         /* milliseconds that one is kept for the next run; 0: none is used, nor started */
	int holder_call;         /* one was asked already (holder_call), unless this is 0 or less; ours */
	bool keep_input;         /* of a detached one without a terminal: a pipe that others can be attached to, else empty */
	enum terminal_kind terminal; /* what the payload gets for the caller's */
	bool upper_on_disk;      /* root.upper is to be set once the directory exists */
};

/* Refuses a standard descriptor that is a directory: from there openat(2) leads to all of the host's files. 0 or -errno. */
int plan_check_streams(struct sandbox_error *error);

/* Which ids the sandbox will have. Prints a notice when it falls back to a single id. 0 or -errno. */
int plan_decide_idmap(const struct userns_request *request, const struct host *host, struct idmap *out,
	struct sandbox_error *error);

/* Capabilities, filter, limits, masks. 0 or -errno. */
int plan_decide_security(const struct sandbox_spec *spec, struct plan *plan, struct sandbox_error *error);

/* Looks at what the network that is wanted needs of this machine. 0 or -errno. */
int plan_probe_network(const struct sandbox_spec *spec, struct host *host, struct sandbox_error *error);

/* The network, and what /etc/hosts and /etc/resolv.conf say; the host name is decided by then. 0 or -errno. */
int plan_decide_network(const struct sandbox_spec *spec, const struct host *host, struct plan *plan,
	struct sandbox_error *error);

/* The steps that build the root, when all else is decided. 0 or -errno. */
int plan_decide_mounts(const struct sandbox_spec *spec, const struct host *host, struct plan *plan,
	struct sandbox_error *error);

/*
 * Everything but the image's layers, so that every mistake of the user is found before an archive is read.
 * 0 or -errno; *out is to be finished in either case.
 */
int plan_build(const struct sandbox_spec *spec, const struct host *host, const struct idmap *idmap,
	struct plan *out, struct sandbox_error *error);

/*
 * The image's layers, the lowest first, names below the directory `store_layers` (borrowed); they were extracted
 * for the same id map.
 */
void plan_set_layers(struct plan *plan, int store_layers, const struct sandbox_strings *layers);

/* Which image of an archive is meant, and how it is to be started. 0 or -errno. */
int plan_decide_image(const struct sandbox_spec *spec, struct import_choice *out, struct sandbox_error *error);

/* What the image itself says, where the user has said nothing. (Its texts were checked when they were read.) */
void plan_apply_image(struct plan *plan, const struct sandbox_spec *spec, const struct image_config *config);
void plan_finish(struct plan *plan);

#endif
