# --status-fd: what becomes of a sandbox, told to whoever starts it.

# shellcheck disable=SC2154  # helper.bash sets status, output and stderr
load helper

teardown() {
	remove_sandboxes
}

# Runs sandbox with descriptor 7 for its status, in $BATS_TEST_TMPDIR/status.
told() {
	sandbox "$@" 7>"$BATS_TEST_TMPDIR/status"
}

# What jq makes of the lines.
assert_told() {
	local is
	is=$(jq -r "$1" "$BATS_TEST_TMPDIR/status")
	[ "$is" = "$2" ] || fail_with "it should tell: $2 -- it told: $(<"$BATS_TEST_TMPDIR/status")"
}

has_told() {
	grep -q "$1" "$BATS_TEST_TMPDIR/status"
}

@test "a start and an end, as they happen" {
	local pid
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	"$SANDBOX" run --status-fd 7 "$BUSYBOX_TAR" sh -c 'read -r line; exit 3' 7>"$BATS_TEST_TMPDIR/status" \
		<"$BATS_TEST_TMPDIR/fifo" 3>&- &
	exec 8>"$BATS_TEST_TMPDIR/fifo"
	wait_until has_told '"start"'
	pid=$(jq .pid "$BATS_TEST_TMPDIR/status")
	[ "$(cat "/proc/$pid/comm")" = sandbox-init ]
	if has_told '"die"'; then fail_with 'it has not ended yet'; fi
	exec 8>&-
	wait $! || [ $? = 3 ]
	assert_told '"\(.event) \(.id) \(.name) \(.cause) \(.exit_status)"' $'start null null null null\ndie null null exit 3'
	assert_told .image "$BUSYBOX_TAR"$'\n'"$BUSYBOX_TAR"
}

@test "signals and timeouts are causes" {
	told run --status-fd 7 "$BUSYBOX_TAR" sh -c 'kill -9 $$'
	assert_told 'select(.event == "die") | "\(.cause) \(.exit_status)"' 'signal 137'
	told run --status-fd 7 --timeout 100ms "$BUSYBOX_TAR" sleep 60
	assert_told 'select(.event == "die") | "\(.cause) \(.exit_status)"' 'timeout 124'
}

@test "what never ran has failed, whyever" {
	told run --status-fd 7 "$BUSYBOX_TAR" no-such-command
	assert_told '"\(.event) \(.error) \(.exit_status)"' 'fail E_COMMAND_NOT_FOUND 127'
	told run --status-fd 7 none.tar true
	assert_told '"\(.event) \(.exit_status)"' 'fail 125'
	told run --status-fd 7 -v /no/such/file:/x "$BUSYBOX_TAR" true
	assert_told '"\(.event) \(.exit_status)"' 'fail 125'
	[[ $(jq -r .message "$BATS_TEST_TMPDIR/status") == */no/such/file* ]]
	told run -d --status-fd 7 "$BUSYBOX_TAR" no-such-command
	assert_told '"\(.event) \(.error) \(.exit_status)"' 'fail E_COMMAND_NOT_FOUND 127'
}

@test "the supervisor of one in the background goes on to tell" {
	local id
	told run -d --name box --status-fd 7 "$BUSYBOX_TAR" sleep 6401
	assert_success
	id=$output
	assert_told '"\(.event) \(.id) \(.name)"' "start $id box"
	# Whoever comes too late starts nothing.
	capture "$SANDBOX" start --attach --status-fd 8 box 8>"$BATS_TEST_TMPDIR/late"
	assert_error 'it runs already'
	[ "$(jq -r '"\(.event) \(.error) \(.exit_status)"' "$BATS_TEST_TMPDIR/late")" = 'fail E_SANDBOX_STATE 125' ]
	"$SANDBOX" rename box other
	"$SANDBOX" stop --time 0 other
	wait_until has_told '"die"'
	assert_told 'select(.event == "die") | "\(.id) \(.name) \(.cause)"' "$id other killed"
	# It was for that one start.
	"$SANDBOX" start other
	"$SANDBOX" stop --time 0 other
	assert_told .event $'start\ndie'
}

@test "start tells of that start" {
	"$SANDBOX" create --name box "$BUSYBOX_TAR" sh -c 'exit 4'
	told start --status-fd 7 box
	assert_success box
	wait_until has_told '"die"'
	assert_told '"\(.event) \(.name) \(.exit_status)"' $'start box null\ndie box 4'
	told start --attach --status-fd 7 box
	assert_status 4
	assert_told '"\(.event) \(.name) \(.exit_status)"' $'start box null\ndie box 4'
	told start --status-fd 7 nobody
	assert_told '"\(.event) \(.error) \(.exit_status)"' 'fail E_SANDBOX_UNKNOWN 125'
	told create --status-fd 7 "$BUSYBOX_TAR" true
	assert_error 'nothing is started yet'
}

@test "exec tells of its command" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6402
	told exec --status-fd 7 box sh -c 'exit 5'
	assert_status 5
	assert_told '"\(.event) \(.name) \(.cause) \(.exit_status)"' $'exec box null null\nexec_die box exit 5'
	told exec --status-fd 7 box no-such-command
	assert_told '"\(.event) \(.error) \(.exit_status)"' 'fail E_COMMAND_NOT_FOUND 127'
	told exec -d --status-fd 7 box sleep 6403
	assert_success
	assert_told .event exec
}

@test "nobody inside has it, and a reader who goes or does not read holds nobody up" {
	# Three is the folder that ls reads.
	told run --status-fd 7 "$BUSYBOX_TAR" sh -c 'ls /proc/self/fd; ls /proc/*/fd 2>/dev/null | grep -cx 7'
	assert_output $'0\n1\n2\n3\n0'
	# Python's pipe has no reader, and then one that is full.
	capture timeout 60 python3 - "$SANDBOX" "$BUSYBOX_TAR" <<-'PYTHON'
		import fcntl, os, subprocess, sys
		for full in False, True:
		    reader, writer = os.pipe()
		    if full:
		        os.set_blocking(writer, False)
		        try:
		            while True:
		                os.write(writer, bytes(4096))
		        except BlockingIOError:
		            os.set_blocking(writer, True)
		    else:
		        os.close(reader)
		    done = subprocess.run([sys.argv[1], "run", "--status-fd", str(writer), sys.argv[2], "sh", "-c", "exit 6"],
		                          pass_fds=[writer])
		    print(done.returncode)
	PYTHON
	assert_success $'6\n6'
}

@test "descriptors that cannot be told" {
	run_busybox --status-fd 9 -- true 9<&-
	assert_error 'the descriptor is not open'
	run_busybox --status-fd 2 -- true
	assert_error 'not the number of a descriptor'
	run_busybox --status-fd three -- true
	assert_error 'not the number of a descriptor'
	run_busybox --status-fd 7 -- true 7</dev/null
	assert_error 'cannot be written'
	capture bash -c '"$@" 3>/dev/null 4>/dev/null' - "$SANDBOX" run --preserve-fds 2 --status-fd 4 "$BUSYBOX_TAR" true
	assert_error '--preserve-fds gives that'
}
