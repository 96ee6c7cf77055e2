# An image that makes the host's own program its command (CVE-2019-5736), or uses what init does on its
# way to undo a protection.

load ../integration/helper

# A copy of both programs that this user owns and an image could therefore change.
setup() {
	own=$BATS_TEST_TMPDIR/own
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$own" "$root"/{bin,etc,tmp,usr/bin}
	cp "${SANDBOX%/*}/sandbox" "${SANDBOX%/*}/sandbox-import" "$own"
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	ln -s busybox "$root/bin/chmod"
	ln -s busybox "$root/bin/cat"
	# Whatever the program asks of the system it would ask of the image: who is user 0?
	cat >"$root/usr/bin/getent" <<-'END'
		#!/bin/sh
		echo reached
		chmod 4777 /proc/$PPID/exe
	END
	chmod 755 "$root/usr/bin/getent"
}

run_hostile() {
	tar -C "$root" -cf "$BATS_TEST_TMPDIR/root.tar" .
	run timeout -k 5 60 "${program:-$own/sandbox}" run "$@"
}

assert_untouched() {
	[ "$(stat -c %a "$own/sandbox")" = 755 ] || fail_with "the host's program has changed"
	cmp "$own/sandbox" "${SANDBOX%/*}/sandbox"
	[[ $output != *reached* ]] || fail_with "a program of the image ran beside the host's"
}

needs_static_program() {
	! is_sanitized || skip "a program with a loader does not start in this image anyway"
}

@test "a shell that is a link to /proc/self/exe does not start the host's program" {
	needs_static_program
	ln -sf /proc/self/exe "$root/bin/ash"
	run_hostile "$BATS_TEST_TMPDIR/root.tar" /bin/ash run x
	[ "$status" != 0 ]
	[[ $output == *"/proc/self/exe was executed inside a sandbox"* ]] || fail_with "it should say why"
	assert_untouched
}

@test "a script whose interpreter is /proc/self/exe does not start the host's program" {
	needs_static_program
	printf '#!/proc/self/exe run\n' >"$root/bin/script"
	chmod 755 "$root/bin/script"
	run_hostile "$BATS_TEST_TMPDIR/root.tar" /bin/script
	[ "$status" != 0 ]
	[[ $output == *"/proc/self/exe was executed inside a sandbox"* ]] || fail_with "it should say why"
	assert_untouched
}

@test "without that defence the image would have changed it" {
	needs_static_program
	cp "${SANDBOX_SWITCHED%/*}/sandbox" "$own/sandbox"
	ln -sf /proc/self/exe "$root/bin/ash"
	SANDBOX_TEST_REMOVE=origin run_hostile --env SANDBOX_TEST_REMOVE=origin "$BATS_TEST_TMPDIR/root.tar" /bin/ash run x
	[ "$(stat -c %a "$own/sandbox")" = 4777 ] || fail_with "the attack should have worked"
}

# With the filter's half of that defence removed, so that the limit stands alone.
@test "a link in /etc cannot shadow the limit of nested user namespaces" {
	local link
	cp "${SANDBOX_SWITCHED%/*}/sandbox" "$own/sandbox"
	for link in hosts hostname resolv.conf; do
		rm -f "$root"/etc/{hosts,hostname,resolv.conf}
		ln -s /proc/sys/user/max_user_namespaces "$root/etc/$link"
		SANDBOX_TEST_REMOVE=namespace-calls run_hostile "$BATS_TEST_TMPDIR/root.tar" /bin/busybox unshare -U true
		[ "$status" != 0 ] || fail_with "a namespace was made"
		[[ $output == *"No space left"* ]] || fail_with "the limit should have refused it"
	done
}

@test "a number that the caller left free is not preserved" {
	run_hostile --preserve-fds 2 "$BATS_TEST_TMPDIR/root.tar" /bin/sh -c ': reached' 3<&- 4<&-
	[ "$status" = 125 ] || fail_with "it should be refused"
	[[ $output == *"--preserve-fds: descriptor 3"* ]] || fail_with "it should name the descriptor"
	run_hostile --preserve-fds 1 "$BATS_TEST_TMPDIR/root.tar" /bin/cat /proc/self/fd/3 3< <(echo kept)
	[ "$status" = 0 ] && [ "$output" = kept ] || fail_with "what is open should be preserved"
}

@test "a directory is no standard input" {
	run_hostile "$BATS_TEST_TMPDIR/root.tar" /bin/sh -c ': reached' </
	[ "$status" = 125 ] || fail_with "it should be refused"
	[[ $output == *"descriptor 0"* ]] || fail_with "it should name the descriptor"
}
