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

# The last test: from here on the world is a whole one.
@test "what doctor says mends it" {
	assert_mended '/dev/net/tun' E_TUN_UNAVAILABLE
}
