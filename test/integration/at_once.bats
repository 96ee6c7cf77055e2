# Many sandboxes at once and many first runs of one archive; payloads that try to stay; kills at random moments.
# runs alone

load helper
load fault

setup_file() {
	private_folders
	charged_keys >"$BATS_FILE_TMPDIR/keys"
	"$SANDBOX" run --rm --name first --overlay=disk "$BUSYBOX_TAR" -- true
}

# A store with this one image.
setup() {
	"$SANDBOX" reset
	"$SANDBOX" run "$BUSYBOX_TAR" -- true
	living=$(living_things)
	files=$(kept_files)
}

assert_as_before() {
	assert_nothing_lives "$living" "$1"
	assert_nothing_kept "$files" "$(<"$BATS_FILE_TMPDIR/keys")" "$1"
}

# Starts `sandbox run OPTION… BUSYBOX -- ARG…` in the background; $! is the tool.
start() {
	"$SANDBOX" run "$@" </dev/null >"$BATS_TEST_TMPDIR/stdout" 2>>"$BATS_TEST_TMPDIR/stderr" 3>&- &
}

# Waits for all that were started: each is to end with this status.
# usage: wait_for_all STATUS PID…
wait_for_all() {
	local wanted=$1 pid status failed=0
	shift
	for pid in "$@"; do
		status=0
		wait "$pid" || status=$?
		[ "$status" = "$wanted" ] || failed=$((failed + 1))
	done
	[ "$failed" = 0 ] || fail_with "$failed of $# ended otherwise: $(<"$BATS_TEST_TMPDIR/stderr")"
}

# The payload says that it is ready, the tool is killed.
kill_tool_when_ready() {
	: >"$BATS_TEST_TMPDIR/stdout"
	start "$@"
	wait_until grep -q ready "$BATS_TEST_TMPDIR/stdout"
	kill -KILL $!
	wait $! 2>/dev/null || true
}

# Every place of the writable layer that this kernel has.
overlays() {
	! tmpfs_holds_layers || echo --overlay=tmpfs
	echo --overlay=disk
}

@test "a payload that leaves its session and ignores signals does not outlive its sandbox" {
	local options
	"$SANDBOX" run --userns=single "$BUSYBOX_TAR" -- true
	files=$(kept_files)
	for options in $(overlays) --init=false --user=65534 --userns=single; do
		start "$options" "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
		wait_for_all 0 $!
		assert_nothing_lives "$living" "$options"
	done
	assert_as_before "all of them"
}

@test "nor a killed tool" {
	local options
	"$SANDBOX" run --userns=single "$BUSYBOX_TAR" -- true
	files=$(kept_files)
	for options in $(overlays) --init=false --user=65534 --userns=single; do
		kill_tool_when_ready "$options" "$BUSYBOX_TAR" -- sh -c "${STUBBORN/sleep 0.03/echo ready; sleep 1000}"
		assert_nothing_lives "$living" "$options"
	done
	run_switched run "$BUSYBOX_TAR" -- true
	assert_as_before "the next run"
}

# Both of these clear the death signal that the kernel has for it (prctl(2)).
@test "nor one that is PID 1 and changes its user" {
	kill_tool_when_ready --init=false "$BUSYBOX_TAR" -- \
		sh -c 'exec start-stop-daemon -S -c 65534:65534 -x /bin/sh -- -c "echo ready; sleep 1000"'
	assert_as_before "killed"
}

@test "50 runs at once, in memory, on disk, and with names" {
	local i pids=()
	: >"$BATS_TEST_TMPDIR/stderr"
	for ((i = 0; i < 50; i++)); do
		case $((i % 4)) in
		0) start "$BUSYBOX_TAR" -- sh -c 'sleep 0.2; exit 7' ;;
		1) start --overlay=disk "$BUSYBOX_TAR" -- sh -c 'echo >/file; sleep 0.2; exit 7' ;;
		2) start --rm --name "sandbox-$i" "$BUSYBOX_TAR" -- sh -c 'sleep 0.2; exit 7' ;;
		3) start --init=false "$BUSYBOX_TAR" -- sh -c 'sleep 0.2; exit 7' ;;
		esac
		pids+=($!)
	done
	wait_for_all 7 "${pids[@]}"
	[ ! -s "$BATS_TEST_TMPDIR/stderr" ] || fail_with "$(<"$BATS_TEST_TMPDIR/stderr")"
	assert_as_before "50 at once"
}

