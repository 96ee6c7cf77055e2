# --timeout of a start that hangs. What it does to a command that runs is in exit_status.bats.

# shellcheck disable=SC2154  # helper.bash sets status, output and stderr
load helper

# Runs the test build, one of whose processes stops at a step.
stopped_at() {
	SANDBOX_TEST_STOP_AT=$1 capture timeout -k 5 60 "$SANDBOX_SWITCHED" run "${@:2}" "$BUSYBOX_TAR" echo ran
}

@test "a start that hangs is ended, at each step" {
	local point before
	"$SANDBOX_SWITCHED" run "$BUSYBOX_TAR" true
	before=$(settled_snapshot)
	for point in init.unshared init.root-built init.set-up payload.start payload.limited; do
		stopped_at "$point" --timeout 300ms
		assert_status 124
		assert_output ''
		assert_stderr_has 'has passed before it ran'
	done
	assert_no_leftovers "$before"
}

@test "one in the background is told as an error, and one that is kept has it as its end" {
	stopped_at init.root-built --timeout 300ms -d
	assert_error E_TIMEOUT 124
	sandbox ps -aq
	assert_success ''
	"$SANDBOX" create --name box --timeout 3s "$BUSYBOX_TAR" true
	SANDBOX_TEST_STOP_AT=init.root-built capture timeout -k 5 60 "$SANDBOX_SWITCHED" start box
	assert_error E_TIMEOUT 124
	sandbox wait box
	assert_success 124
	# A machine that is slow enough needs more than one attempt.
	wait_until "$SANDBOX" start box
	sandbox wait box
	assert_success 0
	"$SANDBOX" rm box
}

@test "the receipt of a start that hangs says timeout" {
	stopped_at payload.start --timeout 300ms --summary="$BATS_TEST_TMPDIR/receipt"
	assert_status 124
	[ "$(jq -r '"\(.cause) \(.status)"' "$BATS_TEST_TMPDIR/receipt")" = 'timeout 124' ]
}

@test "signals still end a start that hangs" {
	SANDBOX_TEST_STOP_AT=init.root-built timeout -k 50 60 "$SANDBOX_SWITCHED" run --timeout 1h "$BUSYBOX_TAR" true 3>&- &
	wait_until pgrep -u "$(id -u)" -x stopped
	pkill -TERM -P $! -x sandbox
	status=0
	wait $! || status=$?
	[ "$status" = 143 ]
}
