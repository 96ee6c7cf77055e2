# World "closed-tun".

load works

@test "the user may not open /dev/net/tun" {
	[ -c /dev/net/tun ]
	run sh -c ': <>/dev/net/tun'
	[ "$status" != 0 ]
}

@test "sandbox without a network does not need it" {
	run_busybox -- echo works
	assert_success works
}
