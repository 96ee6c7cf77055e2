# kill -9 at every named step of every command: nothing of the sandbox lives on, and one next run heals
# whatever the dead could not take back.
# runs alone
# shellcheck disable=SC2030,SC2031,SC2154  # each test has a $living of its own; the helper sets stderr

load helper
load fault

# What is there after a run of either kind, to be the same after whatever was healed.
teardown_file() {
	"$SANDBOX_SWITCHED" reset
	rmdir "$XDG_CACHE_HOME"
	remove_private_folders
}

setup_file() {
	private_folders
	# Thousands of files come and go: not on a disk.
	export XDG_CACHE_HOME=/dev/shm/killed.$BASHPID
	charged_keys >"$BATS_FILE_TMPDIR/keys"
	"$SANDBOX_SWITCHED" run --name first --rm --overlay=disk "$BUSYBOX_TAR" -- true
	kept_files >"$BATS_FILE_TMPDIR/map"
	"$SANDBOX_SWITCHED" reset
	"$SANDBOX_SWITCHED" run --userns=single "$BUSYBOX_TAR" -- true
	kept_files >"$BATS_FILE_TMPDIR/single"
	"$SANDBOX_SWITCHED" run --userns=map "$BUSYBOX_TAR" -- true
	kept_files >"$BATS_FILE_TMPDIR/both"
	: >"$BATS_FILE_TMPDIR/reached"
}

expected() {
	cat "$BATS_FILE_TMPDIR/$1"
}

# The one run that heals, and the comparison.
# usage: assert_healed MODE LIVING MESSAGE
assert_healed() {
	run_switched run --userns="$1" "$BUSYBOX_TAR" -- true
	[ "$status" = 0 ] || fail_with "the next run after $3"
	assert_nothing_kept "$(expected "$1")" "$(expected keys)" "the next run after $3"
	assert_nothing_lives "$2" "the next run after $3"
}

# Brings a store with this image, or without, and leaves in $points the steps of a command on it, and in $living what
# is there beforehand.
# usage: begin STORE MODE COMMAND…
begin() {
	store_is empty
	run_switched run --userns="$2" "$BUSYBOX_TAR" -- true
	living=$(living_things)
	[ "$1" = full ] || store_is empty
	points=$(points_of "${@:3}")
	echo "$points" >>"$BATS_FILE_TMPDIR/reached"
	# The command itself may have emptied it.
	[ "$1" = empty ] || run_switched run --userns="$2" "$BUSYBOX_TAR" -- true
}

# Whether a command may well succeed although something died at this step: a helper that removes is done without.
is_done_without() {
	[[ $1 == userns.child || $1 == *.removing-* || $1 == staging-remov* ]]
}

# Kills the process that comes to a step, for each step.
# usage: kill_everywhere full|empty map|single COMMAND…: what the store is at the start of each
kill_everywhere() {
	local store=$1 mode=$2 points point living
	begin "$@"
	shift 2
	for point in $points; do
		[ "$store" = full ] || store_is empty
		SANDBOX_TEST_KILL_AT=$point run_switched "$@"
		[ "$status" != 0 ] || is_done_without "$point" || fail_with "not killed at $point"
		[[ $stderr != *E_CHILD_DIED* ]] || assert_error 'sudo dmesg'
		assert_nothing_lives "$living" "killed at $point"
		assert_healed "$mode" "$living" "killed at $point"
	done
}

# Kills the tool from outside while any of its processes stands at a step, for each step.
# usage: as for kill_everywhere
kill_tool_everywhere() {
	local store=$1 mode=$2 points point living tool
	begin "$@"
	shift 2
	for point in $points; do
		[ "$store" = full ] || store_is empty
		SANDBOX_TEST_STOP_AT=$point "$SANDBOX_SWITCHED" "$@" </dev/null >/dev/null 2>&1 3>&- &
		tool=$!
		wait_for_stop "$tool" "$point"
		kill -KILL "$tool"
		wait "$tool" 2>/dev/null || true
		assert_nothing_lives "$living" "stopped at $point"
		assert_healed "$mode" "$living" "stopped at $point"
	done
}

