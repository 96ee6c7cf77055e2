# World "no-subids".

@test "the user has no subordinate ids" {
	run grep -h "^$(id -un):" /etc/subuid /etc/subgid
	[ "$status" = 1 ]
}
