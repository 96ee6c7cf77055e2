# sandbox exec: one more command in a sandbox that runs. (That it can do what the first one can, and no more, is a
# posture: test/hostile/posture.bats.)

load helper

setup_file() {
	private_folders
	"$SANDBOX" run -d --name box -e FIRST=1 -w /srv "$BUSYBOX_TAR" sleep 6010
}

teardown_file() {
	"$SANDBOX" rm -f box
	remove_private_folders
}

box() {
	sandbox exec "${@:1:$#-1}" box sh -c "${!#}"
}

is_gone() {
	! pgrep -u "$(id -u)" -f "$1"
}

@test "in the same namespaces, on the same root, with the same environment and directory" {
	local name
	box 'echo from the first >/srv/file'
	box 'cat file; echo $FIRST; cat /proc/1/comm'
	assert_success $'from the first\n1\nsandbox-init'
	for name in pid mnt ipc uts net cgroup user; do
		box "readlink /proc/1/ns/$name /proc/self/ns/$name"
		[ -z "$output" ] || [ "${lines[0]}" = "${lines[-1]}" ]
	done
	box 'test $(readlink /proc/self/ns/net) = $(readlink /proc/$(pidof sleep | cut -d " " -f 1)/ns/net)'
	assert_success
}

@test "the exit status, and that of a signal" {
	box 'exit 7'
	assert_status 7
	box 'kill -USR1 $$'
	assert_status 138
	sandbox exec box no-such-command
	assert_error E_COMMAND_NOT_FOUND 127
	sandbox exec box /etc
	assert_status 126
}

@test "what stands in the way is said, and the sandbox goes on" {
	sandbox exec box --
	assert_error 'no command'
	sandbox exec -u nobody-at-all box true
	assert_error E_USER_UNKNOWN
	sandbox exec -w /proc/none box true
	assert_status 125
	sandbox exec no-such-box true
	assert_error E_SANDBOX_UNKNOWN
	box 'echo still there'
	assert_success 'still there'
}

@test "streams: pipes and files, both ways, byte for byte" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	# shellcheck disable=SC2002
	cat "$BATS_TEST_TMPDIR/data" | "$SANDBOX" exec box cat | cmp - "$BATS_TEST_TMPDIR/data"
	"$SANDBOX" exec box cat <"$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/copy"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/copy"
	"$SANDBOX" exec box sh -c 'echo out; echo err >&2' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err")" = $'out\nerr' ]
	"$SANDBOX" exec box true <"$BATS_TEST_TMPDIR/data"
	"$SANDBOX" exec box yes 2>/dev/null | head -n 1
}

# Behind a descriptor of the host's file would be the file, which root inside could open again for writing.
@test "the caller's files themselves stay outside" {
	echo precious >"$BATS_TEST_TMPDIR/file"
	"$SANDBOX" exec box sh -c 'readlink /proc/self/fd/0; echo changed >/proc/self/fd/0' <"$BATS_TEST_TMPDIR/file" \
		>"$BATS_TEST_TMPDIR/out" 2>/dev/null || true
	grep -q '^pipe:' "$BATS_TEST_TMPDIR/out"
	[ "$(<"$BATS_TEST_TMPDIR/file")" = precious ]
	sandbox exec box true <"$BATS_TEST_TMPDIR"
	assert_error 'to a directory'
}

@test "a signal for the caller is one for the command" {
	"$SANDBOX" exec box sleep 6011 3>&- &
	wait_until pgrep -u "$(id -u)" -f '^sleep 6011'
	kill -TERM $!
	wait $! || status=$?
	[ "$status" = 143 ]
	wait_until is_gone '^sleep 6011'
}

@test "a command goes on when its caller is killed, and ends with the sandbox" {
	"$SANDBOX" run -d --name other "$BUSYBOX_TAR" sleep 6012
	"$SANDBOX" exec other sleep 6013 3>&- &
	wait_until pgrep -u "$(id -u)" -f '^sleep 6013'
	kill -KILL $!
	wait $! || true
	box true
	pgrep -u "$(id -u)" -f '^sleep 6013'
	"$SANDBOX" exec other sleep 6014 3>&- &
	wait_until pgrep -u "$(id -u)" -f '^sleep 6014'
	"$SANDBOX" rm -f other
	status=0
	wait $! || status=$?
	[ "$status" = 137 ]
	is_gone '^sleep 601[34]'
	sandbox exec other true
	assert_error E_SANDBOX_UNKNOWN
}

@test "--detach returns while the command runs, and tells of one that cannot" {
	sandbox exec -d box sleep 6015
	assert_success ''
	pgrep -u "$(id -u)" -f '^sleep 6015'
	sandbox exec -d box no-such-command
	assert_status 127
	box 'pkill -f "^sleep 6015"'
}

@test "many at once, and nobody is left" {
	local i seen=(0 0 0 0 0)
	for ((i = 0; i < 40; i++)); do
		"$SANDBOX" exec box sh -c "exit $((i % 5))" 3>&- &
	done
	for ((i = 0; i < 40; i++)); do
		status=0
		wait -n || status=$?
		seen[status]=$((${seen[status]:-0} + 1))
	done
	[ "${seen[*]}" = '8 8 8 8 8' ]
	wait_until is_gone '^sh -c exit [0-4]$'
}

@test "in an attached sandbox with a name; and not where nobody inside could start it" {
	"$SANDBOX" run --rm --name attached "$BUSYBOX_TAR" sleep 6016 3>&- &
	wait_until "$SANDBOX" exec attached true
	sandbox stop --time 0 attached
	wait $! || true
	"$SANDBOX" run -d --init=false --name alone "$BUSYBOX_TAR" sleep 6017
	sandbox exec alone true
	assert_error E_SANDBOX_STATE
	"$SANDBOX" rm -f alone
}

@test "killed on its way in, it harms nothing" {
	"$SANDBOX_SWITCHED" run -d --name switched "$BUSYBOX_TAR" sleep 6018
	"$SANDBOX" rm -f switched
	SANDBOX_TEST_KILL_AT=session.ready "$SANDBOX_SWITCHED" run -d --name switched "$BUSYBOX_TAR" sleep 6018
	sandbox exec switched true
	assert_status 137
	sandbox ps
	assert_output_has switched
	"$SANDBOX" rm -f switched
}
