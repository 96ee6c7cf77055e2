# Machines that lack something: sandbox works, or says what is missing and what to do about it. Each world
# is made by root around the ordinary user (test/scripts/in-world).

# shellcheck disable=SC2154  # bats sets stderr
load ../integration/helper

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	runuser -u "$SANDBOX_TEST_USER" -- env SANDBOX="$SANDBOX" BUSYBOX_TAR="$BUSYBOX_TAR" sh -c \
		'"$SANDBOX" run "$BUSYBOX_TAR" true'
}

setup() {
	[ "$(id -u)" = 0 ] || skip 'root is needed to make such worlds; run make check as root'
}

teardown_file() {
	:
}

# usage: in_world WORLD [OPTION…] -- [COMMAND…]
in_world() {
	local world=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	capture timeout -k 5 60 test/scripts/in-world "$world" \
		"$SANDBOX" run "${options[@]}" "$BUSYBOX_TAR" "$@"
}

@test "control: a world that lacks nothing maps 65,536 ids" {
	in_world nothing-lacking -- sh -c 'wc -l </proc/self/uid_map'
	assert_success 2
}

@test "no subordinate ids: a single id, and one line about it" {
	in_world no-subids -- sh -c 'wc -l </proc/self/uid_map'
	assert_status 0
	assert_output 1
	[ "$(wc -l <<<"$stderr")" = 1 ] || fail_with "more than one line of notice"
	in_world no-subids --userns single -- true
	assert_success ''
}

@test "no subordinate ids and --userns=map: an error" {
	in_world no-subids --userns map -- true
	assert_error E_SUBID_MISSING
}

@test "subordinate ids that include the host's root are refused" {
	in_world bad-subids -- true
	assert_error E_SUBID_INVALID
}

@test "newuidmap is not installed" {
	in_world no-newuidmap --userns map -- true
	assert_error E_NEWIDMAP_MISSING
}

@test "newuidmap has lost its privilege" {
	in_world powerless-newuidmap --userns map -- true
	assert_error E_NEWIDMAP_REFUSED
}

@test "user namespaces are switched off by limit" {
	in_world no-userns -- true
	assert_error E_USERNS_LIMIT
}

@test "user namespaces are refused by an outer filter" {
	in_world filtered-userns -- true
	assert_error E_USERNS_FILTERED
}

@test "the outer /proc is masked" {
	in_world masked-proc -- true
	assert_error E_PROC_MASKED
}

@test "--proc=host is the way on where the outer /proc is masked" {
	in_world masked-proc --proc host -- sh -c 'cat /proc/self/comm /proc/sys/user/max_user_namespaces; wc -c </proc/keys'
	assert_status 0
	assert_output $'cat\n0\n0'
	in_world masked-proc --proc host -- sh -c 'echo 1 >/proc/self/oom_score_adj'
	assert_status 1
	assert_stderr_has 'Read-only file system'
}

@test "--proc=host where settings cannot be written: the filter refuses namespaces, or else it is an error" {
	in_world container-proc -- true
	assert_error E_PROC_MASKED
	in_world container-proc --proc host -- unshare -U true
	assert_status 1
	assert_stderr_has unshare
	in_world container-proc --proc host --security-opt seccomp=unconfined -- true
	assert_error E_PROC_MASKED
	assert_stderr_has 'refuse user namespaces'
	in_world container-proc --proc host --sysctl kernel.shmmni=77 -- true
	assert_error E_PROC_MASKED
	in_world container-proc --proc host --nesting -- unshare -U echo made
	assert_output made
}

@test "the home is full" {
	in_world full-home -- true
	assert_error E_NO_SPACE
}

@test "the home is read-only" {
	in_world read-only-home -- true
	assert_error E_HOME_UNUSABLE
}

@test "the home is on a noexec mount" {
	in_world noexec-home -- echo works
	assert_success works
}

# Each of these is found before anything exists: also before the image is read.
@test "pasta is not installed, or the device of the network is missing or closed" {
	in_world no-pasta --net -- true
	assert_error E_PASTA_MISSING
	assert_stderr_has passt
	in_world closed-tun --net -- true
	assert_error E_TUN_UNAVAILABLE
	assert_stderr_has 'chmod 0666 /dev/net/tun'
	in_world no-tun-node --net -- true
	assert_error E_TUN_UNAVAILABLE
	for world in no-pasta closed-tun no-tun-node; do
		in_world "$world" -- echo works
		assert_success works
		in_world "$world" --net=host -- echo works
		assert_output works
	done
}

@test "control: where nothing is lacking --net works" {
	in_world nothing-lacking --net -- ls /sys/class/net
	assert_success $'lo\nuplink'
}

no_pasta() {
	! pgrep -x 'pasta(\.avx2)?'
}

@test "this machine has no connection: what pasta says, and no orphan of it" {
	in_world no-connection --net -- echo ran
	assert_error E_PASTA_FAILED
	assert_output ''
	wait_until no_pasta
}

@test "a name server on this machine's loopback interface answers through pasta, and nothing else there does" {
	in_world local-resolver --net -- sh -c 'cat /etc/resolv.conf; nslookup mirror.example'
	assert_status 0
	assert_output_has 'nameserver 169.254.1.1'
	assert_output_has 'Address: 198.51.100.1'
	in_world local-resolver --net -- nslookup mirror.example 127.0.0.53
	[ "$status" != 0 ]
	in_world local-resolver --net=host -- nslookup mirror.example
	assert_status 0
	assert_output_has 'Address: 198.51.100.1'
}
