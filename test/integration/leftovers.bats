# Nothing is left: no process, mount, upper layer, temporary file, runtime entry or key; compared before
# and after. (killed.bats and at_once.bats have the harder cases.)
# runs alone

load helper

setup_file() {
	private_folders
	# The folders that stay: of images and of live state, and of layers on disk.
	"$SANDBOX" run "$BUSYBOX_TAR" true
	"$SANDBOX" run --overlay disk "$BUSYBOX_TAR" true
	"$SANDBOX" run --userns single "$BUSYBOX_TAR" true
}

setup() {
	before=$(settled_snapshot)
}

@test "control: the comparison notices a process, a file and a key" {
	sleep 60 3>&- &
	run ! assert_no_leftovers "$before" 3
	kill $!
	wait $! || true
	: >"$XDG_RUNTIME_DIR/planted"
	run ! assert_no_leftovers "$before" 3
	rm "$XDG_RUNTIME_DIR/planted"
	keyctl add user planted x @s >/dev/null
	run ! assert_no_leftovers "$before" 3
	keyctl purge -s user planted >/dev/null
	assert_no_leftovers "$before"
}

@test "after a run, a failed run, and one on a disk layer" {
	run_busybox -- sh -c 'echo x >/tmp/file; exit 3'
	assert_status 3
	run_busybox -- no-such-command
	assert_status 127
	run_busybox -u no-such-user -- true
	assert_status 125
	run_busybox --overlay disk -- sh -c 'echo x >/root/file'
	assert_status 0
	run_busybox --userns single -- true
	assert_status 0
	assert_no_leftovers "$before"
}

@test "after a payload that leaves processes and files" {
	run_busybox -- sh -c 'for i in 1 2 3; do sleep 600 & done; mkdir -p /a/b/c; setsid sleep 601 & echo leaves'
	assert_success leaves
	assert_no_leftovers "$before"
}

@test "after --timeout and signals" {
	run_busybox --timeout 300ms -- sleep 600
	assert_status 124
	"$SANDBOX" run "$BUSYBOX_TAR" sleep 602 3>&- &
	wait_until pgrep -u "$(id -u)" -f '^sleep 602'
	kill -TERM $!
	wait $! || true
	assert_no_leftovers "$before"
}

@test "after kill -9 of the tool while the payload runs" {
	local i
	for i in 1 2 3 4 5; do
		"$SANDBOX" run "$BUSYBOX_TAR" sleep 603 3>&- &
		wait_until pgrep -u "$(id -u)" -f '^sleep 603'
		kill -KILL $!
		wait $! 2>/dev/null || true
	done
	assert_no_leftovers "$before"
}

@test "after 200 runs in a row" {
	local i
	for ((i = 0; i < 200; i++)); do
		"$SANDBOX" run "$BUSYBOX_TAR" true
	done
	assert_no_leftovers "$before"
}
