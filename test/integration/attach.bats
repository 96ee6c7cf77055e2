# sandbox attach: taking part in a detached sandbox, by its terminal or its pipes, several at once.

load helper

teardown() {
	remove_sandboxes
}

# A box whose shell reads commands and prints what they print.
start_shell() {
	"$SANDBOX" run -d --name box "$@" "$BUSYBOX_TAR" sh
}

# typed [EXPECT TEXT]… -- attaches on a terminal and types.
typed() {
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	capture python3 test/integration/typed.py "${steps[@]}" -- "$SANDBOX" attach "$@"
}

runs() {
	[ -n "$("$SANDBOX" ps -q -f name=box)" ]
}

logged() {
	"$SANDBOX" logs box 2>&1 | grep -q "$1"
}

@test "a terminal: what is typed and shown, the caller's size, and the keys that leave it" {
	start_shell -t
	typed '# ' 'stty size; echo so-$((40 + 2))\r' 'so-42' '\x10\x11' -- box
	assert_status 0
	assert_output_has '40 100'
	runs
	# What was typed in one go with the keys is the command's.
	typed '# ' 'echo pasted >/pasted\r\x10\x11' -- box
	assert_status 0
	wait_until "$SANDBOX" exec box grep pasted /pasted
	# Again, with other keys; the usual ones are then typed like others.
	typed '# ' 'cat -v\r' 'cat -v' '\x10\x0e\r' '^P^N' 'xyz' -- --detach-keys x,y,z box
	assert_status 0
	runs
	"$SANDBOX" exec box killall cat
	typed '# ' 'exit 7\r' -- box
	assert_status 7
	sandbox ps -q
	assert_success ''
}

@test "only what comes from now on is shown" {
	"$SANDBOX" run -d -i --name box "$BUSYBOX_TAR" sh -c 'echo before; read line; echo "got $line"; exit 3'
	wait_until logged before
	capture "$SANDBOX" attach box <<<'a line'
	assert_status 3
	assert_output 'got a line'
}

@test "pipes: both streams apart, byte for byte" {
	"$SANDBOX" run -d -i --name box "$BUSYBOX_TAR" sh -c 'read line; printf "one\0two"; echo problem >&2'
	echo >"$BATS_TEST_TMPDIR/line"
	"$SANDBOX" attach box <"$BATS_TEST_TMPDIR/line" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	printf 'one\0two' | cmp - "$BATS_TEST_TMPDIR/out"
	[ "$(<"$BATS_TEST_TMPDIR/err")" = problem ]
}

@test "standard input stays open for the next one, and is empty without -i" {
	"$SANDBOX" run -d -i --name box "$BUSYBOX_TAR" sh -c 'while read line; do echo "got $line"; [ "$line" != end ] || exit 4; done; exit 5'
	"$SANDBOX" attach box <<<first >/dev/null 3>&- &
	wait_until logged 'got first'
	# It looks on, though what it had to say is said.
	capture "$SANDBOX" attach box <<<end
	assert_status 4
	status=0
	wait $! || status=$?
	[ "$status" = 4 ]
	"$SANDBOX" rm box
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c 'read line || exit 6'
	sandbox wait box
	assert_output 6
}

@test "--no-stdin only looks on" {
	start_shell -i
	"$SANDBOX" attach --no-stdin box <<<'exit 9' >"$BATS_TEST_TMPDIR/out" 3>&- &
	looking=$!
	wait_until sh -c "grep -q inotify /proc/$looking/fdinfo/*"
	"$SANDBOX" attach box <<<'echo hello; exit 8' >/dev/null || status=$?
	[ "$status" = 8 ]
	status=0
	wait "$looking" || status=$?
	[ "$status" = 8 ]
	[ "$(<"$BATS_TEST_TMPDIR/out")" = hello ]
}

# One is stopped, one reads nothing of what it is given: the command floods, ends in time, and its log is whole.
@test "who is slow or stopped holds up nobody" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	# Of the log there is less than what is written.
	"$SANDBOX" run -d -i --name box --log-opt max-size=1m --log-opt max-file=2 "$BUSYBOX_TAR" \
		sh -c 'read line; yes 0123456789012345678901234567890123456789 | head -c 5000000; echo; echo the end'
	"$SANDBOX" attach box </dev/null >/dev/null 3>&- &
	stopped=$!
	# shellcheck disable=SC2217  # it holds the reading end open, and reads nothing
	sleep 1000 <"$BATS_TEST_TMPDIR/pipe" 3>&- &
	reader=$!
	"$SANDBOX" attach box </dev/null >"$BATS_TEST_TMPDIR/pipe" 3>&- &
	slow=$!
	wait_until sh -c "grep -q inotify /proc/$stopped/fdinfo/*"
	wait_until sh -c "grep -q inotify /proc/$slow/fdinfo/*"
	kill -STOP "$stopped"
	"$SANDBOX" attach box <<<go | tail -n 1 >"$BATS_TEST_TMPDIR/last"
	[ "$(<"$BATS_TEST_TMPDIR/last")" = 'the end' ]
	sandbox logs --tail 1 box
	assert_success 'the end'
	kill -CONT "$stopped"
	kill "$slow" "$reader"
	wait "$stopped"
}

# The one who is attached with these options ends, and the sandbox goes on.
assert_signal_ends_attach() {
	"$SANDBOX" attach "$@" box >/dev/null </dev/null 3>&- &
	wait_until sh -c "ls -l /proc/$!/fd | grep -q signalfd"
	kill -TERM $!
	status=0
	wait $! || status=$?
	[ "$status" = 143 ] || fail_with 'it should be ended by the signal'
	runs
}

@test "signals: for the command where it has no terminal, else for the one who is attached" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c 'trap "echo got it" USR1; echo ready; while :; do sleep 0.05; done'
	wait_until logged ready
	"$SANDBOX" attach box >/dev/null 3>&- &
	wait_until sh -c "ls -l /proc/$!/fd | grep -q signalfd"
	kill -USR1 $!
	wait_until logged 'got it'
	assert_signal_ends_attach --sig-proxy=false
	"$SANDBOX" rm -f box
	wait || true
	start_shell -t
	assert_signal_ends_attach
}

@test "a flood on a terminal can be left" {
	"$SANDBOX" run -d -t --name box "$BUSYBOX_TAR" sh -c 'read line; yes'
	typed '' '\r' 'y' '\x10\x11' -- box
	assert_status 0
	runs
}

@test "what cannot be attached to is said" {
	sandbox attach no-such-box
	assert_error E_SANDBOX_UNKNOWN
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" true
	"$SANDBOX" wait box
	sandbox attach box
	assert_error E_SANDBOX_STATE
	sandbox attach --detach-keys ctrl-P box
	assert_error 'ctrl-'
	sandbox attach --detach-keys a,,b box
	assert_error 'ctrl-'
	"$SANDBOX" rm box
	"$SANDBOX" run --name box "$BUSYBOX_TAR" sleep 6191 3>&- &
	wait_until "$SANDBOX" exec box true
	sandbox attach box
	assert_error 'only what a detached sandbox writes'
	run_busybox --detach-keys ctrl-x -- true
	assert_status 125
	assert_stderr_has 'sandbox attach'
	"$SANDBOX" stop --time 0 box
}
