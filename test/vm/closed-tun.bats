# World "closed-tun".

@test "the user may not open /dev/net/tun" {
	[ -c /dev/net/tun ]
	run sh -c ': <>/dev/net/tun'
	[ "$status" != 0 ]
}
