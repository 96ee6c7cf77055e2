# World "no-userns-clone".

load works

@test "the kernel refuses user namespaces" {
	run unshare --user true
	[ "$status" != 0 ]
	[[ $output == *"Operation not permitted"* ]]
}

@test "sandbox names the setting" {
	run_busybox -- true
	assert_error E_USERNS_DISABLED
	assert_stderr_has kernel.unprivileged_userns_clone
}

@test "what doctor says mends it" {
	assert_mended 'user namespaces' E_USERNS_DISABLED
}
