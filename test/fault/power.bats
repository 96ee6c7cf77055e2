#!/usr/bin/env bats
# Power cuts: an ext4 in a file loses its power just before one of the calls that change it. Afterwards each image is
# whole or absent, never something in between; what a command reported as done is there; and the store opens and heals
# by itself. What the disk has then is chosen, too (test/helpers/meddle.c): it may have all names and no data.
#
# SANDBOX_TEST_CUTS=N cuts at N places in all instead of some; SANDBOX_TEST_SEED chooses others.

# shellcheck disable=SC2030,SC2031,SC2154  # bats's variables

load ../integration/helper
load disk

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	make_work
	export CUTS_EACH=$((${SANDBOX_TEST_CUTS:-22} / 11 + 1))
	truncate -s 64M "$WORK/empty"
	# The data of a file that replaces another are written first by ext4's own kindness: not here.
	export DISK_OPTIONS=loop,noauto_da_alloc,nosuid,nodev
	mkfs.ext4 -q -F -m 0 -J size=4 -E "root_owner=$USER_IDS,lazy_itable_init=0,lazy_journal_init=0" "$WORK/empty"
	if mount -o "$DISK_OPTIONS" "$WORK/empty" "$WORK/disk"; then
		umount "$WORK/disk"
		: >"$WORK/loop"
		prepare_disks
	fi
}

teardown_file() {
	remove_work
}

setup() {
	needs_root
	needs_loop
}

# Whatever became of the test.
teardown() {
	! mountpoint -q "${WORK:-/}/disk" || umount "$WORK/disk"
}

insert_disk() {
	cp --sparse=always "$WORK/$1" "$WORK/inserted"
	mount -o "$DISK_OPTIONS" "$WORK/inserted" "$WORK/disk"
}

# What is ending may hold it in a mount namespace of its own for a moment: until then it would be the same disk again.
eject_disk() {
	umount "$WORK/disk"
	wait_until sh -c "[ -z \"\$(losetup --associated '$WORK/inserted')\" ]"
}

# Disks to begin with: with one image that has long been there, and with all.
prepare_disks() {
	insert_disk empty
	as_user mkdir -m 0700 "$XDG_CACHE_HOME" "$XDG_STATE_HOME"
	user_sandbox import --name keeper "$WORK/images/other.tar"
	[ "$status" = 0 ] || fail_with 'prepare the disk'
	contents keeper
	echo "$output" >"$WORK/expected.keeper"
	forget_runtime
	eject_disk
	cp --sparse=always "$WORK/inserted" "$WORK/with-keeper"
	insert_disk with-keeper
	user_sandbox import --name flat "$WORK/images/flat.tar"
	user_sandbox import --name layered "$WORK/images/layered.tar"
	for image in flat layered; do
		contents "$image"
		[ "$status" = 0 ] || fail_with "run $image"
		echo "$output" >"$WORK/expected.$image"
	done
	forget_runtime
	eject_disk
	cp --sparse=always "$WORK/inserted" "$WORK/with-all"
}

# And with a sandbox that has written something.
prepare_job() {
	insert_disk with-all
	user_sandbox run --keep --name job "$WORK/images/writer.tar" /bin/busybox sh -c \
		'mkdir /content && cd /content && for i in 1 2 3 4 5; do head -c ${i}000 /bin/busybox >$i; done; ln 1 6; ln -s 1 7'
	[ "$status" = 0 ] || fail_with 'the run that is kept'
	user_sandbox commit job made
	contents made
	[ "$status" = 0 ] || fail_with 'the committed image'
	echo "$output" >"$WORK/expected.made"
	user_sandbox rmi made
	[ "$status" = 0 ] || fail_with 'the committed image goes'
	forget_runtime
	eject_disk
	cp --sparse=always "$WORK/inserted" "$WORK/with-job"
}

# The disk belongs to no other process by then.
forget_runtime() {
	wait_until sh -c "! pgrep -u ${USER_IDS%:*} -x 'sandbox|sandbox-import'"
}

# The machine starts again: its boot id is another one. Only what is whole is changed.
boot_again() {
	eject_disk
	mount -o "$DISK_OPTIONS" "$WORK/inserted" "$WORK/disk"
	find "$STORE/layers" -mindepth 2 -maxdepth 2 -name layer.json -size +0 \
		-exec sed -i 's/"boot": *"[^"]*"/"boot":"an earlier one"/' {} +
}

# Whether the image shows nothing but what it should: absent is allowed unless "$2" says otherwise.
# usage: assert_whole IMAGE must|may MESSAGE
assert_whole() {
	contents "$1"
	if [ "$status" = 0 ]; then
		[ "$output" = "$(<"$WORK/expected.${4:-$1}")" ] || fail_with "$3: $1 is torn"
	else
		[ "$2" = may ] || fail_with "$3: $1 has gone"
		[[ $stderr == *E_IMAGE_UNKNOWN* ]] || fail_with "$3: $1 does not run"
	fi
}

