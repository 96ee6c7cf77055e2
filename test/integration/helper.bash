# Loaded by every bats file: where the programs and images are, private folders for each file,
# assertions that show everything when they fail, and the comparison of what is there before and after.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # status, output, lines and stderr are read or set elsewhere

bats_require_minimum_version 1.5.0

build=$PWD/${B:-build}
export SANDBOX=${SANDBOX_BINARY:-$build/sandbox}
export SANDBOX_SWITCHED=${SANDBOX_SWITCHED_BINARY:-$build/test/sandbox}
export HELPERS=$build/helpers
export BUSYBOX_TAR=${SANDBOX_FIXTURES:-/nonexistent}/busybox.tar
export DEBIAN_TAR=${SANDBOX_FIXTURES:-/nonexistent}/debian.tar

# Whether the programs are those of `make check-sanitize`.
is_sanitized() {
	grep -qF __asan_init "$SANDBOX"
}

# --- folders -------------------------------------------------------------------------------------------

# A home of its own for this bats file, in which nothing is known yet. Call it in setup_file.
private_folders() {
	export HOME=$BATS_FILE_TMPDIR/home
	export XDG_CACHE_HOME=$HOME/.cache XDG_STATE_HOME=$HOME/.local/state
	export XDG_CONFIG_HOME=$HOME/.config XDG_DATA_HOME=$HOME/.local/share
	export XDG_RUNTIME_DIR=$BATS_FILE_TMPDIR/runtime
	mkdir -m 0700 "$HOME" "$XDG_RUNTIME_DIR"
}

# Removes them, also what belongs to subordinate ids. Call it in teardown_file.
remove_private_folders() {
	chmod -R u+rwX "$HOME" "$XDG_RUNTIME_DIR" 2>/dev/null || true
	rm -rf "$HOME" "$XDG_RUNTIME_DIR" 2>/dev/null ||
		unshare --map-root-user --map-auto rm -rf "$HOME" "$XDG_RUNTIME_DIR"
}

setup_file() {
	private_folders
}

teardown_file() {
	remove_private_folders
}

# As root of the ids that layers have.
as_layer_root() {
	unshare --map-root-user --map-auto "$@"
}

# --- running ---------------------------------------------------------------------------------------------

# Runs COMMAND [ARG…] with bats's standard input: $status, $output, $lines and $stderr are its results.
# (bats's own `run` takes our 127 for a mistake in the test.)
capture() {
	# setup_file has no folder of a test.
	local results=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}
	status=0
	"$@" >"$results/.output" 2>"$results/.stderr" 3>&- || status=$?
	{
		output=$(<"$results/.output")
		stderr=$(<"$results/.stderr")
	} 2>/dev/null
	mapfile -t lines <<<"$output"
}

# Runs `sandbox ARG…`. What takes three minutes, also on a busy machine, hangs.
sandbox() {
	capture timeout -k 5 180 "$SANDBOX" "$@"
}

# Any command, for a minute at most.
within_a_minute() {
	capture timeout -k 5 60 "$@"
}

