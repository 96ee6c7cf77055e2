# --name: one sandbox has a name; what a killed tool leaves of it is swept away; and nobody else's folder is taken for
# ours, since where there is no XDG_RUNTIME_DIR ours lies in /tmp.

load helper

entries() {
	ls "$XDG_STATE_HOME/sandbox/sandboxes"
}

sockets() {
	ls "$XDG_RUNTIME_DIR/sandbox/control"
}

start_named() {
	"$SANDBOX" run --rm --name "$1" "$BUSYBOX_TAR" sleep 6207 3>&- &
	named=$!
	wait_until pgrep -u "$(id -u)" -f '^sleep 6207'
}

end_named() {
	kill -TERM "$named"
	wait "$named" || true
}

@test "a name is taken while its sandbox runs, and free afterwards" {
	start_named one
	run_busybox --name one -- true
	assert_error E_NAME_IN_USE
	run_busybox --rm --name two -- hostname
	assert_success two
	end_named
	run_busybox --rm --name one -- true
	assert_success
	[ -z "$(entries)" ]
	[ -z "$(sockets)" ]
}

@test "the name of a killed tool is free at once and swept by the next run" {
	start_named killed
	kill -KILL "$named"
	wait "$named" || true
	wait_until "$SANDBOX" run --rm --name killed "$BUSYBOX_TAR" true
	start_named killed
	kill -KILL "$named"
	wait "$named" || true
	swept() {
		"$SANDBOX" run "$BUSYBOX_TAR" true && [ -z "$(entries)" ] && [ -z "$(sockets)" ]
	}
	wait_until swept
}

# Whoever comes first may make /tmp/sandbox-UID, and then says what lies in it.
@test "a folder of sockets that is a link is not used" {
	mkdir "$BATS_TEST_TMPDIR/"{runtime,precious}
	echo mine >"$BATS_TEST_TMPDIR/precious/file"
	ln -s ../precious "$BATS_TEST_TMPDIR/runtime/control"
	sandbox --runroot "$BATS_TEST_TMPDIR/runtime" run "$BUSYBOX_TAR" true
	assert_success
	sandbox --runroot "$BATS_TEST_TMPDIR/runtime" run --name one "$BUSYBOX_TAR" true
	assert_status 125
	assert_stderr_has control
	[ "$(ls "$BATS_TEST_TMPDIR/precious")" = file ]
}

# The same for what is known of sandboxes, which is swept, too.
@test "a folder that others can write is neither swept nor used" {
	local option folder
	for option in --runroot --state; do
		folder=$BATS_TEST_TMPDIR/${option#--}
		mkdir -p "$folder/sandboxes/0123456789ab-stale"
		chmod 777 "$folder"
		sandbox "$option" "$folder" run "$BUSYBOX_TAR" true
		assert_success
		[ -e "$folder/sandboxes/0123456789ab-stale" ]
		sandbox "$option" "$folder" run --name one "$BUSYBOX_TAR" true
		assert_error "others can write there"
		assert_stderr_has "$option"
		chmod 700 "$folder"
		sandbox "$option" "$folder" run --name one "$BUSYBOX_TAR" true
		assert_success
	done
	[ ! -e "$BATS_TEST_TMPDIR/state/sandboxes/0123456789ab-stale" ]
}

@test "names are checked before anything is made" {
	for name in '' . .. -x a/b "$(printf 'a%.0s' {1..65})"; do
		run_busybox --name="$name" -- true
		assert_error "a name is a letter or digit"
	done
}
