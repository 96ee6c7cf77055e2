# Surroundings that no manual promises: sandbox works in them, or says in one error what is wrong and what
# to do about it.

# shellcheck disable=SC2154  # bats and capture set stderr
load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

works=(run "$BUSYBOX_TAR" echo works)

@test "HOME is unset" {
	within_a_minute env -u HOME "$SANDBOX" "${works[@]}"
	assert_success works
}

@test "HOME and every XDG variable are unset: the account's home counts" {
	within_a_minute env -u HOME -u XDG_CACHE_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR "$SANDBOX" --root "$XDG_CACHE_HOME/sandbox" \
		"${works[@]}"
	assert_success works
}

@test "standard input is closed" {
	within_a_minute sh -c '"$@" <&-' sh "$SANDBOX" "${works[@]}"
	assert_success works
}

@test "all three standard descriptors are closed" {
	status=0
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c 'exit 7' <&- >&- 2>&- || status=$?
	assert_status 7
}

@test "umask 777, and an empty home" {
	within_a_minute sh -c 'umask 777; "$@"' sh "$SANDBOX" --root "$BATS_TEST_TMPDIR/store" run "$BUSYBOX_TAR" \
		sh -c 'umask; stat -c %a /etc/passwd /tmp /root'
	assert_status 0
	assert_output $'0022\n644\n1777\n700'
	unshare --map-root-user --map-auto rm -rf "$BATS_TEST_TMPDIR/store"
}

@test "only 16 descriptors" {
	# Where there is a control group, there are descriptors of it.
	within_a_minute sh -c 'ulimit -n 16; "$@" 2>&1 | cat' sh "$SANDBOX" "${works[@]}"
	[ "$output" = works ] || assert_output_has 'fix:   raise the limit of open files: ulimit -n'
	within_a_minute sh -c 'ulimit -n 18; "$@" 2>&1 | cat' sh "$SANDBOX" "${works[@]}"
	assert_success works
	# Each of its two outputs that is a file takes two more.
	within_a_minute sh -c 'ulimit -n 22; "$@"' sh "$SANDBOX" "${works[@]}"
	assert_success works
}

@test "only 16 descriptors, and an empty home" {
	within_a_minute sh -c 'ulimit -n 16; "$@"' sh "$SANDBOX" --root "$BATS_TEST_TMPDIR/store" "${works[@]}"
	if [ "$status" = 0 ]; then
		assert_output works
	else
		assert_status 125
		assert_stderr_has 'Too many open files'
		assert_stderr_has 'ulimit -n'
	fi
	unshare --map-root-user --map-auto rm -rf "$BATS_TEST_TMPDIR/store"
}

@test "a stack of 16 KiB; the command gets what the caller has" {
	! is_sanitized || skip "a sanitizer's run time does not itself live on it"
	within_a_minute sh -c 'ulimit -S -s 16; "$@"' sh "$SANDBOX" run "$BUSYBOX_TAR" true
	assert_success
	within_a_minute sh -c 'ulimit -S -s 32; "$@"' sh "$SANDBOX" run "$BUSYBOX_TAR" grep 'Max stack size' /proc/self/limits
	assert_status 0
	[[ $output =~ size\ +32768\ +(unlimited|[0-9]+) ]] || fail_with "the command should have the caller's limit"
	within_a_minute sh -c 'ulimit -S -s 16; "$@"' sh "$SANDBOX" run --ulimit stack=99328 "$BUSYBOX_TAR" grep 'Max stack size' /proc/self/limits
	[[ $output =~ size\ +99328\ +99328 ]] || fail_with "the command should have the limit that was asked for"
	within_a_minute sh -c 'ulimit -s 128; "$@"' sh "$SANDBOX" "${works[@]}"
	assert_error E_LIMIT_UNAVAILABLE
	assert_stderr_has 'stack of 131072 bytes'
}

@test "the working directory was deleted" {
	within_a_minute sh -c 'mkdir "$0" && cd "$0" && rmdir "$0" && "$@"' "$BATS_TEST_TMPDIR/gone" "$SANDBOX" "${works[@]}"
	assert_success works
}

@test "SIGCHLD is ignored" {
	within_a_minute env --ignore-signal=CHLD "$SANDBOX" run "$BUSYBOX_TAR" sh -c 'sleep 0.1 & wait; exit 9'
	assert_status 9
	assert_stderr_empty
}

@test "all signals are blocked or ignored; the payload gets none of it" {
	within_a_minute env --block-signal "$SANDBOX" run "$BUSYBOX_TAR" grep -E '^Sig(Blk|Ign)' /proc/self/status
	assert_success $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000'
	within_a_minute env --ignore-signal "$SANDBOX" run "$BUSYBOX_TAR" grep -E '^Sig(Blk|Ign)' /proc/self/status
	assert_success $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000'
}

@test "an environment of 120 kB" {
	local big
	big=$(head -c 120000 /dev/zero | tr '\0' x)
	BIG=$big within_a_minute "$SANDBOX" "${works[@]}"
	assert_success works
	BIG=$big within_a_minute "$SANDBOX" run -e BIG "$BUSYBOX_TAR" sh -c 'echo ${#BIG}'
	assert_success 120000
}

@test "no controlling terminal" {
	within_a_minute setsid --wait "$SANDBOX" run "$BUSYBOX_TAR" sh -c 'sh -c ": </dev/tty" 2>/dev/null || echo none'
	assert_success none
}

@test "no_new_privs: a single id, with one line about it; --userns=map is an error" {
	within_a_minute setpriv --no-new-privs "$SANDBOX" run "$BUSYBOX_TAR" sh -c 'wc -l </proc/self/uid_map'
	assert_status 0
	assert_output 1
	assert_stderr_has E_NNP
	[ "$(wc -l <<<"$stderr")" = 1 ] || fail_with "more than one line of notice"
	within_a_minute setpriv --no-new-privs "$SANDBOX" run --userns map "$BUSYBOX_TAR" true
	assert_error E_NNP
}

@test "XDG_RUNTIME_DIR is unset, missing, or not ours" {
	within_a_minute env -u XDG_RUNTIME_DIR "$SANDBOX" "${works[@]}"
	assert_success works
	within_a_minute env XDG_RUNTIME_DIR=/no/such/folder "$SANDBOX" "${works[@]}"
	assert_success works
	within_a_minute env XDG_RUNTIME_DIR=/ "$SANDBOX" "${works[@]}"
	assert_success works
}

@test "a store that cannot be written is an error that says so" {
	mkdir -m 0500 "$BATS_TEST_TMPDIR/locked"
	within_a_minute "$SANDBOX" --root "$BATS_TEST_TMPDIR/locked/store" "${works[@]}"
	assert_error E_HOME_UNUSABLE
}
