# Sandboxes in the background: run -d, ps, logs, stop, kill, wait, rm.

load helper

# run -d on the busybox image; $id is what it prints.
detach() {
	run_busybox -d "$@"
	assert_success
	[[ $output =~ ^[0-9a-f]{12}$ ]] || fail_with 'it should print an id'
	id=$output
}

# Whatever a test leaves is removed, and then nothing is left of any.
teardown() {
	remove_sandboxes
	assert_no_sandbox_is_known
}

# Up, Exited or Dead.
status_of() {
	"$SANDBOX" ps -a | grep "^$1 " | grep -oE ' (Up|Exited|Dead)\>' | tr -d ' '
}

is_dead() {
	[ "$(status_of "$1")" = Dead ]
}

has_written() {
	"$SANDBOX" logs "$id" 2>&1 | grep -q "$1"
}

@test "run -d returns with an id while the command runs" {
	detach -- sleep 600
	sandbox ps -q
	assert_success "$id"
	[ "$(status_of "$id")" = Up ]
}

@test "what fails before the command runs is the caller's error, and leaves nothing" {
	run_busybox -d -- no-such-command
	assert_status 127
	run_busybox -d -u nobody-at-all -- true
	assert_error E_USER_UNKNOWN
	run_busybox -d --name a/b -- true
	assert_status 125
	sandbox ps -aq
	assert_success ''
}

@test "an end is known afterwards, with its status, until it is removed" {
	detach -- sh -c 'exit 7'
	sandbox wait "$id"
	assert_success 7
	[ "$(status_of "$id")" = Exited ]
	sandbox wait "$id"
	assert_success 7
	sandbox ps -q
	assert_success ''
	sandbox rm "$id"
	assert_success "$id"
	sandbox wait "$id"
	assert_error E_SANDBOX_UNKNOWN
}

# The shell says when it listens; what it exits with then is what every waiter hears.
@test "wait hears of an end that is yet to come, also of one that leaves nothing" {
	local supervisor before first second
	detach --rm -- sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	wait_until has_written ready
	supervisor=$(supervisor_of 'sh -c trap "exit 9" TERM')
	before=$(sockets_of "$supervisor")
	"$SANDBOX" wait "$id" >"$BATS_TEST_TMPDIR/first" 3>&- &
	first=$!
	"$SANDBOX" wait "$id" "$id" >"$BATS_TEST_TMPDIR/second" 2>/dev/null 3>&- &
	second=$!
	# Who has only been started would ask for one that is not there any more.
	wait_until has_sockets "$supervisor" $((before + 2))
	sandbox stop "$id"
	assert_success "$id"
	wait "$first"
	[ "$(<"$BATS_TEST_TMPDIR/first")" = 9 ]
	wait "$second" || true
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/second")" = 9 ]
	sandbox ps -aq
	assert_success ''
}

@test "stop asks first, and ends what does not listen" {
	detach -- sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
	wait_until has_written ready
	sandbox stop --time 200ms "$id"
	assert_success "$id"
	sandbox wait "$id"
	assert_success 137
	sandbox stop "$id"
	assert_success "$id"
	sandbox stop --signal NONE "$id"
	assert_error 'no such signal'
}

@test "kill sends any signal, and says so when nobody is there to get it" {
	detach -- sh -c 'trap "echo got it" USR1; echo ready; while :; do sleep 0.05; done'
	wait_until has_written ready
	sandbox kill --signal USR1 "$id"
	assert_success "$id"
	wait_until has_written 'got it'
	"$SANDBOX" kill "$id"
	sandbox wait "$id"
	assert_success 137
	sandbox kill "$id"
	assert_error E_SANDBOX_STATE
}

@test "several at once: each that can be is ended, also after one that cannot" {
	detach -- sleep 600
	local first=$id
	detach -- sleep 600
	sandbox stop --time 0 "$first" nobody "$id"
	assert_error E_SANDBOX_UNKNOWN
	assert_output "$first"$'\n'"$id"
	[ "$(status_of "$first")$(status_of "$id")" = ExitedExited ]
}

@test "a dozen are ended and removed by one command" {
	local i
	for ((i = 0; i < 12; i++)); do
		"$SANDBOX" run -d "$BUSYBOX_TAR" sleep 600 >/dev/null
	done
	# shellcheck disable=SC2046
	sandbox rm --force $("$SANDBOX" ps -q)
	assert_success
	[ "${#lines[@]}" = 12 ]
	sandbox ps -aq
	assert_success ''
}

