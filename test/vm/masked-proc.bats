# World "masked-proc".

@test "the kernel refuses a new procfs in a user namespace" {
	run unshare --user --map-root-user --pid --fork --mount-proc true
	[ "$status" != 0 ]
	[[ $output == *"mount /proc failed: Operation not permitted"* ]]
}
