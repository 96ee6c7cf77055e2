# What `sandbox doctor` says of machines that lack something: the true cause, and a fix that works. Each world is made
# by root around the ordinary user (test/scripts/in-world); test/worlds/repair applies the fix as root of that world.

load ../integration/helper

setup_file() {
	:
}

setup() {
	[ "$(id -u)" = 0 ] || skip 'root is needed to make such worlds; run make check as root'
}

teardown_file() {
	:
}

# usage: assert_repaired WORLD CHECK E_CODE CAUSE [RUN_OPTION…]
assert_repaired() {
	capture timeout -k 5 120 test/scripts/in-world -r "$1" test/worlds/repair "$2" "$3" "${@:5}"
	assert_status 0
	assert_output_has "$4"
}

# For what only somebody outside of the world can mend. usage: assert_diagnosed WORLD CHECK CAUSE
assert_diagnosed() {
	capture timeout -k 5 60 test/scripts/in-world "$1" "$SANDBOX" doctor
	assert_status 1
	[[ $output =~ $2\ +missing ]] || fail_with "$2 should be missing"
	assert_output_has "$3"
	assert_output_has 'fix:'
}

@test "control: a world that lacks nothing" {
	capture timeout -k 5 60 test/scripts/in-world nothing-lacking "$SANDBOX" doctor
	assert_status 0
}

@test "no subordinate ids" {
	assert_repaired no-subids 'subordinate ids' E_SUBID_MISSING 'has no range for' --userns map
}

@test "subordinate ids that include the host's root" {
	assert_repaired bad-subids 'subordinate ids' E_SUBID_INVALID "the host's root"
}

@test "subordinate ids that overlap" {
	assert_repaired overlapping-subids 'subordinate ids' E_SUBID_INVALID 'overlaps'
}

@test "too few subordinate ids" {
	assert_repaired few-subids 'subordinate ids' E_SUBID_FEW '65534'
}

@test "subordinate ids that another user has as well" {
	assert_repaired shared-subids 'subordinate ids' E_SUBID_SHARED 'another user'
}

@test "who asks for subordinate ids elsewhere than in files is not installed" {
	assert_diagnosed no-getsubids 'subordinate ids' 'do not come from files'
}

@test "newuidmap is not installed" {
	command -v apt-get >/dev/null || skip 'this is not Debian or Ubuntu'
	assert_repaired no-uidmap-package 'id map' E_NEWIDMAP_MISSING 'not installed' --userns map
}

@test "newuidmap has no set-user-ID bit" {
	assert_repaired plain-newuidmap 'id map' E_NEWIDMAP_REFUSED 'set-user-ID bit' --userns map
}

@test "newuidmap lies on a mount that takes its privilege away" {
	assert_repaired powerless-newuidmap 'id map' E_NEWIDMAP_REFUSED nosuid --userns map
}

@test "user namespaces are switched off by limit" {
	assert_repaired no-userns 'user namespaces' E_USERNS_LIMIT 'max_user_namespaces = 0'
}

@test "network namespaces are switched off by limit" {
	assert_repaired no-netns 'network namespace' E_USERNS_LIMIT 'max_net_namespaces = 0'
}

@test "the home is full" {
	assert_repaired full-home 'image store' E_NO_SPACE 'full'
}

@test "the home is read-only" {
	assert_repaired read-only-home 'image store' E_HOME_UNUSABLE 'read-only'
}

@test "/dev/net/tun is root's" {
	[ -e /dev/net/tun ] || skip 'this kernel has no tun device'
	assert_repaired closed-tun '/dev/net/tun' E_TUN_UNAVAILABLE 'only root'
}

@test "/dev/net/tun has no node" {
	[ -e /dev/net/tun ] || skip 'this kernel has no tun device'
	assert_repaired no-tun-node '/dev/net/tun' E_TUN_UNAVAILABLE 'node'
}

@test "an outer filter refuses user namespaces" {
	assert_diagnosed filtered-userns 'user namespaces' 'a seccomp filter'
}

@test "the outer /proc is masked" {
	assert_diagnosed masked-proc 'fresh /proc' '/proc/keys'
}

@test "a home from which nothing can be executed does no harm" {
	capture timeout -k 5 60 test/scripts/in-world noexec-home "$SANDBOX" doctor
	assert_status 0
}