# Every layer belongs to an image.
assert_none_unneeded() {
	local layer name
	for layer in "$STORE"/layers/*; do
		name=${layer##*/}
		[ ! -e "$layer" ] || grep -qF "${name%%-*}" "$STORE"/images/*.json || fail_with "$1: nobody needs $name"
	done
}

# After the cut: what was there is there, what came is whole or absent, and one command heals the rest.
# usage: assert_healed IMAGE must|may MESSAGE
assert_healed() {
	local image
	user_sandbox images -q
	[ "$status" = 0 ] || fail_with "$3: the store does not open"
	assert_whole keeper "${KEEPER:-must}" "$3"
	for image in flat layered made; do
		assert_whole "$image" "$([ "$image" = "$1" ] && echo "$2" || echo may)" "$3"
	done
	if [ -e "$WORK/images/$1.tar" ]; then
		assert_whole "$WORK/images/$1.tar" must "$3" "$1"
	else
		user_sandbox commit job "$1"
		assert_whole "$1" must "$3"
	fi
	[ -z "$(staging)" ] || fail_with "$3: left in staging: $(staging)"
	user_sandbox gc
	[ "$status" = 0 ] || fail_with "$3: gc"
	assert_none_unneeded "$3"
	forget_runtime
}

# usage: cut_now KIND
cut_now() {
	! "$MEDDLE" "$USER_IDS" "$WORK/log" "$1:$WORK/disk:1" /bin/mkdir "$WORK/disk/after" 2>/dev/null
}

# Cuts the power at one call of a command.
# usage: cut_at DISK KIND CALL IMAGE COMMAND…
cut_at() {
	local disk=$1 kind=$2 call=$3 image=$4
	shift 4
	insert_disk "$disk"
	meddled_sandbox "$kind:$WORK/disk:$call" "$@"
	[ -s "$WORK/log" ] || fail_with "sandbox $*: no call $call"
	[ "$status" -lt 128 ] || fail_with "sandbox $*: $kind at call $call"
	boot_again
	"${CHECK:-true}" "sandbox $*: $kind at $(<"$WORK/log")"
	assert_healed "$image" may "sandbox $*: $kind at $(<"$WORK/log")"
	eject_disk
}

# Cuts the power at several calls of a command, in each of the three ways, and after its end.
# usage: cut_everywhere DISK IMAGE must|may COMMAND…
cut_everywhere() {
	local disk=$1 image=$2 afterwards=$3 kinds=(lost torn kept) calls place cuts=1
	shift 3
	insert_disk "$disk"
	count_calls "$@"
	forget_runtime
	eject_disk
	for place in $(spread "$CUTS_EACH" $((calls * 3))); do
		cut_at "$disk" "${kinds[place % 3]}" $(((place + 2) / 3)) "$image" "$@"
		cuts=$((cuts + 1))
	done
	insert_disk "$disk"
	user_sandbox "$@"
	[ "$status" = 0 ] || fail_with "sandbox $*"
	cut_now lost
	boot_again
	[ -z "${NEW_NAME:-}" ] || assert_whole "$NEW_NAME" must "sandbox $*: after its end" "$image"
	assert_healed "$image" "$afterwards" "sandbox $*: after its end"
	eject_disk
	echo "# $cuts cuts, before $calls calls: ${*##*/}" >&3
}

@test "an import is on the disk before it says so, and before that it is not there" {
	cut_everywhere with-keeper flat must import --name flat "$WORK/images/flat.tar"
}

@test "an import of layers" {
	cut_everywhere with-keeper layered must import --name layered "$WORK/images/layered.tar"
}

@test "a first run" {
	cut_everywhere with-keeper flat may run "$WORK/images/flat.tar" /bin/listing /content
}

@test "the removal of an image" {
	cut_everywhere with-all flat may rmi flat
}

@test "the removal of an image with layers" {
	cut_everywhere with-all layered may rmi layered
}

@test "another name for an image that is there" {
	NEW_NAME=second cut_everywhere with-all flat must import --name second "$WORK/images/flat.tar"
}

@test "a name that goes from one image to another" {
	cut_everywhere with-all flat must import --name keeper "$WORK/images/other.tar"
}

@test "one more name, by tag" {
	NEW_NAME=third cut_everywhere with-all flat must tag flat third
}

# Of the images of several.tar.
assert_all_or_none() {
	local name whole=0
	for name in one:1 two:1; do
		assert_whole "$name" may "$1" flat
		[ "$status" != 0 ] || whole=$((whole + 1))
	done
	[ "$whole" != 1 ] || fail_with "$1: one of two"
}

@test "several images of one archive come together" {
	CHECK=assert_all_or_none NEW_NAME=two:1 cut_everywhere with-keeper flat may load -i "$WORK/images/several.tar"
}

@test "a sandbox becomes an image" {
	prepare_job
	cut_everywhere with-job made must commit job made
}

@test "a garbage collection" {
	KEEPER=may cut_everywhere with-all layered may gc --all --max-size=1
}

@test "without bringing it to the disk, an image is torn" {
	insert_disk with-keeper
	SANDBOX=$SANDBOX_SWITCHED SANDBOX_TEST_REMOVE=layer-sync user_sandbox import --name flat "$WORK/images/flat.tar"
	[ "$status" = 0 ] || fail_with 'the import'
	cut_now torn
	boot_again
	contents flat
	[ "$status" != 0 ] || [ "$output" != "$(<"$WORK/expected.flat")" ]
}
