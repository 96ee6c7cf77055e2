# Run in a guest by guests.bats, to see that a failure there is a failure here.

@test "this passes" {
	true
}

@test "this fails on purpose" {
	false
}
