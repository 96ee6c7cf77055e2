# --nesting: other sandboxes work inside, and without it nobody makes one.
# shellcheck shell=bash

load helper

setup_file() {
	private_folders
	make_debian_with_bwrap
	make_image_with_sandbox
}

# The Debian root with the bubblewrap of this machine, and what it needs that the root lacks.
make_debian_with_bwrap() {
	export BWRAP_TAR=$BATS_FILE_TMPDIR/bwrap.tar
	local files
	files=$(mktemp -d "$BATS_FILE_TMPDIR/XXXXXX")
	install -D -m 0755 "$(command -v bwrap)" "$files/usr/bin/bwrap"
	cp "$DEBIAN_TAR" "$BWRAP_TAR"
	chmod u+w "$BWRAP_TAR"
	tar --append --file "$BWRAP_TAR" --numeric-owner --owner=0 --group=0 -C "$files" usr/bin/bwrap
}

# Ourselves in a busybox root. What runs inside stands on a folder: no archive is to be read there.
make_image_with_sandbox() {
	export INNER_TAR=$BATS_FILE_TMPDIR/inner.tar
	local files
	files=$(mktemp -d "$BATS_FILE_TMPDIR/XXXXXX")
	install -D -m 0755 "$SANDBOX" "$files/usr/bin/sandbox"
	cp "$BUSYBOX_TAR" "$INNER_TAR"
	chmod u+w "$INNER_TAR"
	tar --append --file "$INNER_TAR" --numeric-owner --owner=0 --group=0 -C "$files" usr/bin/sandbox
}

bwrap_inside() {
	sandbox run "$@" "$BWRAP_TAR" bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp \
		sh -c 'id -u; grep -c ^Name: /proc/self/status; test -d /proc/2 && echo own; touch /tmp/x /x'
}

@test "bubblewrap runs in a Debian root with --nesting" {
	bwrap_inside --nesting
	assert_status 1
	assert_output $'0\n1\nown'
	assert_stderr_has 'Read-only file system'
	bwrap_inside --nesting -u nobody
	assert_status 1
	assert_output $'65534\n1\nown'
}

@test "bubblewrap is refused without --nesting" {
	bwrap_inside
	assert_status 1
	assert_output ''
	assert_stderr_has 'Operation not permitted'
}

# The script runs as root of the outer sandbox.
inner_sandbox() {
	local inner=$1
	shift
	sandbox run "$@" "$INNER_TAR" sh -c "mkdir /tmp/image && cp -a /bin /etc /tmp/image && HOME=/tmp sandbox run $inner"
}

@test "a sandbox runs inside a sandbox with --nesting, with all its defences" {
	! is_sanitized || skip "the program needs libraries that the image lacks"
	inner_sandbox '--userns=single /tmp/image sh -c "cat /proc/self/uid_map; grep -E ^\(NoNewPrivs\|Seccomp\): /proc/self/status
		grep -c . /proc/keys; unshare -U true"' --nesting
	assert_status 1
	assert_output $'         0          0          1\nNoNewPrivs:\t1\nSeccomp:\t2\n0'
	assert_stderr_has 'unshare(0x10000000): Operation not permitted'
	inner_sandbox '/tmp/image tail -n 1 /proc/self/uid_map' --nesting
	assert_status 0
	[[ $output =~ ^\ +1\ +1\ +[0-9]+$ ]] || fail_with "the ids of the outer one should be there"
}

@test "a sandbox inside a sandbox without --nesting is an error that says so" {
	! is_sanitized || skip "the program needs libraries that the image lacks"
	inner_sandbox '--userns=single /tmp/image echo ran'
	assert_error E_USERNS_FILTERED
	assert_output ''
}
