# World "no-userns".

@test "the kernel refuses user namespaces for want of room" {
	run unshare --user true
	[ "$status" != 0 ]
	[[ $output == *"No space left on device"* ]]
}