@test "a run on a tmpfs" {
	kill_everywhere full map run "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "a run with a single id" {
	kill_everywhere full single run --userns=single "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "a run on the disk, with a name" {
	kill_everywhere full map run --overlay=disk --rm --name victim "$BUSYBOX_TAR" -- sh -c "echo >/file; $STUBBORN"
}

@test "a run as another user" {
	kill_everywhere full map run --user=65534 "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "a run whose command is PID 1" {
	kill_everywhere full map run --init=false --overlay=disk "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "a run in the background" {
	local points living point
	begin full map run --detach --rm "$BUSYBOX_TAR" -- true
	# Its supervisor has no standard error to tell of the steps that it comes to.
	for point in registry.made launch.started detach.report supervise.ended container.ended; do
		echo "$point" >>"$BATS_FILE_TMPDIR/reached"
		SANDBOX_TEST_KILL_AT=$point run_switched run --detach --rm "$BUSYBOX_TAR" -- true
		assert_nothing_lives "$living" "killed at $point"
		assert_healed map "$living" "killed at $point"
	done
}

@test "a first run" {
	kill_everywhere empty map run "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "a first run with a single id" {
	kill_everywhere empty single run --userns=single "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "an import" {
	kill_everywhere empty map import "$BUSYBOX_TAR"
}

# Brings a store that has the image for a single id only.
store_is_single() {
	store_is empty
	"$SANDBOX_SWITCHED" import --userns=single "$BUSYBOX_TAR"
}

@test "a copy for other ids" {
	local points point living
	store_is_single
	living=$(living_things)
	points=$(points_of run --userns=map "$BUSYBOX_TAR" -- true | sed -n '/^staging-made$/,/^layer-published$/p')
	[ "$(wc -w <<<"$points")" -gt 3 ]
	echo "$points" >>"$BATS_FILE_TMPDIR/reached"
	for point in $points; do
		store_is_single
		SANDBOX_TEST_KILL_AT=$point run_switched run --userns=map "$BUSYBOX_TAR" -- true
		[ "$status" != 0 ] || fail_with "not killed at $point"
		assert_nothing_lives "$living" "killed at $point"
		run_switched run --userns=map "$BUSYBOX_TAR" -- true
		[ "$status" = 0 ] || fail_with "the next run after it was killed at $point"
		assert_nothing_kept "$(expected both)" "$(expected keys)" "the next run after it was killed at $point"
	done
}

@test "the removal of an image" {
	store_is full
	run_switched images --quiet
	kill_everywhere full map rmi "$(<"$BATS_TEST_TMPDIR/stdout")"
}

@test "the removal of all images" {
	kill_everywhere full map reset
}

@test "a check of the doctor" {
	local living
	begin full map images
	SANDBOX_TEST_KILL_AT=doctor.child run_switched doctor
	echo doctor.child >>"$BATS_FILE_TMPDIR/reached"
	assert_nothing_lives "$living" "killed at doctor.child"
	assert_healed map "$living" "killed at doctor.child"
}

@test "the tool, while something stands at a step of a run" {
	kill_tool_everywhere full map run --overlay=disk --rm --name victim "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "the tool, while something stands at a step of a run whose command is PID 1" {
	kill_tool_everywhere full single run --userns=single --init=false "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

@test "the tool, while something stands at a step of a first run" {
	kill_tool_everywhere empty map run "$BUSYBOX_TAR" -- sh -c "$STUBBORN"
}

# The words of other files that may be points, where they kill at them: what comes to those needs more than this one sets up.
# A defence that is removed can have the name of one.
named_elsewhere() {
	find test -name '*.bats' ! -name killed.bats -exec sed -E '/^[[:space:]]*(#|without )/d; s/SANDBOX_TEST_REMOVE=[^ ]*//' {} + |
		grep -oE '[a-z]+([.-][a-z]+)+'
}

# Or else a point has not been tested at all.
@test "each step was reached by one of these, or is killed at in another file" {
	[ "$(test_points | wc -l)" -gt 20 ]
	run comm -23 <(test_points) <({ cat "$BATS_FILE_TMPDIR/reached" && named_elsewhere; } | sort -u)
	assert_output ''
}
