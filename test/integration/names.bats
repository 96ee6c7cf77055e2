# --name: one running sandbox has a name; what a killed tool leaves of it is swept away; and nobody else's
# folder is taken for ours, since where there is no XDG_RUNTIME_DIR ours lies in /tmp.

load helper

start_named() {
	"$SANDBOX" run --name "$1" "$BUSYBOX_TAR" sleep 60 3>&- &
	named=$!
	wait_until test -e "$XDG_RUNTIME_DIR/sandbox/names/$1"
}

end_named() {
	kill -TERM "$named"
	wait "$named" || true
}

@test "a name is taken while its sandbox runs, and free afterwards" {
	start_named one
	run_busybox --name one -- true
	assert_error E_NAME_IN_USE
	run_busybox --name two -- hostname
	assert_success two
	end_named
	run_busybox --name one -- true
	assert_success
	[ -z "$(ls "$XDG_RUNTIME_DIR/sandbox/names")" ]
}

@test "the name of a killed tool is free at once and swept by the next run" {
	start_named killed
	kill -KILL "$named"
	wait "$named" || true
	wait_until "$SANDBOX" run --name killed "$BUSYBOX_TAR" true
	start_named killed
	kill -KILL "$named"
	wait "$named" || true
	swept() {
		"$SANDBOX" run "$BUSYBOX_TAR" true && [ -z "$(ls "$XDG_RUNTIME_DIR/sandbox/names")" ]
	}
	wait_until swept
}

# Whoever comes first may make /tmp/sandbox-UID, and then says what lies in it.
@test "a folder of names that is a link is not swept" {
	mkdir "$BATS_TEST_TMPDIR/"{runtime,precious}
	echo mine >"$BATS_TEST_TMPDIR/precious/file"
	ln -s ../precious "$BATS_TEST_TMPDIR/runtime/names"
	sandbox --runroot "$BATS_TEST_TMPDIR/runtime" run "$BUSYBOX_TAR" true
	assert_success
	[ "$(<"$BATS_TEST_TMPDIR/precious/file")" = mine ]
	sandbox --runroot "$BATS_TEST_TMPDIR/runtime" run --name one "$BUSYBOX_TAR" true
	assert_status 125
}

@test "a folder that others can write is neither swept nor used" {
	mkdir -p "$BATS_TEST_TMPDIR/runtime/names"
	touch "$BATS_TEST_TMPDIR/runtime/names/stale"
	chmod 777 "$BATS_TEST_TMPDIR/runtime"
	sandbox --runroot "$BATS_TEST_TMPDIR/runtime" run "$BUSYBOX_TAR" true
	assert_success
	[ -e "$BATS_TEST_TMPDIR/runtime/names/stale" ]
	sandbox --runroot "$BATS_TEST_TMPDIR/runtime" run --name one "$BUSYBOX_TAR" true
	assert_error "others can write there"
	chmod 700 "$BATS_TEST_TMPDIR/runtime"
	sandbox --runroot "$BATS_TEST_TMPDIR/runtime" run "$BUSYBOX_TAR" true
	assert_success
	[ ! -e "$BATS_TEST_TMPDIR/runtime/names/stale" ]
}

@test "names are checked before anything is made" {
	for name in '' . .. -x a/b "$(printf 'a%.0s' {1..65})"; do
		run_busybox --name="$name" -- true
		assert_error "a name is a letter or digit"
	done
}
