# HUP, INT and TERM at every step of an import and of the making of a sandbox: what has been begun is taken back at
# once, without a next run, and the exit status tells of the signal.
# runs alone

load helper
load fault

# One that has its directories, as after a failed import.
make_empty_store() {
	"$SANDBOX_SWITCHED" reset
	refute "$SANDBOX_SWITCHED" import test/integration/helper.bash >/dev/null 2>&1
}

setup_file() {
	private_folders
	# Thousands of files come and go: not on a disk.
	export XDG_CACHE_HOME=/dev/shm/interrupted.$BASHPID
	charged_keys >"$BATS_FILE_TMPDIR/keys"
	"$SANDBOX_SWITCHED" run --rm --name first --overlay=disk "$BUSYBOX_TAR" -- true
	kept_files >"$BATS_FILE_TMPDIR/full"
	make_empty_store
	kept_files >"$BATS_FILE_TMPDIR/empty"
	: >"$BATS_FILE_TMPDIR/stderr"
}

teardown_file() {
	"$SANDBOX_SWITCHED" reset
	rmdir "$XDG_CACHE_HOME"
	remove_private_folders
}

# A step may be come to more than once.
continue_to_end() {
	stopped=$(stopped_process)
	[ -z "$stopped" ] || kill -CONT "$stopped"
	! kill -0 "$1" || [ "$(ps -o stat= -p "$1" | cut -c 1)" = Z ]
}

# Sends a signal to the tool while one of its processes stands at a step, and leaves the tool's $status.
# usage: interrupt_at POINT SIGNAL COMMAND…
interrupt_at() {
	local point=$1 signal=$2 tool
	shift 2
	SANDBOX_TEST_STOP_AT=$point env --default-signal=INT "$SANDBOX_SWITCHED" "$@" </dev/null >/dev/null \
		2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	tool=$!
	wait_for_stop "$tool" "$point"
	kill -s "$signal" "$tool"
	wait_until continue_to_end "$tool"
	status=0
	wait "$tool" 2>/dev/null || status=$?
	[ "$status" = $((128 + $(kill -l "$signal"))) ] || fail_with "$signal at $point: $(<"$BATS_TEST_TMPDIR/stderr")"
}

# The steps of a command up to and including one of them. It may have ended before that one: what is interrupted does not.
points_until() {
	local last=$1
	shift
	points_of "$@" | sed "/^init\.ended\$/d; /^$last\$/q"
}

# The image is either in the store, entirely, or nothing is.
assert_whole_or_absent() {
	local state=empty
	[ -z "$(find "$XDG_CACHE_HOME/sandbox/images" -name '*.json')" ] || state=full
	assert_nothing_kept "$(<"$BATS_FILE_TMPDIR/$state")" "$(<"$BATS_FILE_TMPDIR/keys")" "$1"
}

@test "an import" {
	local living points point signal number=0
	store_is empty
	living=$(living_things)
	points=$(points_until import-identified run "$BUSYBOX_TAR" -- true | grep -v '^userns\.')
	[ "$(wc -w <<<"$points")" -gt 10 ]
	for point in $points; do
		make_empty_store
		signal=$(cut -d ' ' -f $((++number % 3 + 1)) <<<'HUP INT TERM')
		interrupt_at "$point" "$signal" run "$BUSYBOX_TAR" -- true
		assert_nothing_lives "$living" "$signal at $point"
		assert_whole_or_absent "$signal at $point"
	done
}

@test "an import from a pipe" {
	local living tool
	make_empty_store
	living=$(living_things)
	mkfifo "$BATS_TEST_TMPDIR/archive"
	exec 7<>"$BATS_TEST_TMPDIR/archive"
	"$SANDBOX_SWITCHED" import - <"$BATS_TEST_TMPDIR/archive" >/dev/null 2>&1 3>&- 7>&- &
	tool=$!
	head -c 1000000 "$BUSYBOX_TAR" >&7
	wait_until has_files "$XDG_CACHE_HOME"/sandbox/staging
	kill -TERM "$tool"
	status=0
	wait "$tool" || status=$?
	exec 7>&-
	assert_status 143
	assert_nothing_lives "$living" TERM
	assert_whole_or_absent TERM
}

has_files() {
	[ -n "$(find "$1" -type f)" ]
}

# A signal that comes while the sandbox is made reaches the command as soon as it runs.
@test "the making of a sandbox" {
	local living points point signal number=0
	local command=(run --rm --name victim --overlay=disk "$BUSYBOX_TAR" -- sleep)
	store_is full
	living=$(living_things)
	points=$(points_until launch.started "${command[@]}" 0)
	[ "$(wc -w <<<"$points")" -gt 10 ]
	for point in $points; do
		signal=$(cut -d ' ' -f $((++number % 3 + 1)) <<<'HUP INT TERM')
		interrupt_at "$point" "$signal" "${command[@]}" 1000
		assert_nothing_lives "$living" "$signal at $point"
		assert_nothing_kept "$(<"$BATS_FILE_TMPDIR/full")" "$(<"$BATS_FILE_TMPDIR/keys")" "$signal at $point"
	done
}
