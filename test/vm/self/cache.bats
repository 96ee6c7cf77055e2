# The cache of guests: made once, whole or absent, made again when damaged, cleared of what is old.

setup() {
	export SANDBOX_VM_CACHE=$BATS_TEST_TMPDIR/cache
	log=$BATS_TEST_TMPDIR/log
	: >"$log"
	cat >"$BATS_TEST_TMPDIR/make" <<-X
		#!/bin/bash
		echo made >>"$log"
		echo content >"\$1/file"
		truncate -s 1M "\$1/disk"
		[ ! -e "$BATS_TEST_TMPDIR/broken" ]
	X
	chmod +x "$BATS_TEST_TMPDIR/make"
}

cached() {
	test/vm/cached "$1" "$2" "$BATS_TEST_TMPDIR/make" 2>/dev/null
}

made_times() {
	wc -l <"$log"
}

@test "a folder is made once for each key" {
	folder=$(cached guest one)
	[ "$(cat "$folder/file")" = content ]
	[ "$(cached guest one)" = "$folder" ]
	[ "$(made_times)" = 1 ]
	[ "$(cached guest two)" != "$folder" ]
	[ "$(made_times)" = 2 ]
}

@test "a damaged folder is made again" {
	folder=$(cached guest one)
	for damage in 'printf x >>file' 'printf C | dd of=file conv=notrunc' \
		'printf x | dd of=disk bs=1 seek=500000 conv=notrunc' 'rm file' 'rm checksum' 'truncate -s 2M disk'; do
		(cd "$folder" && sh -c "$damage" 2>/dev/null)
		: >"$log"
		[ "$(cached guest one)" = "$folder" ]
		[ "$(made_times)" = 1 ]
		[ "$(cat "$folder/file")" = content ]
	done
}

@test "a build that fails leaves nothing that would be used" {
	: >"$BATS_TEST_TMPDIR/broken"
	run cached guest one
	[ "$status" != 0 ]
	rm "$BATS_TEST_TMPDIR/broken"
	folder=$(cached guest one)
	[ -e "$folder/checksum" ]
	[ "$(made_times)" = 2 ]
	[ "$(ls "$SANDBOX_VM_CACHE")" = "$(printf '%s\n' guest-one guest.lock)" ]
}

@test "all but the two folders used last are removed, unless one is in use" {
	used=$(cached guest used)
	exec 5<"$used"
	flock -s 5
	touch -d '4 hours ago' "$used"
	touch -d '3 hours ago' "$(cached guest one)"
	touch -d '2 hours ago' "$(cached guest two)"
	cached guest three
	[ "$(cd "$SANDBOX_VM_CACHE" && echo guest-*)" = "guest-three guest-two guest-used" ]
}

@test "those who ask at the same time get one folder, made once" {
	for i in 1 2 3 4; do
		cached guest one >"$BATS_TEST_TMPDIR/$i" &
	done
	wait
	[ "$(cat "$BATS_TEST_TMPDIR"/[1-4] | sort -u | wc -l)" = 1 ]
	[ "$(made_times)" = 1 ]
}
