# The caller's terminal is out of reach, whichever of the three descriptors it is: the payload is in a
# session of its own, where job control would not stop it from reading what is typed.

load ../integration/helper

# Runs a shell command on a terminal of its own, and types: each TEXT once EXPECT has been shown.
# usage: on_terminal COMMAND [EXPECT TEXT]…
on_terminal() {
	capture python3 test/integration/typed.py "${@:2}" -- bash -c "$1"
}

# What each descriptor of the payload is: terminals are "DEVICE:RDEVICE", and the caller's comes first.
descriptors='for fd in 0 1 2; do [ ! -t $fd ] || echo $fd $(busybox stat -Lc %d:%t:%T /dev/fd/$fd); done'

# Starts a payload in the background that writes what it reads to a file, and tells the terminal when it begins.
steals="run $BUSYBOX_TAR sh -c 'echo begins >&2; exec cat'"

@test "in the background, with its output in a file, it does not get what is typed into the shell" {
	# What the shell has got, several times, nobody else has.
	on_terminal "set -m; $SANDBOX $steals >$BATS_TEST_TMPDIR/stolen &
		for i in 1 2 3; do read -r line; echo got \$i \$line; done; kill %1; wait" \
		begins 'password\r' 'got 1 password' 'password\r' 'got 2 password' 'password\r'
	assert_output_has 'got 3 password'
	[ ! -s "$BATS_TEST_TMPDIR/stolen" ] || fail_with "$(cat "$BATS_TEST_TMPDIR/stolen")"
}

@test "without that defence it would get it" {
	on_terminal "set -m; SANDBOX_TEST_REMOVE=terminal $SANDBOX_SWITCHED $steals >$BATS_TEST_TMPDIR/stolen &
		until [ -s $BATS_TEST_TMPDIR/stolen ]; do sleep 0.1; done; kill %1; wait" begins 'password\r'
	[ "$(cat "$BATS_TEST_TMPDIR/stolen")" = password ] || fail_with "the attack should have worked"
}

@test "no descriptor is the caller's terminal, with any of them redirected" {
	local host redirection
	for redirection in '' '<'"$BATS_TEST_TMPDIR/some" '>'"$BATS_TEST_TMPDIR/some" '2>'"$BATS_TEST_TMPDIR/some" \
		'>'"$BATS_TEST_TMPDIR/some"' 2>&1'; do
		echo text >"$BATS_TEST_TMPDIR/some"
		on_terminal "stat -Lc host:%d:%t:%T /dev/fd/0; $SANDBOX run $BUSYBOX_TAR sh -c '$descriptors; $descriptors >&2' $redirection"
		[ "$status" = 0 ] || fail_with "redirected: $redirection"
		output+=$(cat "$BATS_TEST_TMPDIR/some")
		host=$(sed -n 's/^host:\([0-9a-f:]*\).*/\1/p' <<<"$output")
		[ -n "$host" ] || fail_with "the host's terminal should be known"
		[ -n "$redirection" ] || grep -q '^[012] [0-9a-f]*:' <<<"$output" || fail_with "the payload's terminal should be known"
		! grep -q "^[012] $host" <<<"$output" || fail_with "redirected: $redirection"
	done
}

# What is typed is there before the payload is.
@test "without a terminal of its own it has a pipe to write to, and an empty input" {
	on_terminal "$SANDBOX run --no-tty $BUSYBOX_TAR sh -c '$descriptors; cat; readlink /dev/fd/1; echo error >&2'" '' 'password\r'
	output=$(tr -d '\r' <<<"$output" | grep -v password)
	[[ $output == pipe:* && $output == *$'\nerror' && $status = 0 ]] || fail_with "output and error should be a pipe"
}

@test "a terminal as standard input alone is an empty one" {
	on_terminal "$SANDBOX run $BUSYBOX_TAR sh -c 'cat; echo end' 2>&1 | cat" '' 'password\r'
	[ "$(tr -d '\r' <<<"$output" | grep -v password)" = end ] || fail_with "it should see the end of the file"
}

@test "a terminal as standard error alone gets what is written there, once per line" {
	on_terminal "$SANDBOX run $BUSYBOX_TAR sh -c 'echo one; echo two >&2; echo three >&2' </dev/null >$BATS_TEST_TMPDIR/out"
	[ "$output" = $'two\r\nthree\r' ] || fail_with "two lines should come"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = one ]
}

@test "a terminal on both sides still is one" {
	on_terminal "$SANDBOX run $BUSYBOX_TAR sh; echo status \$?" '# ' 'echo typed $((6 * 7))\r' 'typed 42' 'exit 3\r'
	[[ $output == *"status 3"* ]] || fail_with "the shell should have been interactive"
}
