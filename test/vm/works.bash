# Loaded by the tests of the worlds: the integration tests' helpers, with the world's own folders.
# shellcheck shell=bash

load ../integration/helper

setup_file() {
	:
}

teardown_file() {
	:
}

# shellcheck disable=SC2154  # bats sets output
# The field of a check's row, in the JSON of the last `doctor`.
field() {
	jq -r --arg check "$1" --arg field "$2" '.checks[] | select(.check == $check) | .[$field]' <<<"$output"
}

# Doctor finds this wrong, what its fix says is done, and then all is well. usage: assert_mended CHECK E_CODE
assert_mended() {
	local fix
	sandbox doctor --json
	[ "$(field "$1" state)" != ok ] || fail_with "doctor finds nothing wrong with: $1"
	[ "$(field "$1" id)" = "$2" ] || fail_with "the code should be $2"
	fix=$(field "$1" fix)
	[[ $fix == sudo\ * || $fix == export\ * ]] || fail_with "this is not a command: $fix"
	eval "$fix"
	sandbox doctor --json
	[ "$(field "$1" state)" = ok ] || fail_with "$1 should be ok after: $fix"
	assert_status 0
	run_busybox -- true
	assert_success ''
}
