# World "no-userns".

load works

@test "the kernel refuses user namespaces for want of room" {
	run unshare --user true
	[ "$status" != 0 ]
	[[ $output == *"No space left on device"* ]]
}

@test "sandbox names the limit" {
	run_busybox -- true
	assert_error E_USERNS_LIMIT
	assert_stderr_has user.max_user_namespaces
}

# The last test: from here on the world is a whole one.
@test "what doctor says mends it" {
	assert_mended 'user namespaces' E_USERNS_LIMIT
}
