# The main job: a real Debian root from every kind of archive.
# takes long

load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$DEBIAN_TAR" true
}

# In a store of its own. It goes at the end of the test, with all others: ext4 is slow to make files while it remembers as
# many that were deleted.
in_empty_store() {
	XDG_CACHE_HOME=$(mktemp -d -p "$BATS_TEST_TMPDIR" cache.XXXXXX) "$@"
}

teardown() {
	local cache
	for cache in "$BATS_TEST_TMPDIR"/cache.*; do
		[ ! -d "$cache" ] || XDG_CACHE_HOME=$cache "$SANDBOX" reset || return
		[ ! -e "$cache/sandbox" ] || return
	done
}

# What the foundation promises of a Debian root.
assert_debian() {
	sandbox run "$1" -- bash -c '
		apt-get --version | head -n 1
		id
		cat /proc/1/comm
		ls /proc | grep -c "^[0-9]"
		hostname
		grep -c : /proc/net/dev'
	assert_status 0
	[[ ${lines[0]} == apt\ * ]] || fail_with "no apt"
	[ "${lines[1]}" = 'uid=0(root) gid=0(root) groups=0(root)' ] || fail_with "another user"
	[ "${lines[3]}" -le 6 ] || fail_with "too many processes are visible"
	[ "${lines[4]}" = sandbox ] || fail_with "another host name"
	[ "${lines[5]}" = 1 ] || fail_with "more than the loopback interface"
}

@test "the root that mmdebstrap made" {
	assert_debian "$DEBIAN_TAR"
}

@test "the same root from podman export" {
	in_empty_store assert_debian "${DEBIAN_TAR%.tar}-podman.tar"
}

@test "compressed by gzip, bzip2, xz and zstd" {
	local suffix
	for suffix in gz bz2 xz zst; do
		in_empty_store assert_debian "$DEBIAN_TAR.$suffix"
	done
}

@test "the second run does not even open the archive" {
	# The leak check of a sanitized build is a tracer itself.
	export ASAN_OPTIONS=detect_leaks=0
	"$SANDBOX" run --userns single "$BUSYBOX_TAR" true
	strace -f -qq -e trace=open,openat,openat2 -o "$BATS_TEST_TMPDIR/trace" \
		"$SANDBOX" run --userns single "$BUSYBOX_TAR" true
	[ -s "$BATS_TEST_TMPDIR/trace" ]
	run ! grep busybox.tar "$BATS_TEST_TMPDIR/trace"
	run ! grep -i libarchive "$BATS_TEST_TMPDIR/trace"
	# Control: a first run opens it.
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache strace -f -qq -e trace=open,openat,openat2 -o "$BATS_TEST_TMPDIR/first" \
		"$SANDBOX" run --userns single "$BUSYBOX_TAR" true
	grep -q busybox.tar "$BATS_TEST_TMPDIR/first"
}

@test "every file of the tree has the archive's owner and mode" {
	tar --numeric-owner -tvf "$DEBIAN_TAR" | awk '
		{ sub(/^\.\/?/, "/", $6); sub(/(.)\/$/, "&", $6); if ($6 != "/") sub(/\/$/, "", $6); print $6, $2 }' |
		grep -vE '^/(dev|proc|sys|tmp|run)(/|$| )|^/etc/(hosts|hostname|resolv.conf) ' | sort \
		>"$BATS_TEST_TMPDIR/archive"
	"$SANDBOX" run "$DEBIAN_TAR" find / -xdev -printf '%p %U/%G\n' |
		grep -vE '^/(dev|proc|sys|tmp|run)(/|$| )|^/etc/(hosts|hostname|resolv.conf) ' | sort \
		>"$BATS_TEST_TMPDIR/inside"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/archive")" -gt 1000 ]
	[ "$(awk '$2 != "0/0"' "$BATS_TEST_TMPDIR/archive" | wc -l)" -gt 3 ]
	diff "$BATS_TEST_TMPDIR/archive" "$BATS_TEST_TMPDIR/inside"
}

# A package whose scripts make a user and give it a folder.
build_package() {
	local tree=$BATS_TEST_TMPDIR/package
	mkdir -p "$tree/DEBIAN" "$tree/var/lib/keeper" "$tree/usr/share/keeper"
	printf 'Package: keeper\nVersion: 1.0\nArchitecture: all\nMaintainer: test <test@example.org>\nDescription: test\n' \
		>"$tree/DEBIAN/control"
	printf '#!/bin/sh\nset -e\nuseradd --system --home-dir /var/lib/keeper keeper\nchown keeper: /var/lib/keeper\n' \
		>"$tree/DEBIAN/postinst"
	chmod 0755 "$tree/DEBIAN/postinst"
	echo text >"$tree/usr/share/keeper/text"
	dpkg-deb --root-owner-group -b "$tree" "$BATS_TEST_TMPDIR/keeper.deb" >/dev/null
}

@test "dpkg -i of a package that makes a user works" {
	build_package
	capture timeout 120 "$SANDBOX" run "$DEBIAN_TAR" sh -c '
		cat >/tmp/keeper.deb && dpkg -i /tmp/keeper.deb >/dev/null &&
		stat -c "%U %n" /var/lib/keeper /usr/share/keeper/text && dpkg -s keeper | grep ^Status &&
		runuser -u keeper -- sh -c "id -un; touch /var/lib/keeper/own && stat -c %U /var/lib/keeper/own"' \
		<"$BATS_TEST_TMPDIR/keeper.deb"
	assert_status 0
	assert_output $'keeper /var/lib/keeper\nroot /usr/share/keeper/text\nStatus: install ok installed\nkeeper\nkeeper'
}

@test "what one run writes, the next does not see" {
	sandbox run "$DEBIAN_TAR" sh -c 'echo changed >/etc/debian_version; rm -rf /usr/share; ls /usr'
	assert_status 0
	sandbox run "$DEBIAN_TAR" sh -c 'ls -d /usr/share; grep -c changed /etc/debian_version'
	assert_output $'/usr/share\n0'
}
