# World "noexec-home".

load works

@test "nothing can be executed in the home" {
	cp /bin/true "$HOME/true"
	run "$HOME/true"
	rm "$HOME/true"
	[ "$status" = 126 ]
}

@test "sandbox runs all the same: what it executes lies on the overlay" {
	run_busybox -- echo works
	assert_success works
}

@test "doctor, too, finds no harm in it" {
	sandbox doctor
	assert_status 0
}
