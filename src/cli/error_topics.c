#include "cli/error_topics.h"

#include <stdio.h>
#include <strings.h>

#include <sandbox/error.h>

struct topic {
	const char *summary;
	const char *text;
};

static const struct topic topics[SANDBOX_E_COUNT] = {
	[SANDBOX_E_USAGE] = {"the command line could not be understood",
		"`sandbox COMMAND --help` lists the options. Options stop at IMAGE; what follows it is the command."},
	[SANDBOX_E_USERNS_DISABLED] = {"user namespaces are switched off",
		"Every sandbox is a user namespace. Debian's kernel.unprivileged_userns_clone must be 1 and the kernel\n"
		"must have CONFIG_USER_NS. A process in a chroot(2) cannot make one either."},
	[SANDBOX_E_USERNS_LIMIT] = {"no more user namespaces may be made",
		"The sysctl user.max_user_namespaces bounds them per user, and they nest at most 32 deep. Inside a sandbox\n"
		"the limit is 0 unless it was started with --nesting. Other kinds of namespaces have limits of their own\n"
		"(user.max_net_namespaces and so on). An administrator raises them:\n"
		"sudo sysctl user.max_user_namespaces=15000"},
	[SANDBOX_E_USERNS_APPARMOR] = {"AppArmor restricts user namespaces",
		"Ubuntu 23.10 and later let only programs with an AppArmor profile use them. An administrator\n"
		"sets kernel.apparmor_restrict_unprivileged_userns to 0, or gives this program alone a profile:\n\n"
		"    abi <abi/4.0>,\n    profile sandbox /usr/local/bin/sandbox flags=(unconfined) { userns, }"},
	[SANDBOX_E_USERNS_FILTERED] = {"something around this process refuses user namespaces",
		"A container runtime's seccomp filter, or a security module. Docker: --security-opt seccomp=unconfined\n"
		"(and --security-opt systempaths=unconfined, see E_PROC_MASKED)."},
	[SANDBOX_E_SUBID_MISSING] = {"the user has no subordinate ids",
		"Ids other than root's inside come from /etc/subuid and /etc/subgid. An administrator adds them with\n"
		"usermod --add-subuids and --add-subgids. Without them only --userns=single works: root alone exists\n"
		"inside, and programs that change users (apt, dpkg with maintainer scripts, su) fail."},
	[SANDBOX_E_SUBID_INVALID] = {"the subordinate ids cannot be used",
		"A range in /etc/subuid or /etc/subgid is malformed, overlaps, holds 0 or the user's own id, or ends above\n"
		"4294967294. An administrator corrects the line that the message names; --userns=single does without."},
	[SANDBOX_E_NEWIDMAP_MISSING] = {"newuidmap or newgidmap is not installed",
		"They come with the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora)."},
	[SANDBOX_E_NEWIDMAP_REFUSED] = {"newuidmap or newgidmap refused the map",
		"They allow what /etc/subuid and /etc/subgid give to the user, and need their set-user-ID bit or file\n"
		"capabilities: an unpacked or copied program has neither, and a nosuid mount takes them away. Installing\n"
		"their package again brings the bit back; --userns=single does without them."},
	[SANDBOX_E_NNP] = {"no_new_privs keeps newuidmap from working",
		"Whoever started this process set no_new_privs (many CI runners, systemd's NoNewPrivileges=), so no\n"
		"set-user-ID program can help. Without --userns the sandbox falls back to a single id."},
	[SANDBOX_E_PROC_MASKED] = {"a fresh /proc is refused",
		"The kernel allows a new procfs only where the present /proc is fully visible. Docker and Kubernetes\n"
		"mask parts of it: start the outer container with --security-opt systempaths=unconfined. Or let the sandbox\n"
		"have the present one, read-only, with --proc=host: it then sees the processes around it."},
	[SANDBOX_E_OVERLAY] = {"the overlay file system cannot be mounted",
		"Linux 5.11 and later allow it inside a user namespace. The writable layer cannot lie on an overlay\n"
		"itself (a home inside a container): name another place with --state, or use --overlay=tmpfs."},
	[SANDBOX_E_HOME_UNUSABLE] = {"a directory of sandbox's own cannot be made or written",
		"Images live in ~/.cache/sandbox, what is kept in ~/.local/state/sandbox, and what is gone at reboot in\n"
		"$XDG_RUNTIME_DIR/sandbox. Each must be yours, and nobody else may write there. A read-only or missing home\n"
		"needs --root DIR and --state DIR, an unusable runtime directory --runroot DIR."},
	[SANDBOX_E_NO_SPACE] = {"the file system is full",
		"Nothing was kept of what did not fit. `sandbox df` tells what the image store takes; `sandbox gc`,\n"
		"`sandbox rmi` and `sandbox image prune` make room in it, and --root DIR puts it elsewhere."},
	[SANDBOX_E_KEY_QUOTA] = {"the quota of kernel keys is used up",
		"Every sandbox has a session keyring of its own, charged to the user: kernel.keys.maxkeys (200) and\n"
		"kernel.keys.maxbytes bound them. End some sandboxes, or have an administrator raise both:\n"
		"sudo sysctl kernel.keys.maxkeys=2000 kernel.keys.maxbytes=200000"},
	[SANDBOX_E_ARCHIVE_FORMAT] = {"the file is not an archive that sandbox reads",
		"A tar of a root file system, as `docker export` writes it, or of an image, as `docker save` and `skopeo\n"
		"copy` do: plain or gzip, bzip2, xz, zstd, lz4."},
	[SANDBOX_E_ARCHIVE_TRUNCATED] = {"the archive ends too early",
		"The end-of-archive marker is missing: the file was cut, perhaps by an interrupted download. Fetch or export\n"
		"it again, and compare its checksum."},
	[SANDBOX_E_ARCHIVE_HOSTILE] = {"the archive holds something that no honest archive holds",
		"An entry that would leave the root directory, pass through a symbolic link, or change what an earlier entry\n"
		"stands for. Nothing was extracted. Do not trust it; if it is your own, make it again with tar -C ROOT -c ."},
	[SANDBOX_E_ARCHIVE_LIMIT] = {"the archive exceeds a limit",
		"Limits on bytes, entries, path depth, headers and expansion keep an archive from filling the disk. They are\n"
		"options of `sandbox import`, and settings for the first run of an archive: sandbox-config(5). One that is\n"
		"written has a bound, too: on the files with several names, which are kept in memory meanwhile."},
	[SANDBOX_E_IMAGE_UNKNOWN] = {"no such image",
		"IMAGE is the path of an archive or a folder, or the name or digest of an image in the store\n"
		"(`sandbox images`). Nothing is fetched from a registry: `docker save`, `podman save` and\n"
		"`skopeo copy docker://NAME oci-archive:FILE` make an archive of what is there."},
	[SANDBOX_E_IMAGE_IN_USE] = {"the image is in use",
		"A running sandbox stands on it, or a kept one that can be started again. `sandbox ps -a` lists those that\n"
		"have a name, are kept or in the background: end the one (sandbox stop), remove the other (sandbox rm)."},
	[SANDBOX_E_IMPORTER_MISSING] = {"sandbox-import was not found",
		"The program that reads archives lies beside the sandbox program or in ../libexec/sandbox of it. `make install`\n"
		"puts it there."},
	[SANDBOX_E_ROOT_LAYOUT] = {"the image's root directory cannot be set up",
		"/proc, /sys and /dev must be directories or absent, and mount points must not lead through links that go\n"
		"round in circles, nor into /proc and /sys. Choose another target or working directory than the one that the\n"
		"message names, or an image that has nothing of another kind there."},
	[SANDBOX_E_COMMAND_NOT_FOUND] = {"the command does not exist in the image (exit status 127)",
		"It was looked for along the PATH of the sandbox, or at the path that was given. Check its spelling, and that\n"
		"the image has it: `sandbox run --dry-run` shows the PATH."},
	[SANDBOX_E_COMMAND_NOT_EXECUTABLE] = {"the command cannot be executed (exit status 126)",
		"It is a directory, has no execute permission, needs an interpreter that is missing, or is made for\n"
		"another machine."},
	[SANDBOX_E_USER_UNKNOWN] = {"the image has no such user or group",
		"Names are looked up in the image's own /etc/passwd and /etc/group. A number always works."},
	[SANDBOX_E_FOLDER] = {"the folder cannot be the root of a sandbox",
		"A folder given as IMAGE becomes the read-only layer below the sandbox's root: it is neither copied nor\n"
		"written. Nothing may be mounted in it, it must lie neither in the image store nor above it or your home,\n"
		"and overlay must be able to stand on its file system. What cannot be used in place can be imported:\n"
		"tar -C DIR -c . | sandbox import --name NAME -"},
	[SANDBOX_E_ID_UNMAPPED] = {"an id has no place in the id map",
		"The sandbox has ids 0 to the size of the subordinate range; with --userns=single only 0, with --uidmap and\n"
		"--gidmap those that they name. Take another number, or have more subordinate ids (see E_SUBID_FEW). The\n"
		"files of an image can have any owners with --userns=single, which records them."},
	[SANDBOX_E_NAME_IN_USE] = {"another sandbox has that name",
		"Names are unique among the sandboxes of one user, those included that have ended and are kept. Choose\n"
		"another one, or remove the sandbox that has it (`sandbox rm NAME`, or `sandbox run --replace`)."},
	[SANDBOX_E_KERNEL_TOO_OLD] = {"the kernel is too old",
		"Linux 5.12 or later is needed (overlay in user namespaces, mount_setattr)."},
	[SANDBOX_E_CAPABILITY] = {"no such capability",
		"Names are those of capabilities(7), with or without CAP_, or ALL."},
	[SANDBOX_E_LIMIT_UNAVAILABLE] = {"a limit that was asked for cannot be held",
		"A resource limit (--ulimit) above the caller's hard limit, which only root may raise; a limit that neither\n"
		"this kernel nor --limits best-effort can hold, or whose value the kernel refuses; or --storage-size of a\n"
		"writable layer on the disk. Choose another value, or leave it out; see E_CGROUP_MISSING for what the kernel\n"
		"needs."},
	[SANDBOX_E_CHILD_DIED] = {"a process of the sandbox ended without saying why",
		"Something outside killed it (the kernel's out-of-memory killer, an operator), or it is a defect.\n"
		"`sudo dmesg` tells of the one; `sandbox --debug COMMAND ...` how far the other came."},
	[SANDBOX_E_SANDBOX_UNKNOWN] = {"no sandbox has that name or id",
		"Only sandboxes with a --name, kept (--keep) and detached ones (-d) can be found by others. `sandbox\n"
		"ps -a` lists them."},
	[SANDBOX_E_SANDBOX_STATE] = {"the sandbox is not in a state for that",
		"`sandbox ps -a` shows the state of each. One that has ended takes no signal; one that runs is not removed\n"
		"(sandbox rm --force ends it first); one that is paused does nothing (sandbox unpause). Only one with a\n"
		"control group, as a limit brings it, can be paused and limited, and only a kept one (--name, --keep) started\n"
		"again."},
	[SANDBOX_E_SUBID_FEW] = {"the user has fewer subordinate ids than images use",
		"Files of an image may belong to ids up to 65534 (nobody). Those beyond the range cannot be unpacked, and\n"
		"programs cannot become them. usermod --add-subuids adds a range to those that are there."},
	[SANDBOX_E_SUBID_SHARED] = {"another user has some of the same subordinate ids",
		"Who has an id may do anything with its files and processes: the two users' sandboxes are not isolated from\n"
		"each other. Images that were unpacked for the old range are unpacked again for the new one."},
	[SANDBOX_E_NO_ATTRIBUTES] = {"the file system keeps no extended attributes",
		"With a single id the owners of an image's files are recorded in user.* attributes. NFS before 4.2, and a\n"
		"tmpfs before Linux 6.6, have none: put the store on another file system with --root."},
	[SANDBOX_E_SECCOMP_PROFILE] = {"the system call profile cannot be used",
		"--security-opt seccomp=FILE takes Docker's JSON format. The message names the place. Keys, actions and\n"
		"architectures that are not known are errors, and so are SCMP_ACT_NOTIFY and SCMP_ACT_TRACE, which need a\n"
		"partner outside."},
	[SANDBOX_E_REQUIRED] = {"a protection that --require names is not in force",
		"What was asked for, or this machine, takes it away. sandbox-run(1) lists the names and their meaning."},
	[SANDBOX_E_PASTA_MISSING] = {"pasta is not installed",
		"--net and --publish need the program that carries a sandbox's connections: pasta, of the package passt\n"
		"(Debian, Ubuntu, Fedora)."},
	[SANDBOX_E_TUN_UNAVAILABLE] = {"the network device /dev/net/tun cannot be opened",
		"pasta stands behind a tap device. `modprobe tun` loads the driver; udev makes the device 0666, and a\n"
		"container has to be given it (--device /dev/net/tun)."},
	[SANDBOX_E_PASTA_FAILED] = {"pasta could not connect the sandbox",
		"Its last words are in the message. It needs an interface of this machine with a default route, and\n"
		"published ports that nobody listens on; those below 1024 are root's (net.ipv4.ip_unprivileged_port_start)."},
	[SANDBOX_E_CGROUP_MISSING] = {"there is no control group to hold limits",
		"Limits on memory, processors, processes and disks are held by cgroup v2, in a group that was delegated to\n"
		"you: the one that sandbox is started in, or is given with --cgroup-parent, or a scope that your systemd user\n"
		"manager makes. `sandbox run --dry-run -m 1g IMAGE` shows which. Where there is none, --limits best-effort\n"
		"watches memory and processes from outside; what escapes it is listed in sandbox-run(1)."},
	[SANDBOX_E_CGROUP_CONTROLLER] = {"a controller of cgroup v2 is not delegated",
		"systemd passes cpu, memory and pids on to user managers. io and cpuset need a drop-in for user@.service, which\n"
		"comes with sandbox (contrib/systemd/user-delegate.conf): install it as\n"
		"/etc/systemd/system/user@.service.d/sandbox.conf, run `systemctl daemon-reload`, and log in again."},
	[SANDBOX_E_IMAGE_CHOICE] = {"the archive holds several images, or none that fits",
		"Name the platform (--platform linux/arm64) or the name that the archive gives to the image (--select NAME)."},
	[SANDBOX_E_LAYER_NAME] = {"a file has a name that a layer cannot hold",
		"Layers of images say what they delete by names: \".wh.NAME\" is the deletion of NAME. A file that is called so\n"
		"itself cannot be in one. `sandbox export` writes a whole tree, in which such names are names."},
	[SANDBOX_E_IMAGE_DAMAGED] = {"something in the image store is not what it was",
		"`sandbox image verify` names every file of an image that has changed since it was imported; with --discard\n"
		"it removes the damaged layers, and the next import of the archive makes them again. A record of an image\n"
		"that cannot be understood hides which layers it needs, so none is removed until `sandbox rmi -f` has\n"
		"removed the record."},
	[SANDBOX_E_TIMEOUT] = {"the command did not run in the time that --timeout gives it",
		"A start takes milliseconds. One that hangs mostly waits for a file system that does not answer: a volume on a\n"
		"network's server or of a program (FUSE), or the image's own. The sandbox has been ended."},
};

bool error_topic_print(const char *name)
{
	for (int id = SANDBOX_E_NONE + 1; id < SANDBOX_E_COUNT; id++) {
		if (strcasecmp(sandbox_error_name(id), name) != 0)
			continue;
		printf("%s: %s\n\n%s\n", sandbox_error_name(id), topics[id].summary, topics[id].text);
		return true;
	}
	return false;
}

void error_topics_list(void)
{
	for (int id = SANDBOX_E_NONE + 1; id < SANDBOX_E_COUNT; id++)
		printf("%-26s %s\n", sandbox_error_name(id), topics[id].summary);
}
