#!/usr/bin/env bats
# Each system call of an import that changes files fails once, with each of five errors, or its process is killed there.
# The command succeeds all the same, or says what went wrong; nothing is left, and the next one succeeds.
#
# SANDBOX_TEST_FAULTS=N does so N times in all instead of some, SANDBOX_TEST_FAULTS=all for each call; SANDBOX_TEST_SEED
# chooses others.

# shellcheck disable=SC2154  # bats's variables

load ../integration/helper
load disk

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	make_work
	[ "${SANDBOX_TEST_FAULTS:=120}" != all ] || SANDBOX_TEST_FAULTS=1000000
	export FAULTS_EACH=$((SANDBOX_TEST_FAULTS / 3))
}

teardown_file() {
	remove_work
}

setup() {
	needs_root
	faults=(fail:28 fail:122 fail:5 fail:24 fail:4 kill:9)
	names=(ENOSPC EDQUOT EIO EMFILE EINTR SIGKILL)
}

# A new store, with the folders that any command makes.
empty_store() {
	rm -rf "$XDG_CACHE_HOME"
	user_sandbox import "$WORK/images/none"
}

# All trees of the store, with the names of their layers; without the times of deletions, which are of now.
trees() {
	local layer
	for layer in "$STORE"/layers/*/root; do
		[ ! -d "$layer" ] || { echo "$layer" && "$HELPERS/listing" "$layer"; }
	done | sed -E 's/^([^ ]+ c0000 [0-9:]+) [0-9]+\.[0-9]+/\1/'
}

# What is in the store besides its folders, and a file that could not be locked: it may be somebody's by then. The next
# command removes it.
contents_of_store() {
	find "$STORE" -mindepth 2 ! \( -path '*/staging/*.lock' -empty \) | sort
}

# What a command may not leave elsewhere.
others() {
	find "$XDG_RUNTIME_DIR" "$XDG_STATE_HOME" /tmp -mindepth 1 -user "${USER_IDS%:*}" 2>/dev/null | sort
}

# What follows is asked for its status, so that one failure does not keep the other faults from being tried: there the shell
# goes on after a command that fails, unless it is told to return.

# An error that says something: what failed, and why. Of a full disk the user hears, unless another program met it.
assert_clear_error() {
	[ "$status" = 125 ] || fail_with "$1: status" || return
	grep -q '^sandbox: ' <<<"$stderr" || fail_with "$1: no error" || return
	grep -qE '^  cause: |: [A-Z][a-z]' <<<"$stderr" || fail_with "$1: no cause" || return
	if [[ $1 =~ ^(ENOSPC|EDQUOT)\ .*(mkdirat|mknodat|symlinkat|linkat|renameat|pwrite64|fsetxattr|syncfs)\ sandbox ]] &&
		[ "$2" = import ]; then
		[[ $stderr == *E_NO_SPACE* ]] || fail_with "$1: not E_NO_SPACE"
	fi
}

# Either all of it, or nothing.
assert_whole_or_nothing() {
	[ "$(trees)" = "$expected" ] && [ -z "$(staging)" ] && return 0
	[ -z "$(contents_of_store)" ] || fail_with "$1: left: $(contents_of_store)"
}

# What came of the command; who is killed cannot say anything, nor take anything back.
judge() {
	case $1 in
	*listing) ;; # The command in the sandbox was hit.
	SIGKILL*) [ "$status" = 0 ] || [ "$status" = 125 ] || [ "$status" = 137 ] || fail_with "$1: status" ;;
	*)
		if [ "$status" = 0 ]; then
			[ "$(trees)" = "$expected" ] || fail_with "$1: the image is not what it should be: $(diff <(echo "$expected") <(trees))"
		else
			assert_clear_error "$@" && assert_whole_or_nothing "$1"
		fi
		;;
	esac
}

# usage: fault_at PLACE COMMAND…: PLACE counts calls and faults
fault_at() {
	local fault=$(($1 % ${#faults[@]})) call=$((($1 - 1) / ${#faults[@]} + 1)) what
	shift
	empty_store
	meddled_sandbox "${faults[fault]}:$call" "$@"
	what="${names[fault]} at $(<"$WORK/log")"
	[ "$status" != 99 ] || fail_with "$what: something lives on" || return
	judge "$what" "$1" || return
	user_sandbox "$@"
	[ "$status" = 0 ] || fail_with "$what: the next one" || return
	[ "$(trees)" = "$expected" ] || fail_with "$what: the image of the next one is not what it should be: $(diff <(echo "$expected") <(trees))" || return
	[ -z "$(staging)" ] || fail_with "$what: left in staging: $(staging)" || return
	[ "$(others)" = "$before" ] || fail_with "$what: left elsewhere: $(diff <(echo "$before") <(others))"
}

fault_everywhere() {
	local calls expected before place bad=0 tried=0
	empty_store
	user_sandbox "$@"
	# Where a tmpfs cannot take a layer, it goes to the disk: a folder for those is no leftover.
	user_sandbox run --overlay=disk "$WORK/images/flat.tar" /bin/listing
	before=$(others)
	empty_store
	count_calls "$@"
	expected=$(trees)
	[ -n "$expected" ]
	for place in $(spread "$FAULTS_EACH" $((calls * ${#faults[@]}))); do
		fault_at "$place" "$@" || bad=$((bad + 1))
		tried=$((tried + 1))
	done
	echo "# $tried of $((calls * ${#faults[@]})) faults: ${*##*/}" >&3
	[ "$bad" = 0 ]
}

@test "an import" {
	fault_everywhere import --name flat "$WORK/images/flat.tar"
}

@test "an import of layers" {
	fault_everywhere import --name layered "$WORK/images/layered.tar"
}

@test "a first run" {
	fault_everywhere run "$WORK/images/flat.tar" /bin/listing /content
}