@test "by name, by id, by the beginning of an id" {
	detach --name box -- sleep 600
	sandbox kill --signal 0x "$id"
	assert_status 125
	sandbox stop --time 0 "${id:0:4}"
	assert_success "${id:0:4}"
	sandbox rm box
	assert_success box
	sandbox rm box
	assert_error E_SANDBOX_UNKNOWN
	sandbox rm ''
	assert_error E_SANDBOX_UNKNOWN
}

@test "a name is taken until its sandbox is removed" {
	detach --name box -- true
	"$SANDBOX" wait box
	run_busybox --rm --name box -- true
	assert_error E_NAME_IN_USE
	assert_stderr_has 'sandbox rm box'
	"$SANDBOX" rm box
	run_busybox --rm --name box -- true
	assert_success
}

@test "one that runs is removed by force alone" {
	detach -- sleep 600
	sandbox rm "$id"
	assert_error E_SANDBOX_STATE
	sandbox rm --force "$id"
	assert_success "$id"
	sandbox ps -aq
	assert_success ''
}

@test "with --rm nothing stays" {
	detach --rm -- sleep 600
	"$SANDBOX" stop --time 0 "$id"
	sandbox ps -aq
	assert_success ''
}

@test "rm says so when one stays" {
	local all=$XDG_STATE_HOME/sandbox/sandboxes
	detach --name box -- true
	"$SANDBOX" wait box
	chmod 500 "$all"
	sandbox rm box
	chmod 700 "$all"
	assert_error E_HOME_UNUSABLE
	assert_output ''
	sandbox events --since 1h --until 0s --filter event=rm --filter name=box --filter "id=$id"
	assert_success ''
	sandbox rm box
	assert_success box
}

@test "force removes one with --rm, which takes its entry along itself" {
	detach --rm --name box -- sleep 600
	sandbox rm -f box
	assert_success box
	sandbox ps -aq
	assert_success ''
	sandbox rm -f box
	assert_error E_SANDBOX_UNKNOWN
}

@test "one that is attached can be found by its name, and leaves nothing" {
	"$SANDBOX" run --rm --name box "$BUSYBOX_TAR" sleep 600 3>&- &
	wait_until "$SANDBOX" kill --signal TERM box
	wait $! || status=$?
	[ "$status" = 143 ]
	sandbox ps -aq
	assert_success ''
	sandbox logs box
	assert_error E_SANDBOX_UNKNOWN
}

@test "ps shows the command, the image's file, and what time it is" {
	detach --name box -- sh -c 'exit 3'
	"$SANDBOX" wait box
	sandbox ps --all
	assert_output_has 'busybox.tar'
	assert_output_has 'sh -c exit 3'
	[[ $output =~ Exited\ \(3\)\ [a-z0-9\ ]+\ ago ]] || fail_with "its end should have a time"
	assert_output_has ' box'
	sandbox ps --all --json
	assert_output_has '"exit_status": 3'
	assert_output_has '"status": "exited"'
}

# --- kills --------------------------------------------------------------------------------------------------------

supervisor_of() {
	pgrep -u "$(id -u)" -f "run -d .* $1"
}

@test "a killed supervisor is seen for what it is, and all of its sandbox has ended" {
	detach -- sleep 6001
	kill -KILL "$(supervisor_of 'sleep 6001')"
	wait_until is_dead "$id"
	[ -z "$(pgrep -u "$(id -u)" -f '^sleep 6001')" ]
	sandbox wait "$id"
	assert_error E_SANDBOX_STATE
	assert_stderr_has 'its supervisor was killed'
	sandbox stop "$id"
	assert_success "$id"
	sandbox rm "$id"
	assert_success "$id"
}

@test "of one with --rm a killed supervisor leaves what the next command sweeps" {
	detach --rm -- sleep 6002
	kill -KILL "$(supervisor_of 'sleep 6002')"
	swept() {
		[ -z "$("$SANDBOX" ps -aq)" ]
	}
	wait_until swept
}

@test "a caller who is killed before the command runs leaves no sandbox" {
	local step
	for step in registry.made container.named launch.cloned launch.mapped launch.set-up detach.report; do
		capture env SANDBOX_TEST_KILL_AT=$step "$SANDBOX_SWITCHED" run -d --rm "$BUSYBOX_TAR" sleep 6003
		[ "$status" != 0 ]
		# Whoever is killed himself says nothing.
		[ "$status" = 137 ] || assert_error E_CHILD_DIED
		swept() {
			[ -z "$("$SANDBOX" ps -aq)" ] && ! pgrep -u "$(id -u)" -f '^sleep 6003'
		}
		wait_until swept
	done
}

