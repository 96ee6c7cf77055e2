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

# Until nobody forks in there any more. usage: move_processes FROM TO
move_processes() {
	local process processes
	while mapfile -t processes <"$1/cgroup.procs" && [ "${#processes[@]}" != 0 ]; do
		for process in "${processes[@]}"; do
			# It may have ended meanwhile.
			echo "$process" >"$2/cgroup.procs" || [ ! -d "/proc/$process" ]
		done 2>/dev/null
	done
}

divide() {
	mkdir "$own/leaf"
	move_processes "$own" "$own/leaf"
	echo "+memory +pids" >"$own/cgroup.subtree_control"
}

# As it was: other files are run after this one, by the same processes.
teardown() {
	[ -d "$own/leaf" ] || return 0
	local enabled
	enabled=$(cat "$own/cgroup.subtree_control")
	echo "-${enabled// / -}" >"$own/cgroup.subtree_control"
	move_processes "$own/leaf" "$own"
	rmdir "$own/leaf"
}

@test "it can be divided once the processes are in a leaf" {
	divide
	mkdir "$own/payload"
	[ -w "$own/payload/memory.max" ]
	rmdir "$own/payload"
}

@test "who has divided it already gets limits beside the leaf, which stays as it is" {
	divide
	run_busybox --dry-run -m 64m -- true
	assert_status 0
	assert_output_has "delegated, below $own "
	run_busybox -m 64m -- cat /sys/fs/cgroup/memory.max
	assert_success 67108864
	[ "$(cut -d: -f3 /proc/self/cgroup)" = "${own#/sys/fs/cgroup}/leaf" ]
	[ "$(echo "$own"/*/)" = "$own/leaf/" ]
	[[ $(cat "$own/cgroup.subtree_control") = *memory*pids* ]]
}

@test "sandbox runs, without a runtime directory too, and does not show the host's cgroup" {
	run_busybox -- cat /proc/self/cgroup
	assert_success 0::/
}
