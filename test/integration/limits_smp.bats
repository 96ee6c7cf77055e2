# Limits that only a kernel for several processors knows: of the guests, QEMU's.

# shellcheck disable=SC2154  # bats sets stderr
load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

needs_cpuset() {
	! "$SANDBOX" run --dry-run --cpuset-cpus 0 "$BUSYBOX_TAR" true >/dev/null 2>&1 || return 0
	[ "${SANDBOX_WORLD:-}" != systemd-full ] || ! grep -qw cpuset /sys/fs/cgroup/cgroup.controllers ||
		fail_with 'this world has the controller cpuset'
	skip 'nothing delegates the controller cpuset to us here'
}

@test "the processors are those of the list" {
	needs_cpuset
	run_busybox --cpuset-cpus 0 -- sh -c 'grep Cpus_allowed_list /proc/self/status; cat /sys/fs/cgroup/cpuset.cpus'
	assert_output $'Cpus_allowed_list:\t0\n0'
	run_busybox --cpuset-cpus 4000 -- true
	assert_error E_LIMIT_UNAVAILABLE
}

@test "update moves it to others" {
	needs_cpuset
	[ "$(nproc)" -gt 1 ] || skip 'there is one processor'
	"$SANDBOX" run -d --name box --cpuset-cpus 0 "$BUSYBOX_TAR" sleep 60
	sandbox update --cpuset-cpus 1 box
	assert_success box
	sandbox exec box grep Cpus_allowed_list /proc/1/status /proc/self/status
	assert_output $'/proc/1/status:Cpus_allowed_list:\t1\n/proc/self/status:Cpus_allowed_list:\t1'
	sandbox update --cpuset-cpus 4000 box
	assert_error E_LIMIT_UNAVAILABLE
	sandbox exec box grep Cpus_allowed_list /proc/self/status
	assert_output $'Cpus_allowed_list:\t1'
	"$SANDBOX" rm --force box
}

@test "the receipt tells how long processes waited" {
	needs_cpuset
	[ -e /proc/pressure/cpu ] || skip 'this kernel does not count that'
	run_busybox --summary="$BATS_TEST_TMPDIR/receipt" --cpuset-cpus 0 -- sh -c '
		for i in 1 2 3; do timeout 1 sh -c "while :; do :; done" & done; wait'
	[ "$(jq -r '.pressure.cpu_us > 100000' "$BATS_TEST_TMPDIR/receipt")" = true ] || fail_with "$(cat "$BATS_TEST_TMPDIR/receipt")"
}
