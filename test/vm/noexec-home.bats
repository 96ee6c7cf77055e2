# World "noexec-home".

@test "nothing can be executed in the home" {
	cp /bin/true "$HOME/true"
	run "$HOME/true"
	rm "$HOME/true"
	[ "$status" = 126 ]
}
