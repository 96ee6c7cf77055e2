# World "no-newuidmap".
# shellcheck shell=bash disable=SC2154  # bats sets stderr

load works

@test "there is no newuidmap although there are subordinate ids" {
	[ -z "$(command -v newuidmap newgidmap)" ]
	grep -q "^$(id -un):" /etc/subuid
}

@test "by default there is a single id, and one line about it" {
	run_busybox -- awk '{ print $1, $3 }' /proc/self/uid_map
	assert_status 0
	assert_output '0 1'
	assert_stderr_has E_NEWIDMAP_MISSING
	[ "$(wc -l <<<"$stderr")" = 1 ] || fail_with 'more than one line of notice'
}

@test "--userns=map is an error" {
	run_busybox --userns map -- true
	assert_error E_NEWIDMAP_MISSING
}
