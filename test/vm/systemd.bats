# World "systemd": what a login on Debian 12 has of cgroups.

load works

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

@test "sandbox maps the whole range" {
	run_busybox -- awk '{ print $1, $3 }' /proc/self/uid_map
	assert_success $'0 1\n1 65536'
}

# Linux 6.1, of both guests.
@test "where tmpfs has no user attributes the writable layer is on the disk, and goes with the run" {
	run unshare --user --map-root-user --mount sh -euc '
		mount -t tmpfs tmpfs /mnt
		touch /mnt/file
		setfattr -n user.attribute -v value /mnt/file'
	[ "$status" != 0 ] || skip "this kernel's tmpfs has user attributes"
	run_busybox -- true
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c 'echo text >/written-inside; exec sleep 60' 3>&- &
	sandbox_process=$!
	wait_until on_disk
	kill -TERM "$sandbox_process"
	wait "$sandbox_process" || [ $? = 143 ]
	if on_disk; then
		fail_with 'the writable layer is still there'
	fi
}

on_disk() {
	unshare --map-auto --map-root-user find "$HOME" /var/tmp -name written-inside | grep .
}

@test "--overlay=tmpfs says that this kernel cannot" {
	run_busybox --overlay tmpfs -- true
	[ "$status" != 0 ] || skip "this kernel's tmpfs has user attributes"
	assert_error E_OVERLAY
}

@test "doctor finds that all works, and where the writable layer is" {
	sandbox doctor --json
	assert_status 0
	tmpfs_holds_layers || [ "$(field 'overlay in memory' state)" = degraded ]
	[ "$(field 'a whole run' state)" = ok ]
}

# Owners are kept in user attributes then, and this kernel's tmpfs has none.
@test "a single id and a store on a tmpfs without attributes: a clear refusal" {
	[ "$(stat -f -c %T /dev/shm)" = tmpfs ]
	sandbox --root /dev/shm/store run --userns single "$DEBIAN_TAR" true
	rm -rf /dev/shm/store
	[ "$status" != 0 ] || skip "this kernel's tmpfs has user attributes"
	assert_error E_NO_ATTRIBUTES
}

@test "a key quota that is used up: sandbox names it, and what doctor says mends it" {
	sudo sysctl --quiet kernel.keys.maxkeys="$(awk -v uid="$(id -u):" '$1 == uid { print $2 }' /proc/key-users)"
	run_busybox -- true
	assert_error E_KEY_QUOTA
	assert_mended 'session keyring' E_KEY_QUOTA
}

# Debian withholds io. In user-mode-linux there is no cpuset at all.
@test "doctor finds which limits can be held, and what it says adds io" {
	sandbox doctor --json
	for limit in memory process processor; do
		[ "$(field "$limit limit" state)" = ok ] || fail_with "there should be a $limit limit"
	done
	assert_mended 'disk limit' E_CGROUP_CONTROLLER
}
