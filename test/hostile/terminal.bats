# The caller's terminal is out of reach, whichever of the three descriptors it is: the payload is in a
# session of its own, where job control would not stop it from reading what is typed.
# takes long

load ../integration/helper

# Runs a shell command on a terminal of its own (script(1)), into which $typed is typed after a second.
on_terminal() {
	run --separate-stderr timeout -k 5 60 bash -c \
		'(sleep 1; printf "%s" "$1"; sleep 3) | script -qec "$2" /dev/null' - "$typed" "$1"
}

# What each descriptor of the payload is: terminals are "DEVICE:RDEVICE", and the caller's comes first.
descriptors='for fd in 0 1 2; do [ ! -t $fd ] || echo $fd $(busybox stat -Lc %d:%t:%T /dev/fd/$fd); done'

@test "in the background, with its output in a file, it does not get what is typed into the shell" {
	typed=$'password\n'
	on_terminal "set -m; $SANDBOX run $BUSYBOX_TAR cat >$BATS_TEST_TMPDIR/stolen & sleep 3"
	[ ! -s "$BATS_TEST_TMPDIR/stolen" ] || fail_with "$(cat "$BATS_TEST_TMPDIR/stolen")"
}

@test "without that defence it would get it" {
	typed=$'password\n'
	on_terminal "set -m; SANDBOX_TEST_REMOVE=terminal $SANDBOX_SWITCHED run $BUSYBOX_TAR cat >$BATS_TEST_TMPDIR/stolen & sleep 3"
	[ "$(cat "$BATS_TEST_TMPDIR/stolen")" = password ] || fail_with "the attack should have worked"
}

@test "no descriptor is the caller's terminal, with any of them redirected" {
	local host redirection
	typed=
	for redirection in '' '<'"$BATS_TEST_TMPDIR/some" '>'"$BATS_TEST_TMPDIR/some" '2>'"$BATS_TEST_TMPDIR/some" \
		'>'"$BATS_TEST_TMPDIR/some"' 2>&1'; do
		echo text >"$BATS_TEST_TMPDIR/some"
		on_terminal "stat -Lc host:%d:%t:%T /dev/fd/0; $SANDBOX run $BUSYBOX_TAR sh -c '$descriptors; $descriptors >&2' $redirection"
		[ "$status" = 0 ] || fail_with "redirected: $redirection"
		output+=$(cat "$BATS_TEST_TMPDIR/some")
		host=$(sed -n 's/^host:\([0-9a-f:]*\).*/\1/p' <<<"$output")
		[ -n "$host" ] || fail_with "the host's terminal should be known"
		! grep -q "^[012] $host" <<<"$output" || fail_with "redirected: $redirection"
	done
}

@test "without a terminal of its own it has a pipe to write to, and an empty input" {
	typed=$'password\n'
	on_terminal "$SANDBOX run --no-tty $BUSYBOX_TAR sh -c '$descriptors; cat; readlink /dev/fd/1; echo error >&2'"
	output=$(tr -d '\r' <<<"$output" | grep -v password)
	[[ $output == pipe:* && $output == *$'\nerror' && $status = 0 ]] || fail_with "output and error should be a pipe"
}

@test "a terminal as standard input alone is an empty one" {
	typed=$'password\n'
	on_terminal "$SANDBOX run $BUSYBOX_TAR sh -c 'cat; echo end' 2>&1 | cat"
	[ "$(tr -d '\r' <<<"$output" | grep -v password)" = end ] || fail_with "it should see the end of the file"
}

@test "a terminal as standard error alone gets what is written there, once per line" {
	typed=
	on_terminal "$SANDBOX run $BUSYBOX_TAR sh -c 'echo one; echo two >&2; echo three >&2' </dev/null >$BATS_TEST_TMPDIR/out"
	[ "$output" = $'two\r\nthree\r' ] || fail_with "two lines should come"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = one ]
}

@test "a terminal on both sides still is one" {
	typed=$'echo typed $((6 * 7))\nexit 3\n'
	on_terminal "$SANDBOX run $BUSYBOX_TAR sh; echo status \$?"
	[[ $output == *"typed 42"* && $output == *"status 3"* ]] || fail_with "the shell should have been interactive"
}
