# World "no-newuidmap".

@test "there is no newuidmap although there are subordinate ids" {
	[ -z "$(command -v newuidmap newgidmap)" ]
	grep -q "^$(id -un):" /etc/subuid
}
