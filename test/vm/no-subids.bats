# World "no-subids".
# shellcheck shell=bash disable=SC2154  # bats sets stderr

load works

@test "the user has no subordinate ids" {
	run grep -h "^$(id -un):" /etc/subuid /etc/subgid
	[ "$status" = 1 ]
}

@test "by default there is a single id, and one line about it" {
	run_busybox -- awk '{ print $1, $3 }' /proc/self/uid_map
	assert_status 0
	assert_output '0 1'
	assert_stderr_has E_SUBID_MISSING
	[ "$(wc -l <<<"$stderr")" = 1 ] || fail_with 'more than one line of notice'
}

@test "asked for, a single id needs no words" {
	run_busybox --userns single -- true
	assert_success ''
}

@test "--userns=map is an error" {
	run_busybox --userns map -- true
	assert_error E_SUBID_MISSING
}

# The last test: from here on the world is a whole one.
@test "what doctor says mends it" {
	assert_mended 'subordinate ids' E_SUBID_MISSING
}
