# World "apparmor": pasta under the profile that Debian gives it.

# shellcheck disable=SC2154  # network.bash sets them
load works
load ../integration/network

setup() {
	grep -qs Y /sys/module/apparmor/parameters/enabled || skip 'this kernel has no AppArmor'
}

@test "--net works under the profile, which is enforced" {
	need_pasta
	start_service
	sandbox run --net -v "$HELPERS/talk:/talk:exec" "$BUSYBOX_TAR" /talk tcp - "$outside" "$service_port" hello
	stop_service
	assert_success served
	start_sandbox --net 'echo up; exec sleep 1000'
	capture cat "/proc/$(pgrep -P "$(keeper_of "$tool")")/attr/current"
	kill "$tool"
	wait "$tool" || true
	assert_output 'passt (enforce)'
}

@test "a name server of this machine's loopback is asked under it, too" {
	need_pasta
	sandbox run --net "$BUSYBOX_TAR" cat /etc/resolv.conf
	assert_success 'nameserver 169.254.1.1'
}
