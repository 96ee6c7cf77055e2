# World "undelegated": nothing is the user's.

load works

own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)

@test "no cgroup at all is the user's to write" {
	[ ! -w "$own/cgroup.procs" ]
	[ -z "$(find /sys/fs/cgroup -user "$(id -un)" -print -quit)" ]
}

@test "there is no user manager and no bus" {
	[ -z "${XDG_RUNTIME_DIR:-}${DBUS_SESSION_BUS_ADDRESS:-}" ]
	[ ! -e /run/user/1000 ]
}

@test "sandbox runs, without a runtime directory too, and does not show the host's cgroup" {
	run_busybox -- cat /proc/self/cgroup
	assert_success 0::/
}

@test "what doctor says gives the user a manager, and with it limits" {
	assert_mended 'memory limit' E_CGROUP_MISSING
	sandbox doctor --json
	[ "$(field 'process limit' state)" = ok ]
	[ "$(field 'processor limit' state)" = ok ]
}
