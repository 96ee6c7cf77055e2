#!/usr/bin/env bats
# Each system call of an import that changes files fails once, with each of five errors: the import succeeds all the
# same, or says what went wrong; nothing is left, and the next import succeeds.
#
# SANDBOX_TEST_FAULTS=N fails N calls in all instead of some, SANDBOX_TEST_FAULTS=all each; SANDBOX_TEST_SEED chooses
# others.

# shellcheck disable=SC2154  # bats's variables

load ../integration/helper
load disk

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	make_work
	[ "${SANDBOX_TEST_FAULTS:=200}" != all ] || SANDBOX_TEST_FAULTS=1000000
	export FAULTS_EACH=$((SANDBOX_TEST_FAULTS / 4))
}

teardown_file() {
	remove_work
}

setup() {
	needs_root
	# Number, name, and what the user is told.
	errors=(28:ENOSPC 122:EDQUOT 5:EIO 24:EMFILE 4:EINTR)
}

# A new store, with the folders that any command makes.
empty_store() {
	rm -rf "$XDG_CACHE_HOME"
	user_sandbox import "$WORK/images/none"
}

# All trees of the store, with the names of their layers.
trees() {
	local layer
	for layer in "$STORE"/layers/*/root; do
		[ ! -d "$layer" ] || { echo "$layer" && "$HELPERS/listing" "$layer"; }
	done
}

# What is in the store besides its folders.
contents_of_store() {
	find "$STORE" -mindepth 2 | sort
}

# An error that says something: what failed, and why. Of a full disk the user hears, unless another program met it.
assert_clear_error() {
	[ "$status" = 125 ] || fail_with "$1: status"
	grep -q '^sandbox: ' <<<"$stderr" || fail_with "$1: no error"
	grep -qE '^  cause: |: [A-Z][a-z]' <<<"$stderr" || fail_with "$1: no cause"
	if [[ $1 =~ ^(ENOSPC|EDQUOT)\ .*(mkdirat|mknodat|symlinkat|linkat|renameat|pwrite64|fsetxattr|syncfs)\ sandbox ]]; then
		[[ $stderr == *E_NO_SPACE* ]] || fail_with "$1: not E_NO_SPACE"
	fi
}

# Either all of it, or nothing.
assert_whole_or_nothing() {
	[ "$(trees)" = "$expected" ] && [ -z "$(staging)" ] && return 0
	[ -z "$(contents_of_store)" ] || fail_with "$1: left: $(contents_of_store)"
}

# usage: fail_one PAIR COMMAND…: PAIR counts calls and errors
fail_one() {
	local error=${errors[$1 % 5]} what
	local call=$((($1 + 4) / 5))
	shift
	empty_store
	meddled_sandbox "fail:${error%:*}:$call" "$@"
	what="${error#*:} of $(<"$WORK/log")"
	if [ "$status" = 0 ]; then
		[ "$(trees)" = "$expected" ] || fail_with "$what: the image is not what it should be"
	else
		assert_clear_error "$what"
		assert_whole_or_nothing "$what"
	fi
	user_sandbox "$@"
	[ "$status" = 0 ] || fail_with "$what: the next one"
	[ "$(trees)" = "$expected" ] || fail_with "$what: the image of the next one is not what it should be"
	[ -z "$(staging)" ] || fail_with "$what: left in staging: $(staging)"
}

fail_everywhere() {
	local calls expected pair bad=0 tried=0
	empty_store
	count_calls "$@"
	expected=$(trees)
	[ -n "$expected" ]
	for pair in $(spread "$FAULTS_EACH" $((calls * 5))); do
		fail_one "$pair" "$@" || bad=$((bad + 1))
		tried=$((tried + 1))
	done
	echo "# $tried of $((calls * 5)) failures: ${*##*/}" >&3
	[ "$bad" = 0 ]
}

@test "an import" {
	fail_everywhere import --name flat "$WORK/images/flat.tar"
}

@test "an import of layers" {
	fail_everywhere import --name layered "$WORK/images/layered.tar"
}
