# sandbox exec and the supervisor behind it where something is in their way: a child that is killed, too few descriptors,
# an init that does not listen, signals at the wrong moment.
# runs alone

load helper

teardown() {
	pkill -u "$(id -u)" -f '[s]andbox wait box' || true
	remove_sandboxes
}

# One in which limits of others can be set: test/helpers/relimit.c.
start_box() {
	"${program:-$SANDBOX}" run -d --name box -v "$HELPERS:/helpers:ro" "$BUSYBOX_TAR" sleep 6021
}

# As root inside. usage: relimit_init RESOURCE SOFT [HARD]
relimit_init() {
	sandbox exec box /helpers/relimit 1 "$@"
	assert_success ''
}

on_terminal() (
	set -o pipefail
	script -qec "$(printf '%q ' "$@")" /dev/null </dev/null | tr -d '\r' | sed 's/^\^@//'
)

@test "--detach: a command that is killed before it runs is no success" {
	SANDBOX_TEST_KILL_AT=session.ready "$SANDBOX_SWITCHED" run -d --name box "$BUSYBOX_TAR" sleep 6022
	sandbox exec -d box sleep 6023
	assert_status 125
	assert_stderr_has E_CHILD_DIED
	sandbox exec -d box true
	assert_status 125
}

@test "--detach: a command that ends at once has run" {
	local i
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6022
	for ((i = 0; i < 30; i++)); do
		sandbox exec -d box true
		assert_success ''
		sandbox exec -d box sh -c 'echo x >>/ran; exit 3'
		assert_success ''
	done
	all_have_run() {
		[ "$("$SANDBOX" exec box cat /ran | wc -l)" = 30 ]
	}
	wait_until all_have_run
}

@test "root inside who lets init open no files harms exec alone, and exec says so" {
	start_box
	relimit_init nofile 4 4
	sandbox exec box true
	assert_status 125
	assert_stderr_has E_CHILD_DIED
	sandbox exec -d box true
	assert_status 125
	sandbox ps -q -f status=running -f name=box
	[ -n "$output" ] || fail_with "the sandbox should still run"
	sandbox stop --time 0 box
	assert_success box
}

@test "what root inside does to init's limits is not the next command's" {
	start_box
	sandbox exec box sh -c 'ulimit -Sn; ulimit -Sc'
	assert_success
	local limits=$output
	relimit_init nofile 77
	relimit_init core 0
	sandbox exec box sh -c 'ulimit -Sn; ulimit -Sc'
	assert_success "$limits"
	relimit_init stack 1000000 1000000
	sandbox exec box true
	assert_error 'has lowered'
}

@test "the limits would be the next command's without that defence" {
	SANDBOX_TEST_REMOVE=session-rlimits program=$SANDBOX_SWITCHED start_box
	relimit_init nofile 77
	sandbox exec box sh -c 'ulimit -Sn'
	assert_success 77
}

@test "a terminal has the caller's size and mode from its first moment" {
	local i
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6024
	for ((i = 0; i < 10; i++)); do
		capture on_terminal sh -c "stty rows 33 cols 99; exec $SANDBOX exec box stty size"
		assert_output '33 99'
	done
	# Standard input is no terminal, so the caller's makes the carriage return: there is to be one.
	capture script -qec "$SANDBOX exec box echo line </dev/null" /dev/null
	[ "$output" = $'line\r' ] || fail_with 'there should be one carriage return'
}

@test "a signal before the command runs ends it, and is not lost" {
	SANDBOX_TEST_STOP_AT=session.ready "$SANDBOX_SWITCHED" run -d --name box "$BUSYBOX_TAR" sleep 6025
	"$SANDBOX" exec box sleep 6026 3>&- &
	stopped_child() {
		child=$(pgrep -u "$(id -u)" -f '^sandbox-init' -r T)
	}
	wait_until stopped_child
	stopped_child
	kill -TERM $!
	# It is on its way to init once the client has read it.
	taken() {
		grep -q '^ShdPnd:.*0000$' "/proc/$1/status" && grep -q '^SigPnd:.*0000$' "/proc/$1/status"
	}
	wait_until taken $!
	has_pending() {
		grep -qE '^ShdPnd:.*[4567cdef]...$' "/proc/$child/status"
	}
	wait_until has_pending
	kill -CONT "$child"
	status=0
	wait $! || status=$?
	[ "$status" = 143 ]
	[ -z "$(pgrep -u "$(id -u)" -f '^sleep 6026')" ]
}

@test "a second signal does not wait for a command that is never started" {
	SANDBOX_TEST_STOP_AT=session.ready "$SANDBOX_SWITCHED" run -d --name box "$BUSYBOX_TAR" sleep 6025
	"$SANDBOX" exec box sleep 6026 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	stopped_child() {
		pgrep -u "$(id -u)" -f '^sandbox-init' -r T
	}
	wait_until stopped_child
	is_over() {
		kill -TERM "$1" 2>/dev/null
		! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"
	}
	wait_until is_over $!
	status=0
	wait $! || status=$?
	[ "$status" = 125 ]
	grep -q 'start the command' "$BATS_TEST_TMPDIR/said"
}

# Init is stopped as a paused one is; what it is told then would fill its queue and hold up the supervisor.
@test "an init that does not listen holds up nobody" {
	local i
	"$SANDBOX" run -d --pidfile "$BATS_TEST_TMPDIR/init" --name box "$BUSYBOX_TAR" sh -c 'while :; do echo line; sleep 0.05; done'
	init=$(<"$BATS_TEST_TMPDIR/init")
	kill -STOP "$init"
	for ((i = 0; i < 400; i++)); do
		sandbox kill --signal WINCH box
		[ "$status" = 0 ] || break
	done
	assert_stderr_has 'does not listen'
	sandbox exec -d box true
	assert_status 125
	# The supervisor still writes the log down.
	count=$("$SANDBOX" logs box | wc -l)
	more_lines() {
		[ "$("$SANDBOX" logs box | wc -l)" -gt "$count" ]
	}
	wait_until more_lines
	kill -CONT "$init"
	answers() {
		"$SANDBOX" exec box true
	}
	wait_until answers
}

@test "more connections than the supervisor may have are told so" {
	local i
	(
		ulimit -n 40
		exec "$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6027
	)
	for ((i = 0; i < 40; i++)); do
		"$SANDBOX" wait box >>"$BATS_TEST_TMPDIR/out" 2>>"$BATS_TEST_TMPDIR/err" 3>&- &
	done
	wait_until grep -q 'may not open so many files' "$BATS_TEST_TMPDIR/err"
	# When some have gone away, others can come in: to end it, for instance, which is what the rest wait for.
	ended() {
		pkill -u "$(id -u)" -o -f '[s]andbox wait box'
		"$SANDBOX" stop --time 0 box
	}
	wait_until ended
	wait
	grep -qE '^1(37|43)$' "$BATS_TEST_TMPDIR/out"
}

@test "a process that goes on writing does not keep exec at its end" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6028
	capture timeout 60 script -qec "$SANDBOX exec --no-tty box sh -c 'yes endless & echo over'" /dev/null
	assert_status 0
	assert_output_has over
}

@test "--init=false: a payload may close its terminal" {
	"$SANDBOX" run -d -t --init=false --name box "$BUSYBOX_TAR" \
		sh -c 'trap "exit 9" HUP; exec <&- >&- 2>&-; sleep 1; exit 4'
	sandbox wait box
	assert_success 4
}