# `sandbox run` on the busybox image.
run_busybox() {
	local options=()
	while [ $# != 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	sandbox run "${options[@]}" "$BUSYBOX_TAR" "$@"
}

# The commands that --help lists.
commands_of_help() {
	"$SANDBOX" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep .
}

# Whether this user can connect a sandbox with pasta: the program, the device, and a network to connect to.
pasta_works() {
	[ -x /usr/bin/pasta ] && (: <>/dev/net/tun) 2>/dev/null && ip route | grep -q ^default
}

# Whether this kernel can have a writable layer on a tmpfs: with user attributes there, since Linux 6.6.
tmpfs_holds_layers() {
	[ "$(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1)" = 6.6 ]
}

# Ends and removes all sandboxes of this file that are still there. Call it in teardown.
remove_sandboxes() {
	local left
	left=$("$SANDBOX" ps -aq)
	# shellcheck disable=SC2086
	[ -z "$left" ] || "$SANDBOX" rm -f $left >/dev/null
}

# The files that tell of sandboxes, live or kept.
known_sandboxes() {
	find "$XDG_STATE_HOME/sandbox/sandboxes" "$XDG_RUNTIME_DIR/sandbox/control" -mindepth 1 -maxdepth 1 2>/dev/null || true
}

no_sandbox_is_known() {
	[ -z "$(known_sandboxes)" ]
}

# What is just ending may still be taking its own away. For a teardown, too: bats asks of it how its last command ends.
assert_no_sandbox_is_known() {
	wait_until no_sandbox_is_known || fail_with "these are known: $(known_sandboxes)"
}

# Waits until a command succeeds, half a minute at most.
wait_until() {
	local i
	for ((i = 0; i < 600; i++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.05
	done
	echo "this did not become true in half a minute: $*"
	return 1
}

# For a command that is to fail, in a test: of a line that begins with "!" the shell takes no failure for an error.
refute() {
	! "$@" || fail_with "this should have failed: $*"
}

# --- assertions --------------------------------------------------------------------------------------------

# Prints a sentence and all that the last run left, and fails.
fail_with() {
	printf '%s\n' "$1" "-- status: $status" "-- stdout:" "$output" "-- stderr:" "${stderr:-}" "--"
	return 1
}

assert_status() {
	[ "$status" = "$1" ] || fail_with "the exit status should be $1"
}

assert_output() {
	[ "$output" = "$1" ] || fail_with "the output should be: $1"
}

assert_output_has() {
	[[ $output == *"$1"* ]] || fail_with "the output should contain: $1"
}

assert_output_lacks() {
	[[ $output != *"$1"* ]] || fail_with "the output should not contain: $1"
}

# Standard error without how far a long import has come, which a machine that is slow enough tells every few seconds.
stderr_without_progress() {
	grep -vE '^sandbox: ((importing|unpacking layer|copying the files|comparing|bringing it to the disk).*: .*[0-9]|waiting for another process)' \
		<<<"$stderr" || true
}

assert_stderr() {
	[ "$(stderr_without_progress)" = "$1" ] || fail_with "standard error should be: $1"
}

assert_stderr_has() {
	[[ $stderr == *"$1"* ]] || fail_with "standard error should contain: $1"
}

assert_stderr_empty() {
	[ -z "$(stderr_without_progress)" ] || fail_with "standard error should be empty"
}

# The command worked: status 0, this output, and not a word besides.
assert_success() {
	assert_status 0 || return
	[ $# = 0 ] || assert_output "$1" || return
	assert_stderr_empty
}

# A failure of ours: status 125 (or $2), the stable id, a cause and a fix.
assert_error() {
	assert_status "${2:-125}" &&
		assert_stderr_has 'sandbox: ' &&
		assert_stderr_has "$1" &&
		assert_stderr_has 'cause: ' &&
		assert_stderr_has 'fix: '
}

# --- nothing is left ---------------------------------------------------------------------------------------

# Processes of the user and of his subordinate ids, but for bats's own and those of this look.
processes_snapshot() {
	local first
	first=$(awk -F : -v user="$(id -un)" '$1 == user { print $2; exit }' /etc/subuid)
	ps -eo uid=,stat=,comm= | awk -v own="$(id -u)" -v first="${first:-0}" '
		($1 == own || (first && $1 >= first && $1 < first + 65536)) &&
			$3 !~ /^(bats|bash|id|ps|awk|timeout)/ { print "process", $3, $2 ~ /^Z/ ? "(zombie)" : "" }'
}

# What could be left, one thing a line: processes of the user, mounts, files, keys. Bats's own are left out,
# and so are the events and the store, whose growth is not a leak (its staging places are).
leftovers_snapshot() {
	processes_snapshot
	sed 's/^[0-9]* [0-9]* /mount /' /proc/self/mountinfo
	find "$XDG_RUNTIME_DIR" "$XDG_STATE_HOME" "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" -mindepth 1 \
		! -path '*/sandbox/events*' 2>/dev/null || true
	find "$XDG_CACHE_HOME" -path '*/staging/*' 2>/dev/null || true
	find /tmp /dev/shm /var/tmp -mindepth 1 -maxdepth 1 -user "$(id -u)" ! -name 'bats-run-*' 2>/dev/null || true
	awk -v uid="$(id -u):" '$1 == uid { print "keys", $2 }' /proc/key-users
}

# The same once it stays so: the kernel takes its time to forget the keys of what another test file has killed.
settled_snapshot() {
	local now earlier i
	now=$(leftovers_snapshot)
	for ((i = 0; i < 20; i++)); do
		earlier=$now
		sleep 0.3
		now=$(leftovers_snapshot)
		[ "$now" != "$earlier" ] || break
	done
	printf '%s\n' "$now"
}

# Compares with an earlier snapshot (its text); the kernel and killed processes get their time to settle.
# usage: assert_no_leftovers BEFORE [LOOKS]
assert_no_leftovers() {
	local before=$1 after i
	for ((i = 0; i < ${2:-300}; i++)); do
		after=$(leftovers_snapshot)
		[ "$after" != "$before" ] || return 0
		sleep 0.1
	done
	diff <(echo "$before") <(echo "$after") | sed -n 's/^>/left behind:/p; s/^</gone:/p'
	return 1
}
