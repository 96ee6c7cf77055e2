# A network that is killed while it is made, or made many times: nothing of it stays.

# shellcheck disable=SC2154,SC2317  # bats sets stderr; network.bash sets the rest
load helper
load network

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

@test "a process that is killed while the network is being made is an error, and leaves nothing" {
	need_pasta
	before=$(settled_snapshot)
	for point in uplink.stage uplink.keeper uplink.spawned uplink.ready; do
		capture timeout -k 5 60 env SANDBOX_TEST_KILL_AT="$point" "$SANDBOX_SWITCHED" run --net "$BUSYBOX_TAR" echo ran
		if [ "$point" != uplink.stage ]; then
			assert_error E_CHILD_DIED
			assert_output ''
		fi
	done
	for point in launch.cloned launch.mapped launch.set-up launch.started init.root init.mounted init.set-up payload.start; do
		capture timeout -k 5 60 env SANDBOX_TEST_KILL_AT="$point" "$SANDBOX_SWITCHED" run --net "$BUSYBOX_TAR" sleep 0
		[ "$status" != 0 ] || fail_with "killed at $point"
	done
	assert_no_leftovers "$before"
}

@test "fifty in a row leave nothing" {
	need_pasta
	before=$(settled_snapshot)
	for ((i = 0; i < 50; i++)); do
		"$SANDBOX" run --net "$BUSYBOX_TAR" true 3>&-
	done
	assert_no_leftovers "$before"
}

@test "a signal while pasta is starting ends everything" {
	need_pasta
	before=$(settled_snapshot)
	SANDBOX_TEST_STOP_AT=uplink.keeper "$SANDBOX_SWITCHED" run --net "$BUSYBOX_TAR" echo ran >"$BATS_TEST_TMPDIR/out" 3>&- &
	tool=$!
	wait_until keeper_of "$tool" || wait_until pgrep -P "$tool" -x stopped
	kill -TERM "$tool"
	wait "$tool" || [ $? = 143 ]
	[ ! -s "$BATS_TEST_TMPDIR/out" ]
	assert_no_leftovers "$before"
}