@test "one that does not listen yet is not said to be stopped" {
	local starting
	SANDBOX_TEST_STOP_AT=container.recorded "$SANDBOX_SWITCHED" run --rm --name box "$BUSYBOX_TAR" sleep 6004 \
		>/dev/null 2>&1 3>&- &
	starting=$!
	wait_until grep -q '^State:.*stopped' "/proc/$starting/status"
	sandbox stop --time 0 box
	assert_error E_SANDBOX_STATE
	sandbox rm -f box
	assert_error E_SANDBOX_STATE
	sandbox wait box
	assert_error E_SANDBOX_STATE
	assert_stderr_has 'sandbox wait'
	kill -CONT "$starting"
	sandbox stop --time 0 box
	assert_success box
	wait "$starting" || true
	sandbox ps -aq
	assert_success ''
}

# Each that waits for the end has one in the supervisor.
sockets_of() {
	find "/proc/$1/fd" -lname 'socket:*' | wc -l
}

has_sockets() {
	[ "$(sockets_of "$1")" -ge "$2" ]
}

@test "those who wait for an end do not keep out who ends it" {
	! is_sanitized || skip 'hundreds of processes with shadow memory'
	local supervisor before i pids=() pid
	run_busybox -d --name box -- sleep 6005
	supervisor=$(pgrep -u "$(id -u)" -f -- '-d --name box.* sleep 6005')
	before=$(sockets_of "$supervisor")
	for ((i = 0; i < 256; i++)); do
		"$SANDBOX" wait box >/dev/null 3>&- &
		pids+=($!)
	done
	wait_until has_sockets "$supervisor" $((before + 256))
	sandbox wait box
	assert_error '256 processes wait for its end already'
	sandbox logs --follow box
	assert_error '256 processes wait for its end already'
	sandbox kill --signal WINCH box
	assert_success box
	sandbox stop --time 0 box
	assert_success box
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}

# --- logs ---------------------------------------------------------------------------------------------------------

@test "logs keep the streams apart, byte for byte" {
	detach -- sh -c 'printf "one\ntwo\0three\n\nhalf"; echo problem >&2; sleep 0.1; printf " line"'
	"$SANDBOX" wait "$id"
	"$SANDBOX" logs "$id" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	printf 'one\ntwo\0three\n\nhalf line' | cmp - "$BATS_TEST_TMPDIR/out"
	[ "$(<"$BATS_TEST_TMPDIR/err")" = problem ]
	sandbox logs --timestamps "$id"
	[[ ${lines[0]} =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z\ one$ ]]
	# A line that comes in pieces has one time, whatever the other stream had meanwhile.
	[[ ${lines[-1]} =~ ^20[^\ ]*Z\ half\ line$ ]] || fail_with "the last line: ${lines[-1]}"
	assert_stderr_has 'Z problem'
}

@test "logs --tail and --follow" {
	detach -- sh -c 'for i in 1 2 3; do echo $i; done; while [ ! -e /go ]; do sleep 0.05; done'
	wait_until has_written 3
	sandbox logs --tail 2 "$id"
	assert_success $'2\n3'
	sandbox logs --tail some "$id"
	assert_error 'not a number'
	detach -- sh -c 'for i in 1 2 3 4; do echo $i; sleep 0.2; done'
	sandbox logs --follow "$id"
	assert_success $'1\n2\n3\n4'
	[ "$(status_of "$id")" = Exited ]
}

@test "a command that floods costs a bounded log, and its end is still there" {
	detach -- sh -c 'yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 30000000; echo; echo the end'
	sandbox wait "$id"
	assert_success 0
	size=$(du -sb "$XDG_STATE_HOME/sandbox/sandboxes/$id" | cut -f 1)
	[ "$size" -lt 17000000 ]
	[ "$size" -gt 8000000 ]
	sandbox logs --tail 1 "$id"
	assert_success 'the end'
}

@test "a terminal of its own, for one in the background" {
	detach -t -- sh -c 'tty; stty size'
	"$SANDBOX" wait "$id"
	sandbox logs "$id"
	assert_output_has /dev/pts/0
	assert_output_has '24 80'
	detach -- sh -c 'tty; readlink /proc/self/fd/0'
	"$SANDBOX" wait "$id"
	sandbox logs "$id"
	assert_output $'not a tty\n/dev/null'
}

@test "the caller's own streams are not kept open" {
	output=$(timeout 30 "$SANDBOX" run -d "$BUSYBOX_TAR" sleep 600 3>&- | cat)
	[[ $output =~ ^[0-9a-f]{12}$ ]]
}