refused() {
	[ "$(grep -c 'more:  sandbox help E_NAME_IN_USE' "$BATS_TEST_TMPDIR/stderr")" = "$1" ]
}

@test "of 50 that want one name at once, one gets it" {
	local i pids=() pid status won=0
	for ((i = 0; i < 50; i++)); do
		start --rm --name wanted "$BUSYBOX_TAR" -- sleep 1000
		pids+=($!)
	done
	wait_until refused 49
	# Those may not have ended yet, and a signal would be the end of them. The other one may not run yet.
	wait_until "$SANDBOX" stop --time 0 wanted
	for pid in "${pids[@]}"; do
		status=0
		wait "$pid" || status=$?
		[ "$status" = 125 ] || won=$((won + 1))
	done
	[ "$won" = 1 ]
	refused 49
	assert_as_before "50 with one name"
}

@test "50 first runs of one archive: one extraction" {
	local i pids=()
	"$SANDBOX" reset
	: >"$BATS_TEST_TMPDIR/stderr"
	for ((i = 0; i < 50; i++)); do
		"$SANDBOX" --debug run "$BUSYBOX_TAR" -- true </dev/null 2>>"$BATS_TEST_TMPDIR/stderr" 3>&- &
		pids+=($!)
	done
	wait_for_all 0 "${pids[@]}"
	[ "$(grep -c '^sandbox: debug: import ' "$BATS_TEST_TMPDIR/stderr")" = 1 ]
	assert_as_before "50 first runs"
}

# One that is not the winner of a test.
is_stopped() {
	local found
	found=$(stopped_process)
	[ -n "$found" ] && [ "$found" != "${winner:-}" ]
}

# Each process that extracts stops when it is done: the first is killed there, the second goes on.
@test "50 first runs of one archive, of which the winner is killed: a second extraction" {
	local i pids=() winner status failed=0
	"$SANDBOX" reset
	: >"$BATS_TEST_TMPDIR/stderr"
	for ((i = 0; i < 50; i++)); do
		SANDBOX_TEST_STOP_AT=import-unpacked "$SANDBOX_SWITCHED" --debug run "$BUSYBOX_TAR" -- true </dev/null \
			2>>"$BATS_TEST_TMPDIR/stderr" 3>&- &
		pids+=($!)
	done
	wait_until is_stopped
	winner=$(stopped_process)
	kill -KILL "$winner"
	wait_until is_stopped
	kill -CONT "$(stopped_process)"
	for i in "${pids[@]}"; do
		status=0
		wait "$i" || status=$?
		[ "$status" = 0 ] || [ "$i" = "$winner" ] || failed=$((failed + 1))
	done
	[ "$failed" = 0 ] || fail_with "$failed failed: $(<"$BATS_TEST_TMPDIR/stderr")"
	[ "$(grep -c '^sandbox: debug: import ' "$BATS_TEST_TMPDIR/stderr")" = 2 ]
	assert_as_before "50 first runs, the winner killed"
}

# Kills COMMAND… after a pseudo-random time of at most so many milliseconds.
# usage: kill_at_random MILLISECONDS COMMAND…
kill_at_random() {
	local delay=$((RANDOM % $1 * 1000 + RANDOM % 1000)) tool
	shift
	"$@" </dev/null >/dev/null 2>&1 3>&- &
	tool=$!
	sleep "$(printf '0.%06d' "$delay")"
	kill -KILL "$tool" 2>/dev/null || true
	wait "$tool" 2>/dev/null || true
	assert_nothing_lives "$living" "killed after $delay us"
}

# The moments repeat with the same SANDBOX_TEST_SEED, as far as the machine does.
@test "the tool killed at 100 random moments" {
	local i
	RANDOM=${SANDBOX_TEST_SEED:=$EPOCHSECONDS}
	echo "SANDBOX_TEST_SEED=$SANDBOX_TEST_SEED"
	for ((i = 0; i < 35; i++)); do
		kill_at_random 60 "$SANDBOX" run --rm --name victim --overlay=disk "$BUSYBOX_TAR" -- sh -c "echo >/a; $STUBBORN"
		kill_at_random 60 "$SANDBOX" run "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
	done
	for ((i = 0; i < 30; i++)); do
		"$SANDBOX" reset
		kill_at_random 120 "$SANDBOX" run "$BUSYBOX_TAR" -- true
	done
	"$SANDBOX" run "$BUSYBOX_TAR" -- true
	assert_as_before "the next run"
}
