# World "delegated": a subtree given by hand, without systemd's help.

load works

own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)

@test "there is no user manager and no bus" {
	[ -z "${XDG_RUNTIME_DIR:-}${DBUS_SESSION_BUS_ADDRESS:-}" ]
	[ ! -e /run/user/1000 ]
	[ -z "$(pgrep -u tester systemd)" ]
}

@test "the own cgroup is the user's, with every controller" {
	[ -w "$own/cgroup.procs" ]
	[ -w "$own/cgroup.subtree_control" ]
	[ "$(cat "$own/cgroup.controllers")" = "$(cat /sys/fs/cgroup/cgroup.controllers)" ]
}

@test "its limits and its parent are root's" {
	[ ! -w "$own/memory.max" ]
	[ ! -w "$own/../cgroup.procs" ]
}

@test "it can be divided once the processes are in a leaf" {
	bash -euc '
		mkdir "$0/leaf" "$0/payload"
		for process in $(cat "$0/cgroup.procs"); do
			echo "$process" >"$0/leaf/cgroup.procs" || true
		done
		echo "+memory +pids" >"$0/cgroup.subtree_control"
		[ -w "$0/payload/memory.max" ]
		rmdir "$0/payload"' "$own"
}

@test "sandbox runs, without a runtime directory too, and does not show the host's cgroup" {
	run_busybox -- cat /proc/self/cgroup
	assert_success 0::/
}
