# System calls that fail: the run succeeds all the same, or ends with an error and status 125; nothing is left, and
# the next run succeeds. A sample, by strace's injection; with a single id, for a traced newuidmap has no privileges.
# runs alone

load helper
load fault

setup_file() {
	private_folders
	export XDG_CACHE_HOME=/dev/shm/failing.$BASHPID
	"$SANDBOX" run --userns=single --rm --name first --overlay=disk "$BUSYBOX_TAR" -- true
}

teardown_file() {
	"$SANDBOX" reset
	rmdir "$XDG_CACHE_HOME"
	remove_private_folders
}

setup() {
	# The leak check of a sanitized build is a tracer itself.
	export ASAN_OPTIONS=detect_leaks=0
	strace -qq -o /dev/null true || skip "strace cannot trace here"
}

# Whether a call failed after the payload's exec: then it was not ours.
payload_was_hit() {
	awk '/execve\("\/bin\/true"/ && / = 0$/ { payload[$1] = 1 }
		/INJECTED/ { if (payload[$1]) hit = 1; else ours = 1 }
		END { exit !(hit && !ours) }' "$1"
}

# Fails the Nth such call of each process.
# usage: fail_call CALL ERROR N
fail_call() {
	local trace=$BATS_TEST_TMPDIR/trace
	status=0
	timeout -k 1 60 strace -f -qq -o "$trace" -e "trace=$1,execve" -e "inject=$1:error=$2:when=$3" "$SANDBOX" run \
		--userns=single --overlay=disk --rm --name victim "$BUSYBOX_TAR" -- true </dev/null \
		>/dev/null 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	grep -q INJECTED "$trace" || return 0
	hits=$((hits + 1))
	[ "$status" = 0 ] || payload_was_hit "$trace" ||
		{ [ "$status" = 125 ] && [ -s "$BATS_TEST_TMPDIR/stderr" ]; } ||
		fail_with "$1 number $3 failed with $2: $(<"$BATS_TEST_TMPDIR/stderr")"
}

# usage: fail_calls full|empty CALL:ERROR:COUNT…
fail_calls() {
	local store=$1 item call error count number living files hits=0
	shift
	"$SANDBOX" run --userns=single "$BUSYBOX_TAR" -- true
	living=$(living_things)
	files=$(kept_files)
	for item in "$@"; do
		IFS=: read -r call error count <<<"$item"
		for ((number = 1; number <= count; number++)); do
			[ "$store" = full ] || "$SANDBOX" reset
			fail_call "$call" "$error" "$number"
			assert_nothing_lives "$living" "$call number $number failed with $error"
			"$SANDBOX" run --userns=single "$BUSYBOX_TAR" -- true
			assert_same_within 0 kept_files "$files" "$call number $number failed with $error"
		done
	done
	echo "$hits calls failed"
	[ "$hits" -gt 15 ]
}

@test "of a run" {
	fail_calls full clone3:ENOMEM:2 unshare:ENOSPC:2 socketpair:EMFILE:1 pipe2:EMFILE:1 mount:ENOMEM:4 \
		flock:EIO:4 mkdir:ENOSPC:3 sendmsg:ENOMEM:3 recvmsg:ENOMEM:2 fsopen:EMFILE:3 signalfd4:EMFILE:2 \
		poll:EINTR:2 wait4:EINTR:1 keyctl:ENOMEM:1
}

@test "of an import" {
	fail_calls empty clone3:ENOMEM:2 socketpair:EMFILE:2 mkdirat:ENOSPC:6 pwrite64:ENOSPC:2 renameat:EIO:3 flock:ENOLCK:4 \
		execveat:ENOMEM:1 sendto:ENOMEM:2 recvfrom:EINTR:2 openat2:EIO:3
}
