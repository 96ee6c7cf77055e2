/* Habits of who comes from docker(1), podman(1) or bwrap(1): options of `run` that there are not, and what to do instead. */
#ifndef CLI_FOREIGN_OPTIONS_H
#define CLI_FOREIGN_OPTIONS_H

#define FOREIGN_OPTIONS \
	{OPTION_ABSENT, "privileged", .help = "--cap-add ALL --nesting grants all that root of the sandbox can have; " \
					      "nothing makes it root of the host"}, \
	{OPTION_ABSENT, "restart", .help = "run it in a loop of the shell, or as a unit of systemd --user"}, \
	{OPTION_ABSENT, "detach-keys", .help = "start it with -d -t and then `sandbox attach`: what is in the foreground " \
					       "ends with its terminal"}, \
	{OPTION_ABSENT, "attach", 'a', .help = "leave it out: in the foreground its streams are passed on, with -d " \
					       "`sandbox attach` takes part"}, \
	{OPTION_ABSENT, "log-driver", .help = "leave it out: `sandbox logs` prints what is written in the background; " \
					      "--log-opt bounds it"}, \
	{OPTION_ABSENT, "pull", .help = "leave it out: images are archives, as `docker save` or `docker export` write them"}, \
	{OPTION_ABSENT, "rootfs", .help = "leave it out: a folder as IMAGE is a root file system"}, \
	{OPTION_ABSENT, "gpus", .help = "lend the device nodes with --device, and the driver's libraries with --volume"}, \
	{OPTION_ABSENT, "pid", .help = "leave it out: a sandbox always has its own pid namespace"}, \
	{OPTION_ABSENT, "ipc", .help = "leave it out: a sandbox always has its own ipc namespace"}, \
	{OPTION_ABSENT, "uts", .help = "leave it out: a sandbox always has its own host name, which --hostname sets"}, \
	{OPTION_ABSENT, "cgroupns", .help = "leave it out: a sandbox always has its own cgroup namespace"}, \
	{OPTION_ABSENT, "volumes-from", .help = "name each folder with --volume"}, \
	{OPTION_ABSENT, "secret", .help = "lend the file: -v ./FILE:/run/secrets/NAME:ro"}, \
	{OPTION_ABSENT, "tz", .help = "set the variable: -e TZ=Europe/Berlin, for an image that has tzdata"}, \
	{OPTION_ABSENT, "publish-all", 'P', .help = "name each port: -p PORT:PORT"}, \
	{OPTION_ABSENT, "expose", .help = "leave it out; -p PORT:PORT lets a port in"}, \
	{OPTION_ABSENT, "link", .help = "sandboxes have no network in common: let a port of one in with -p"}, \
	{OPTION_ABSENT, "cpu-quota", .help = "use --cpus: the quota divided by the period"}, \
	{OPTION_ABSENT, "cpu-period", .help = "use --cpus: the quota divided by the period"}, \
	{OPTION_ABSENT, "blkio-weight", .help = "use --io-weight"}, \
	{OPTION_ABSENT, "health-cmd", .help = "leave it out, and ask it with `sandbox exec`"}, \
	{OPTION_ABSENT, "health-interval", .help = "leave it out: nobody asks a sandbox how it is"}, \
	{OPTION_ABSENT, "no-healthcheck", .help = "leave it out: nobody asks a sandbox how it is"}, \
	{OPTION_ABSENT, "quiet", 'q', .help = "say it before the command: sandbox -q run"}, \
	{OPTION_ABSENT, "sig-proxy", .help = "leave it out: in the foreground signals are passed on, else `sandbox kill` sends " \
					     "them"}, \
	{OPTION_ABSENT, "ip", .help = "use --net=pasta:--address,ADDRESS"}, \
	{OPTION_ABSENT, "mac-address", .help = "use --net=pasta:--ns-mac-addr,ADDRESS"}, \
	{OPTION_ABSENT, "network-alias", .help = "sandboxes have no network in common: let a port of one in with -p"}, \
	{OPTION_ABSENT, "domainname", .help = "use --hostname NAME.DOMAIN"}, \
	{OPTION_ABSENT, "storage-opt", .help = "use --storage-size SIZE"}, \
	{OPTION_ABSENT, "memory-reservation", .help = "leave it out; --memory-high slows down what takes more"}, \
	{OPTION_ABSENT, "memory-swappiness", .help = "use --memory-swap: as much as --memory means no swap"}, \
	{OPTION_ABSENT, "oom-kill-disable", .help = "leave it out; --memory-high slows down before memory runs out"}, \
	{OPTION_ABSENT, "device-cgroup-rule", .help = "lend the device nodes: --device /dev/NAME"}, \
	{OPTION_ABSENT, "annotation", .help = "use --label KEY=VALUE"}, \
	{OPTION_ABSENT, "runtime", .help = "leave it out: sandbox is a runtime itself"}, \
	{OPTION_ABSENT, "arch", .help = "use --platform linux/ARCH"}, \
	{OPTION_ABSENT, "http-proxy", .help = "nothing of your environment is inside: -e http_proxy takes one variable along"}, \
	{OPTION_ABSENT, "bind", .help = "use -v SOURCE:TARGET"}, \
	{OPTION_ABSENT, "ro-bind", .help = "use -v SOURCE:TARGET:ro"}, \
	{OPTION_ABSENT, "dev-bind", .help = "use --device SOURCE:TARGET"}, \
	{OPTION_ABSENT, "dev", .help = "leave it out: a sandbox always has its own /dev"}, \
	{OPTION_ABSENT, "chdir", .help = "use --workdir PATH"}, \
	{OPTION_ABSENT, "setenv", .help = "use -e NAME=VALUE"}, \
	{OPTION_ABSENT, "clearenv", .help = "leave it out: nothing of your environment is inside"}, \
	{OPTION_ABSENT, "uid", .help = "use --user UID:GID"}, \
	{OPTION_ABSENT, "gid", .help = "use --user UID:GID"}, \
	{OPTION_ABSENT, "share-net", .help = "use --net, or --net=host for all that this machine's network has"}, \
	{OPTION_ABSENT, "unshare-all", .help = "leave it out: a sandbox always has namespaces of its own"}, \
	{OPTION_ABSENT, "unshare-net", .help = "leave it out: without --net there is no network"}, \
	{OPTION_ABSENT, "new-session", .help = "leave it out: a sandbox always has a session and a terminal of its own"}, \
	{OPTION_ABSENT, "die-with-parent", .help = "leave it out: a sandbox always ends with the command that started it"}

#endif
