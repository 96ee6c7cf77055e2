# World "masked-proc".

load works

@test "the kernel refuses a new procfs in a user namespace" {
	run unshare --user --map-root-user --pid --fork --mount-proc true
	[ "$status" != 0 ]
	[[ $output == *"mount /proc failed: Operation not permitted"* ]]
}

@test "sandbox names the cause" {
	run_busybox -- true
	assert_error E_PROC_MASKED
}

# The last test: from here on the world is a whole one.
@test "what doctor says mends it" {
	assert_mended 'fresh /proc' E_PROC_MASKED
}
