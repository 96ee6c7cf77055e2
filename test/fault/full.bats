#!/usr/bin/env bats
# File systems without room, for data or for files. An import says so and leaves the store as it was, what is there goes
# on working, and removing an image makes room. (Quotas, which few kernels of test machines have, are calls.bats's.)

# shellcheck disable=SC2154  # bats's variables

load ../integration/helper
load disk

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	make_work
	truncate -s 24M "$WORK/empty"
	mkfs.ext4 -q -F -m 0 -N 400 -J size=4 -E "root_owner=$USER_IDS" "$WORK/empty"
	if mount -o loop "$WORK/empty" "$WORK/disk"; then
		umount "$WORK/disk"
		: >"$WORK/loop"
	fi
}

teardown_file() {
	remove_work
}

setup() {
	needs_root
	STEPS=6
}

# Whatever became of the test.
teardown() {
	! mountpoint -q "${WORK:-/}/disk" || umount "$WORK/disk"
}

# usage: begin MOUNT-ARGUMENT…: a file system with one image
begin() {
	mount "$@" "$WORK/disk"
	chown "$USER_IDS" "$WORK/disk"
	as_user mkdir -m 0700 "$XDG_CACHE_HOME" "$XDG_STATE_HOME"
	user_sandbox import --name keeper "$WORK/images/other.tar"
	[ "$status" = 0 ] || fail_with 'prepare the disk'
	contents keeper
	keeper=$output
	untouched=$(everything)
}

# Contents and all, but for the times of the store's own folders.
everything() {
	(cd "$STORE" && find . -mindepth 2 -printf '%p %y %m %U:%G %s %T@\n' | sort)
	find "$STORE" -name '*.json' -exec cat {} +
}

# What an import takes, by one that has room: $need, as this file system counts it.
measure() {
	local before
	before=$("free_$1")
	user_sandbox import "$WORK/images/$2.tar"
	[ "$status" = 0 ] || fail_with 'with room enough'
	need=$((before - $("free_$1")))
	[ "$need" -gt 5 ]
	user_sandbox rmi "$output"
	[ "$(everything)" = "$untouched" ]
}

free_bytes() {
	stat -f -c '%a %S' "$WORK/disk" | awk '{ print $1 * $2 }'
}

free_inodes() {
	stat -f -c '%d' "$WORK/disk"
}

# Takes all but so many; the table of a file's own blocks may need one as well.
fill_bytes() {
	head -c $(($(free_bytes) - $1)) /dev/zero >"$WORK/disk/filler" 2>/dev/null || true
	sync -f "$WORK/disk"
}

fill_inodes() {
	mkdir "$WORK/disk/filler"
	(cd "$WORK/disk/filler" && seq $(($(free_inodes) - $1)) | xargs touch)
}

# An import that finds less than it needs, more of it with each step.
# usage: try_with_less bytes|inodes IMAGE
try_with_less() {
	local step full=0
	measure "$1" "$2"
	for ((step = 0; step < STEPS; step++)); do
		"fill_$1" $((need * step / STEPS))
		try_without_room "$WORK/images/$2.tar" "$((need * step / STEPS)) of $need $1 left"
		rm -rf "$WORK/disk/filler"
	done
	[ "$full" -ge $((STEPS - 2)) ]
	user_sandbox import "$WORK/images/$2.tar"
	[ "$status" = 0 ] || fail_with 'with room again'
	user_sandbox rmi "$output"
}

# An import into what is left. The last ones may find what the first ones do not: what it takes varies a little.
try_without_room() {
	user_sandbox import "$1"
	if [ "$status" = 0 ]; then
		user_sandbox rmi "$output"
		assert_success ''
	else
		assert_error E_NO_SPACE
		full=$((full + 1))
	fi
	[ "$(everything)" = "$untouched" ] || fail_with "$2: $(diff <(echo "$untouched") <(everything))"
	contents keeper
	[ "$output" = "$keeper" ] || fail_with "$2: keeper"
}

@test "a tmpfs without room for the data" {
	begin -t tmpfs -o size=16m tmpfs
	try_with_less bytes flat
	try_with_less bytes layered
}

@test "a tmpfs without room for files" {
	begin -t tmpfs -o nr_inodes=2000 tmpfs
	try_with_less inodes flat
}

@test "an ext4 without room for the data" {
	needs_loop
	cp --sparse=always "$WORK/empty" "$WORK/inserted"
	begin -o loop "$WORK/inserted"
	try_with_less bytes flat
	try_with_less bytes layered
}

@test "an ext4 without inodes" {
	needs_loop
	cp --sparse=always "$WORK/empty" "$WORK/inserted"
	begin -o loop "$WORK/inserted"
	try_with_less inodes layered
}

@test "on a disk that is full to the last byte, an image runs, and can be removed" {
	needs_loop
	cp --sparse=always "$WORK/empty" "$WORK/inserted"
	begin -o loop "$WORK/inserted"
	fill_bytes 0
	head -c 1000000 /dev/zero >"$WORK/disk/last" 2>/dev/null || true
	contents keeper
	[ "$output" = "$keeper" ] || fail_with 'the run of an image'
	user_sandbox rmi keeper
	assert_success ''
	rm "$WORK/disk/last"
	user_sandbox import "$WORK/images/flat.tar"
	[ "$status" = 0 ] || fail_with 'in the room that it made'
}
