# World "full-home".

load works

@test "nothing can be written to the home" {
	run dd if=/dev/zero of="$HOME/written" bs=64k count=1 status=none
	rm -f "$HOME/written"
	[ "$status" != 0 ]
	[[ $output == *"No space left on device"* ]]
}

@test "sandbox says that there is no space, and leaves nothing half-made" {
	run_busybox -- true
	assert_error E_NO_SPACE
	[ -z "$(find "$HOME/.cache/sandbox/layers" "$HOME/.cache/sandbox/staging" -mindepth 1 2>/dev/null)" ]
}

# The last test: from here on the world is a whole one.
@test "what doctor says mends it" {
	assert_mended 'image store' E_NO_SPACE
}
