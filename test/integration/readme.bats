# What README.md shows of sandboxes that stay, done line by line.

# shellcheck disable=SC2034,SC2154  # helper.bash sets status, output and stderr
load helper

# A mirror in the image itself: the lines of the README need no other machine.
make_image() (
	cd "$BATS_FILE_TMPDIR" || exit 1
	mkdir -p package/DEBIAN package/usr/bin tree/mirror tree/etc/apt
	printf 'Package: hello\nVersion: 1.0\nArchitecture: all\nMaintainer: test <test@example.org>\nDescription: test\n' \
		>package/DEBIAN/control
	printf '#!/bin/sh\necho "Hello, world!"\n' >package/usr/bin/hello
	chmod 0755 package/usr/bin/hello
	dpkg-deb --root-owner-group -b package tree/mirror/hello.deb >/dev/null
	{
		dpkg-deb -f tree/mirror/hello.deb
		printf 'Filename: ./hello.deb\nSize: %d\nSHA256: %s\n' "$(stat -c %s tree/mirror/hello.deb)" \
			"$(sha256sum tree/mirror/hello.deb | cut -d ' ' -f 1)"
	} >tree/mirror/Packages
	echo 'deb [trusted=yes] file:/mirror ./' >tree/etc/apt/sources.list
	cp "$DEBIAN_TAR" work/debian.tar
	tar --delete -f work/debian.tar ./etc/apt/sources.list
	tar -rf work/debian.tar --owner=0 --group=0 -C tree ./mirror ./etc/apt/sources.list
)

setup_file() {
	private_folders
	mkdir "$BATS_FILE_TMPDIR/work" "$BATS_FILE_TMPDIR/bin"
	ln -s "$SANDBOX" "$BATS_FILE_TMPDIR/bin/sandbox"
	make_image
}

# The indented lines of a section.
lines_of() {
	sed -n "/^## $1\$/,/^## /s/^    //p" "$checkout/README.md"
}

# Ids differ each time.
normal() {
	sed -E 's/\b[0-9a-f]{12}\b/ID/g'
}

# Types lines into a command on a terminal, each at the prompt before it, until it ends; its status.
# usage: typing LINE... -- COMMAND
typing() {
	timeout 60 python3 - "$@" 3>&- <<-'PYTHON'
		import os, pty, sys
		arguments = sys.argv[1:]
		lines, command = arguments[:arguments.index("--")], arguments[-1]
		child, terminal = pty.fork()
		if child == 0:
		    os.execvp("bash", ["bash", "-c", command])
		said = b""
		while True:
		    try:
		        data = os.read(terminal, 4096)
		    except OSError:
		        break
		    sys.stderr.write(data.decode(errors="replace"))
		    said += data
		    if lines and said.endswith(b"# "):
		        os.write(terminal, lines.pop(0).encode() + b"\n")
		        said = b""
		status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
		sys.exit(99 if lines else status)
	PYTHON
}

# Does one command of the README with the lines that follow it there.
do_step() {
	local command=$1 expected='' typed=() line
	shift
	for line; do
		case $line in
		root@*'# '*) typed+=("${line#*# }") ;;
		*) expected+=$line$'\n' ;;
		esac
	done
	status=0 output='' stderr=''
	if [ ${#typed[@]} != 0 ]; then
		typing "${typed[@]}" -- "$command" 2>"$BATS_TEST_TMPDIR/said" || status=$?
	else
		output=$(timeout 120 bash -c "$command" 2>"$BATS_TEST_TMPDIR/said" </dev/null 3>&-) || status=$?
	fi
	stderr=$(<"$BATS_TEST_TMPDIR/said")
	[ "$status" = 0 ] || fail_with "$command"
	[ "$(normal <<<"$output")" = "$(normal <<<"${expected%$'\n'}")" ] || fail_with "$command should print: $expected"
}

# Does all commands of a section, in their order.
do_section() {
	local line command='' following=() count=0
	while IFS= read -r line; do
		if [[ $line == '$ '* ]]; then
			[ -z "$command" ] || do_step "$command" "${following[@]}"
			command=${line#\$ } following=() count=$((count + 1))
			# Not every machine lets a sandbox out, and these lines need no other machine.
			pasta_works || command=${command/ --net / }
		else
			following+=("$line")
		fi
	done < <(lines_of "$1")
	do_step "$command" "${following[@]}"
	[ "$count" -gt 10 ]
}

@test "a box to work in" {
	local checkout=$PWD word
	cd "$BATS_FILE_TMPDIR/work"
	PATH=$BATS_FILE_TMPDIR/bin:$PATH do_section 'A box to work in'
	# All of a box's life is shown.
	for word in create start 'exec -it' cp 'logs -f' stop diff commit export rm 'run -d' wait; do
		lines_of 'A box to work in' | grep -q "sandbox $word " || fail_with "README.md shows no \"sandbox $word\""
	done
	sandbox ps -aq
	assert_success ''
}
