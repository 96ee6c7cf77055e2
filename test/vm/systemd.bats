# World "systemd": what a login on Debian 12 has of cgroups.

manager=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

own_cgroup() {
	echo "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)"
}

@test "the user manager is up and can be reached" {
	systemctl --user is-active default.target
}

@test "the session's own cgroup is not the user's to write" {
	[[ $(own_cgroup) == */session-*.scope ]]
	[ ! -w "$(own_cgroup)/cgroup.procs" ]
}

@test "Debian delegates cpu, memory and pids, and no more" {
	[ "$(cat "$manager/cgroup.controllers")" = "cpu memory pids" ]
	[ -w "$manager/cgroup.procs" ]
}

@test "a scope of the user manager can be divided, and its limits hold" {
	systemd-run --user --scope --quiet --property Delegate=yes bash -euc '
		cgroup=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
		mkdir "$cgroup/supervisor" "$cgroup/payload"
		echo $$ >"$cgroup/supervisor/cgroup.procs"
		echo "+memory +pids +cpu" >"$cgroup/cgroup.subtree_control"
		echo 1 >"$cgroup/payload/pids.max"
		# Alone in there it may not fork.
		run_alone="echo \$\$ >$cgroup/payload/cgroup.procs && /bin/true; exit"
		if sh -c "$run_alone" 2>/dev/null; then
			exit 1
		fi
		grep -qE "^max [1-9]" "$cgroup/payload/pids.events"'
}

@test "subordinate ids can be mapped" {
	run unshare --map-auto --map-root-user cat /proc/self/uid_map
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 2 ]
}

@test "an overlay can be mounted in a user namespace, its upper layer on the disk" {
	mkdir -p "$BATS_TEST_TMPDIR"/{lower,upper,work,merged}
	echo low >"$BATS_TEST_TMPDIR/lower/file"
	cd "$BATS_TEST_TMPDIR"
	unshare --user --map-root-user --mount sh -euc '
		mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr merged
		echo high >merged/file'
	[ "$(cat lower/file)" = low ]
	[ "$(cat upper/file)" = high ]
}
