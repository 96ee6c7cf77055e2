# --summary: what ended a sandbox, what it used, and what its limits and protections came to.

# shellcheck disable=SC2154  # bats sets stderr
load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

# A run with a receipt.
run_for_receipt() {
	run_busybox --summary="$BATS_TEST_TMPDIR/receipt" "$@"
}

receipt() {
	jq -r "$1" "$BATS_TEST_TMPDIR/receipt"
}

assert_receipt() {
	[ "$(receipt "$1")" = "$2" ] || fail_with "$1 should be $2: $(cat "$BATS_TEST_TMPDIR/receipt")"
}

@test "exit: the status is the command's" {
	run_for_receipt -- sh -c 'exit 7'
	assert_status 7
	assert_receipt '"\(.cause) \(.status) \(.signal)"' 'exit 7 null'
}

@test "signal: the command's own" {
	run_for_receipt -- sh -c 'kill -SEGV $$'
	assert_status 139
	assert_receipt '"\(.cause) \(.status) \(.signal)"' 'signal 139 11'
	run_for_receipt -- sh -c 'kill -KILL $$'
	assert_receipt '"\(.cause) \(.signal)"' 'signal 9'
}

@test "timeout: the cause, and not the signal that it sent" {
	run_for_receipt --timeout 0.2 -- sleep 30
	assert_status 124
	assert_receipt '"\(.cause) \(.status)"' 'timeout 124'
}

# Starts a run that waits, and leaves its process in $sandbox_process once the command runs.
start_waiting() {
	mkfifo "$BATS_TEST_TMPDIR/ready"
	"$SANDBOX" run --summary="$BATS_TEST_TMPDIR/receipt" "$BUSYBOX_TAR" sh -c 'echo; exec sleep 60' >"$BATS_TEST_TMPDIR/ready" 3>&- &
	sandbox_process=$!
	read -r <"$BATS_TEST_TMPDIR/ready"
}

@test "killed: by a signal to the command that runs it" {
	start_waiting
	kill -TERM "$sandbox_process"
	status=0
	wait "$sandbox_process" || status=$?
	assert_status 143
	assert_receipt '"\(.cause) \(.status) \(.signal)"' 'killed 143 15'
}

@test "killed: from outside of the sandbox" {
	start_waiting
	pkill -KILL -P "$sandbox_process"
	status=0
	wait "$sandbox_process" || status=$?
	assert_status 137
	assert_receipt '"\(.cause) \(.status) \(.signal)"' 'killed 137 9'
}

@test "error: nothing ran" {
	run_for_receipt -- no-such-command
	assert_status 127
	assert_receipt '"\(.cause) \(.status) \(.error.id)"' 'error 127 E_COMMAND_NOT_FOUND'
	sandbox run --summary="$BATS_TEST_TMPDIR/receipt" /no/such/image.tar true
	assert_status 125
	assert_receipt '"\(.cause) \(.error.id)"' 'error E_IMAGE_UNKNOWN'
}

@test "image, times, protections" {
	run_for_receipt --require seccomp,no-new-privileges --net none -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done'
	assert_success ''
	[[ $(receipt .image.digest) =~ ^sha256:[0-9a-f]{64}$ ]] || fail_with 'the digest of the image is missing'
	assert_receipt .image.name "$BUSYBOX_TAR"
	assert_receipt '.time | .wall_us > 0 and .user_us > 0' true
	assert_receipt '.protections[] | select(.name == "seccomp") | .requested + " " + .effective' 'required hard'
	assert_receipt '.protections[] | select(.name == "read-only") | "\(.requested) \(.effective)"' 'null absent'
	run_for_receipt --security-opt seccomp=unconfined -- true
	assert_receipt '.protections[] | select(.name == "seccomp") | .effective' absent
}

@test "without a file it goes to standard error" {
	run_busybox --summary -- sh -c 'echo out; echo err >&2'
	assert_status 0
	assert_output out
	[ "$(sed 1d <<<"$stderr" | jq -r .cause)" = exit ] || fail_with 'the receipt should follow'
	[[ $stderr == err$'\n'* ]] || fail_with "the command's own output comes first"
}

@test "what is in the file that is standard error stays there" {
	echo earlier >"$BATS_TEST_TMPDIR/log"
	"$SANDBOX" run --summary "$BUSYBOX_TAR" true 2>>"$BATS_TEST_TMPDIR/log"
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/log")" = earlier ] || fail_with 'the receipt took the place of what was there'
	[ "$(sed 1d "$BATS_TEST_TMPDIR/log" | jq -r .cause)" = exit ] || fail_with 'the receipt should follow'
}

@test "a file that is there is replaced, also by a shorter receipt" {
	head -c 100000 /dev/zero >"$BATS_TEST_TMPDIR/receipt"
	run_for_receipt -- true
	assert_success ''
	assert_receipt .cause exit
}

@test "a file that cannot be written is found before anything runs" {
	run_busybox --summary=/no/such/folder/file -v "$BATS_TEST_TMPDIR:/lent" -- touch /lent/ran
	assert_error '--summary'
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	run_busybox --summary=/dev/full -- true
	assert_status 125
	assert_stderr_has 'write the receipt'
}

@test "of a detached sandbox, once it has ended; whoever waits for that finds it" {
	run_for_receipt -d --name box -- sh -c 'sleep 0.2; exit 7'
	assert_status 0
	sandbox wait box
	assert_receipt '"\(.cause) \(.status) \(.time.wall_us > 200000)"' 'exit 7 true'
	"$SANDBOX" rm box
	run_for_receipt -d --name box -- sleep 60
	sandbox kill box
	assert_receipt '"\(.cause) \(.status)"' 'killed 137'
	"$SANDBOX" rm box
}

@test "of a detached sandbox that did not start; and standard error is no place for one" {
	run_for_receipt -d -- no-such-command
	assert_status 127
	assert_receipt '"\(.cause) \(.status) \(.error.id)"' 'error 127 E_COMMAND_NOT_FOUND'
	run_busybox --summary --detach -- true
	assert_error '--summary=FILE'
}
