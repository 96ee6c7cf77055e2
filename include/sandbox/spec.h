/*
 * What is wanted, before anything is known about the host: the same value is filled from a command line,
 * a profile, an image's configuration. The names of the fields are those of the long options, and
 * sandbox-run(1) says what each means. Strings are owned by the spec.
 */
#ifndef SANDBOX_SPEC_H
#define SANDBOX_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <sandbox/import_limits.h>
#include <sandbox/limits.h>
#include <sandbox/strings.h>

enum sandbox_overlay {
	SANDBOX_OVERLAY_AUTO, /* on tmpfs where that can hold overlay's attributes, else on disk */
	SANDBOX_OVERLAY_TMPFS,
	SANDBOX_OVERLAY_DISK,
};

enum sandbox_proc {
	SANDBOX_PROC_NEW,  /* of the sandbox's own pid namespace */
	SANDBOX_PROC_HOST, /* the caller's, read-only */
};

struct sandbox_spec {
	struct sandbox_strings command; /* empty: the image's, else root's shell */
	char *entrypoint;    /* what comes before the command; NULL: the image's; "": nothing, nor the image's command */
	char *platform;      /* OS/ARCHITECTURE[/VARIANT], for archives with several images */
	char *select;        /* the name that such an archive gives to the image */
	struct sandbox_strings given;   /* FIELD=where its value comes from, for those that are not the default */

	char *name;
	bool keep;           /* what it writes stays for the next start; so anyway with a name, unless `rm` or --keep=false */
	struct sandbox_strings label; /* KEY[=VALUE] */
	bool replace;        /* whoever has the name is ended and removed first */
	char *cidfile;       /* a file that is made, for the id */
	char *pidfile;       /* a file for the process id of its init, while it runs */
	char *stop_signal;   /* what sandbox_stop sends; NULL: what the image says, else TERM */
	uint64_t stop_timeout; /* milliseconds that it waits then */
	bool detach;         /* in the background */
	struct sandbox_strings log_opt; /* max-size=SIZE, max-file=N: of the log of a detached one */
	char *status_fd;     /* the number of a descriptor that is told what becomes of it; NULL for none. Of one start */
	bool rm;             /* always so for one neither kept nor detached; of a detached one no log and no record stays */
	uint64_t timeout;    /* milliseconds, 0 for none */

	struct sandbox_strings env; /* NAME=VALUE, or NAME to take the caller's value */
	struct sandbox_strings env_file;
	bool env_host;       /* the caller's variables, but for those that describe his own file system and shell */
	struct sandbox_strings unsetenv; /* names */
	char *umask;         /* octal; NULL for 022 */
	char *oom_score_adj; /* -1000 to 1000; NULL for the caller's */
	char *workdir;
	bool init;           /* our own init is PID 1; else the command is */
	uint64_t preserve_fds;
	bool interactive;    /* in the background: standard input stays open for who is attached; else it is passed on anyway */
	bool tty;            /* a terminal, or an error; without it: one when the caller has one */
	bool no_tty;         /* none in any case */

	char *user;          /* USER[:GROUP], names or numbers */
	struct sandbox_strings group_add; /* supplementary groups, names or numbers */
	char *userns;        /* default, map, single, keep-id[:uid=N,gid=N]; NULL for the default */
	struct sandbox_strings uidmap; /* INSIDE:INTERMEDIATE:COUNT */
	struct sandbox_strings gidmap;
	uint64_t holder;     /* milliseconds that the user namespace is kept mapped for later runs, 0 for none */
	char *hostname;

	struct sandbox_strings volume; /* SOURCE:TARGET[:OPTIONS] */
	struct sandbox_strings mount;  /* type=bind|tmpfs,KEY=VALUE,… */
	struct sandbox_strings tmpfs;  /* TARGET[:OPTIONS] */
	struct sandbox_strings device; /* SOURCE[:TARGET] */
	bool read_only;
	int proc;            /* enum sandbox_proc */
	uint64_t shm_size;   /* bytes of /dev/shm */
	int overlay;         /* enum sandbox_overlay */
	uint64_t storage_size; /* bytes of a writable layer on tmpfs, 0 for the default */

	char *net;           /* none, host, pasta[:OPTIONS]; NULL for the default: none, or pasta for a published port */
	struct sandbox_strings publish;    /* [ADDRESS:]PORT:PORT[/udp] */
	struct sandbox_strings dns;        /* addresses */
	struct sandbox_strings dns_search; /* domains */
	struct sandbox_strings add_host;   /* NAME:ADDRESS */
	bool no_hosts;       /* the image's /etc/hosts stays */

	struct sandbox_limits limits;
	struct sandbox_strings ulimit;   /* NAME=SOFT[:HARD] */
	struct sandbox_strings cap_add;
	struct sandbox_strings cap_drop;
	struct sandbox_strings security_opt; /* seccomp=FILE, no-new-privileges=false, mask=PATH, unmask=PATH|ALL and so on */
	struct sandbox_strings sysctl;       /* KEY=VALUE, of the sandbox's own namespaces */
	struct sandbox_strings require;      /* NAME[,NAME...]: protections without which nothing is started */
	bool nesting;        /* user namespaces and mounts are allowed inside */

	struct sandbox_import_limits import_limits; /* for an archive that is not in the store yet */
};

/* The defaults. */
void sandbox_spec_init(struct sandbox_spec *spec);
void sandbox_spec_finish(struct sandbox_spec *spec);

#endif
