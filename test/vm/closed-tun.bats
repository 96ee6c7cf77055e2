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

@test "--net says what is closed, before it reads the image, and leaves no orphan" {
	run_busybox --net -- echo ran
	assert_error E_TUN_UNAVAILABLE
	assert_output ''
	assert_stderr_has 'chmod 0666 /dev/net/tun'
	[ ! -e "$XDG_CACHE_HOME/sandbox" ] || [ -z "$(ls "$XDG_CACHE_HOME/sandbox/staging")" ]
	run ! pgrep pasta
}

@test "--net=host does not need it" {
	sandbox -q run --net=host "$BUSYBOX_TAR" echo works
	assert_success works
}

# The last test: from here on the world is a whole one.
@test "what doctor says mends it" {
	assert_mended '/dev/net/tun' E_TUN_UNAVAILABLE
}
