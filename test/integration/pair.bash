# Two sandboxes that have done the same, one that runs ($RUNNING is a file with its id) and one that is kept and does not.
# shellcheck shell=bash

# The last thing that the script does is to make /ready.
# usage: make_pair SCRIPT [OPTION…], those of the one that runs
make_pair() {
	private_folders
	export RUNNING=$BATS_FILE_TMPDIR/running
	"$SANDBOX" import --name busybox "$BUSYBOX_TAR"
	"$SANDBOX" run -d "${@:2}" busybox sh -c "$1; sleep 1000" >"$RUNNING"
	"$SANDBOX" run --name kept busybox sh -c "$1"
	wait_until "$SANDBOX" exec "$(<"$RUNNING")" test -e /ready
}

teardown_file() {
	"$SANDBOX" rm -f kept "$(<"$RUNNING")"
	remove_private_folders
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# shellcheck disable=SC2034  # the tests read it
	running=$(<"$RUNNING")
}

# What comes out with its owners belongs to subordinate ids.
remove_unpacked() {
	cd / && as_layer_root find "$BATS_TEST_TMPDIR" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
}
