# World "full-home".

@test "nothing can be written to the home" {
	run dd if=/dev/zero of="$HOME/written" bs=64k count=1 status=none
	rm -f "$HOME/written"
	[ "$status" != 0 ]
	[[ $output == *"No space left on device"* ]]
}
