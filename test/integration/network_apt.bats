# What --net is for: a distribution's own tools fetch from another machine. The mirror is this machine's, since the tests
# have no other.

# shellcheck disable=SC2034,SC2154,SC2317  # bats sets stderr; network.bash reads and sets the rest
load helper
load network

setup() {
	private_folders
	mkdir "$BATS_TEST_TMPDIR/mirror"
}

setup_file() {
	:
}

teardown_file() {
	:
}

teardown() {
	stop_service
	remove_private_folders
}

# A package with a program, and a script that makes a user.
build_package() {
	local tree=$BATS_TEST_TMPDIR/package
	mkdir -p "$tree/DEBIAN" "$tree/usr/bin"
	printf 'Package: greeter\nVersion: 1.0\nArchitecture: all\nMaintainer: test <test@example.org>\nDescription: test\n' \
		>"$tree/DEBIAN/control"
	printf '#!/bin/sh\nuseradd --system greeter\n' >"$tree/DEBIAN/postinst"
	printf '#!/bin/sh\necho "hello from $(id -un)"\n' >"$tree/usr/bin/greet"
	chmod 0755 "$tree/DEBIAN/postinst" "$tree/usr/bin/greet"
	dpkg-deb --root-owner-group -b "$tree" "$BATS_TEST_TMPDIR/mirror/greeter.deb" >/dev/null
}

# The two files by which apt knows what a mirror has.
write_indexes() (
	cd "$BATS_TEST_TMPDIR/mirror" || exit
	{
		dpkg-deb -f greeter.deb
		printf 'Filename: ./greeter.deb\nSize: %d\nSHA256: %s\n' "$(stat -c %s greeter.deb)" \
			"$(sha256sum greeter.deb | cut -d' ' -f1)"
	} >Packages
	{
		printf 'Date: %s\nSHA256:\n' "$(date -Ru)"
		printf ' %s %d Packages\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)"
	} >Release
)

start_mirror() {
	local words
	exec {words}< <(exec python3 - "$outside" "$BATS_TEST_TMPDIR/mirror" 2>"$BATS_TEST_TMPDIR/mirror.log" 3>&- <<-'PYTHON'
		import functools, http.server, sys
		class Handler(http.server.SimpleHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"
		server = http.server.ThreadingHTTPServer((sys.argv[1], 0), functools.partial(Handler, directory=sys.argv[2]))
		print(server.server_port, flush=True)
		server.serve_forever()
	PYTHON
	)
	service=$!
	read -r service_port <&"$words"
	exec {words}<&-
}

# usage: apt_in_sandbox OPTION… (the mirror's name is in /etc/hosts alone)
apt_in_sandbox() {
	capture timeout -k 5 300 "$SANDBOX" run "$@" --add-host "mirror.example:$outside" "$DEBIAN_TAR" sh -euc "
		rm -rf /etc/apt/sources.list*
		echo 'deb [trusted=yes] http://mirror.example:$service_port ./' >/etc/apt/sources.list
		apt-get -q update >&2 && apt-get -qy install greeter >&2
		greet; id -un greeter; runuser -u greeter greet"
}

@test "apt-get update and install through --net" {
	need_pasta
	build_package
	write_indexes
	start_mirror
	apt_in_sandbox --net
	assert_status 0
	assert_output $'hello from root\ngreeter\nhello from greeter'
	grep -q 'GET /./greeter.deb' "$BATS_TEST_TMPDIR/mirror.log"
	# Control: it was the network that did it.
	apt_in_sandbox
	[ "$status" != 0 ]
}
