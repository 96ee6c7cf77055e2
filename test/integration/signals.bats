# Signals sent to sandbox reach the payload; what the payload makes of them is the result.

load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

# Starts a payload that answers the given signal with status 42, and waits until it listens.
start_listening() {
	rm -f "$BATS_TEST_TMPDIR/output"
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c "
		trap 'echo got $1; exit 42' $1
		echo ready
		while :; do sleep 0.1; done" >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
	pid=$!
	wait_until grep -q ready "$BATS_TEST_TMPDIR/output"
}

# Waits for $pid and sets $status and $output.
finish() {
	wait_until is_gone "$pid" || kill -KILL "$pid"
	status=0
	wait "$pid" || status=$?
	output=$(cat "$BATS_TEST_TMPDIR/output")
}

is_gone() {
	! kill -0 "$1" || [ "$(ps -o stat= -p "$1" | cut -c 1)" = Z ]
}

@test "TERM, HUP, USR1 and USR2 are forwarded" {
	local name
	for name in TERM HUP USR1 USR2; do
		start_listening "$name"
		kill -s "$name" "$pid"
		finish
		assert_status 42
		assert_output_has "got $name"
	done
}

@test "INT and QUIT are forwarded" {
	local name
	# A background job of a shell ignores both from birth; a program that shall hear them must not.
	for name in INT QUIT; do
		rm -f "$BATS_TEST_TMPDIR/output"
		env --default-signal=INT,QUIT "$SANDBOX" run "$BUSYBOX_TAR" sh -c "
			trap 'echo got $name; exit 42' $name
			echo ready
			while :; do sleep 0.1; done" >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
		pid=$!
		wait_until grep -q ready "$BATS_TEST_TMPDIR/output"
		kill -s "$name" "$pid"
		finish
		assert_status 42
		assert_output_has "got $name"
	done
}

@test "a payload without handlers ends by the signal: 128+n" {
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c 'echo ready; exec sleep 600' >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
	pid=$!
	wait_until grep -q ready "$BATS_TEST_TMPDIR/output"
	kill -TERM "$pid"
	finish
	assert_status 143
}

@test "a payload that ignores TERM goes on" {
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c 'trap "" TERM; echo ready; sleep 1; exit 7' \
		>"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
	pid=$!
	wait_until grep -q ready "$BATS_TEST_TMPDIR/output"
	kill -TERM "$pid"
	finish
	assert_status 7
}

payload_runs() {
	pgrep -u "$(id -u)" -f '^sleep 7654321'
}

payload_has_ended() {
	! payload_runs
}

@test "kill -9 of sandbox ends the payload" {
	"$SANDBOX" run "$BUSYBOX_TAR" sleep 7654321 3>&- &
	pid=$!
	wait_until payload_runs
	kill -KILL "$pid"
	wait_until payload_has_ended
}

@test "a signal during the set-up ends it, and nothing is left" {
	local before signal
	# The next run removes the writable layer that a killed one left on the disk, where it had to be there.
	"$SANDBOX" run "$BUSYBOX_TAR" true
	before=$(settled_snapshot)
	for signal in INT TERM HUP QUIT; do
		SANDBOX_TEST_STOP_AT=init.root-built env --default-signal=INT,QUIT "$SANDBOX_SWITCHED" run "$BUSYBOX_TAR" true \
			>"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
		pid=$!
		wait_until pgrep -u "$(id -u)" -x stopped
		kill -s "$signal" "$pid"
		finish
		assert_status $((128 + $(kill -l "$signal")))
		assert_output ''
		assert_no_leftovers "$before"
	done
}

# The first run of an archive sees to it that the image is on the disk, beside the command, once that has settled.
start_with_a_slow_disk() {
	unshare --map-root-user --map-auto rm -rf "$slow"
	XDG_CACHE_HOME=$slow SANDBOX_TEST_STOP_AT=layer-synced env --default-signal=INT \
		"$SANDBOX_SWITCHED" -q run "$BUSYBOX_TAR" sh -c 'sleep 3; echo done' >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- &
	pid=$!
	wait_until grep -q 'done' "$BATS_TEST_TMPDIR/output"
	wait_until has_only_a_stopped_child "$pid"
}

# The sandbox has ended, and so a signal is not forwarded to it any more.
has_only_a_stopped_child() {
	[[ "$(ps -o stat= --ppid "$1")" =~ ^T[^$'\n']*$ ]]
}

@test "a signal ends the wait for a slow disk, which a run ends with otherwise" {
	local slow=/dev/shm/signals.$BASHPID before signal
	before=$(settled_snapshot)
	for signal in TERM INT HUP; do
		start_with_a_slow_disk
		kill -s "$signal" "$pid"
		finish
		assert_status $((128 + $(kill -l "$signal")))
	done
	start_with_a_slow_disk
	kill -CONT "$(pgrep -P "$pid")"
	finish
	assert_status 0
	assert_output 'done'
	find "$slow" -name durable | grep -q .
	unshare --map-root-user --map-auto rm -rf "$slow"
	assert_no_leftovers "$before"
}
