# Pipes and redirections carry the same bytes in both directions.

# shellcheck disable=SC2154  # bats sets stderr
load helper

setup_file() {
	private_folders
	head -c 67108864 /dev/urandom >"$BATS_FILE_TMPDIR/random"
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

hash_of() {
	sha256sum | cut -d ' ' -f 1
}

@test "64 MiB through a pipe, in and out, unchanged" {
	local expected actual
	expected=$(hash_of <"$BATS_FILE_TMPDIR/random")
	# shellcheck disable=SC2002
	actual=$(cat "$BATS_FILE_TMPDIR/random" | "$SANDBOX" run "$BUSYBOX_TAR" cat | hash_of)
	[ "$actual" = "$expected" ]
}

@test "64 MiB from a file to a file, unchanged" {
	"$SANDBOX" run "$BUSYBOX_TAR" cat <"$BATS_FILE_TMPDIR/random" >"$BATS_FILE_TMPDIR/copy"
	cmp "$BATS_FILE_TMPDIR/random" "$BATS_FILE_TMPDIR/copy"
}

@test "standard output and standard error stay apart" {
	run_busybox -- sh -c 'echo out; echo err >&2'
	assert_status 0
	assert_output out
	assert_stderr err
}

@test "standard output may be appended to and shared" {
	echo first >"$BATS_TEST_TMPDIR/log"
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c 'echo second; echo third >&2' >>"$BATS_TEST_TMPDIR/log" 2>&1
	[ "$(cat "$BATS_TEST_TMPDIR/log")" = $'first\nsecond\nthird' ]
}

# Behind /proc/self/fd/1 is the file itself, and root inside is the user who owns it.
# shellcheck disable=SC2016  # the sandbox's shell expands it
take_the_log='exec 3>&1 >&2; own=/proc/$$/fd/3; timeout 1 cat $own; chmod 4777 $own; : >$own; echo mine >&3; readlink $own | grep -o ^pipe:'

@test "a file as standard output is neither read, nor cut off, nor given another mode" {
	local log=$BATS_TEST_TMPDIR/log init
	for init in true false; do
		echo whole >"$log"
		chmod 0640 "$log"
		capture timeout 60 sh -c '"$@" </dev/null >>"$0"' "$log" "$SANDBOX" run "--init=$init" "$BUSYBOX_TAR" \
			sh -c "$take_the_log"
		[[ $stderr == *pipe: && $stderr != *whole* ]] || fail_with "the command should have a pipe"
		[ "$(<"$log")" = $'whole\nmine' ]
		[ "$(stat -c %a "$log")" = 640 ]
	done
	SANDBOX_TEST_REMOVE=output "$SANDBOX_SWITCHED" run "$BUSYBOX_TAR" sh -c "$take_the_log" >>"$log" 2>"$log.err" || true
	[ "$(head -n 1 "$log.err")" = whole ]
	[ "$(<"$log")" = mine ]
	[ "$(stat -c %a "$log")" != 640 ]
}

@test "output and error that are one file keep their order, and those that are two stay apart" {
	local log=$BATS_TEST_TMPDIR/log
	for _ in 1 2 3; do
		"$SANDBOX" run "$BUSYBOX_TAR" sh -c 'for i in 1 2 3 4 5; do echo $i; echo $i >&2; done' >"$log" 2>&1
		[ "$(paste -sd ' ' "$log")" = '1 1 2 2 3 3 4 4 5 5' ]
	done
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c 'for i in 1 2 3; do echo $i; echo e$i >&2; done' >"$log" 2>"$log.err"
	[ "$(paste -sd ' ' "$log")" = '1 2 3' ]
	[ "$(paste -sd ' ' "$log.err")" = 'e1 e2 e3' ]
}

@test "a file is written to from where it stands, and others go on after it" {
	{
		echo before
		"$SANDBOX" run "$BUSYBOX_TAR" echo inside
		echo after
	} >"$BATS_TEST_TMPDIR/file"
	[ "$(<"$BATS_TEST_TMPDIR/file")" = $'before\ninside\nafter' ]
}

@test "another user than root may open /dev/stdout, too" {
	"$SANDBOX" run -u nobody "$BUSYBOX_TAR" sh -c 'echo here >/dev/stdout' >"$BATS_TEST_TMPDIR/file"
	[ "$(<"$BATS_TEST_TMPDIR/file")" = here ]
}

@test "what a command leaves in its pipe at its end, or when it is killed, is still written" {
	"$SANDBOX" run "$BUSYBOX_TAR" head -c 65536 /dev/zero >"$BATS_TEST_TMPDIR/file"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/file")" = 65536 ]
	capture "$SANDBOX" run --timeout 1s "$BUSYBOX_TAR" sh -c 'echo here; sleep 60'
	assert_status 124
	assert_output here
}

@test "a file that takes no more ends the command, and is an error" {
	capture sh -c 'ulimit -f 64; exec "$@" >"$0"' "$BATS_TEST_TMPDIR/file" "$SANDBOX" run "$BUSYBOX_TAR" yes
	assert_status 125
	assert_stderr_has 'write what the command wrote to standard output: File too large'
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/file")" = 65536 ] || [ "$(stat -c %s "$BATS_TEST_TMPDIR/file")" = 32768 ]
}

@test "an empty standard input is an end of file at once" {
	run_busybox -- sh -c 'wc -c'
	assert_success 0
}

@test "a reader that goes away ends the payload with SIGPIPE" {
	local statuses
	set +e
	"$SANDBOX" run "$BUSYBOX_TAR" yes | head -n 1 >/dev/null
	statuses=("${PIPESTATUS[@]}")
	set -e
	[ "${statuses[0]}" = 141 ]
}

@test "what is not a terminal outside is none inside" {
	run_busybox -- sh -c 'test -t 0 || test -t 1 || test -t 2 || echo none'
	assert_success none
}

@test "arguments arrive unchanged" {
	run_busybox -- sh -c 'for a; do printf "[%s]" "$a"; done' sh '' 'a b' $'new\nline' '*' -- --rm 'größe'
	assert_success $'[][a b][new\nline][*][--][--rm][größe]'
}

# Behind /proc/self/fd/0 is the file itself, and root inside is the user who owns it.
write_to_input='cat && echo changed >>/proc/self/fd/0'

@test "a file as standard input cannot be written through it" {
	local init
	for init in true false; do
		echo whole >"$BATS_TEST_TMPDIR/file"
		capture "$SANDBOX" run "--init=$init" "$BUSYBOX_TAR" sh -c "$write_to_input" <"$BATS_TEST_TMPDIR/file"
		assert_status 1
		assert_output whole
		assert_stderr_has 'Read-only file system'
		[ "$(<"$BATS_TEST_TMPDIR/file")" = whole ]
	done
	SANDBOX_TEST_REMOVE=input "$SANDBOX_SWITCHED" run "$BUSYBOX_TAR" sh -c "$write_to_input" <"$BATS_TEST_TMPDIR/file"
	[ "$(<"$BATS_TEST_TMPDIR/file")" = $'whole\nchanged' ]
}

@test "a file as standard input is read from where it stands, and left where reading ended" {
	printf '%s\n' one two three >"$BATS_TEST_TMPDIR/file"
	{
		read -r first
		second=$("$SANDBOX" run "$BUSYBOX_TAR" dd bs=4 count=1 2>/dev/null)
		third=$(cat)
	} <"$BATS_TEST_TMPDIR/file"
	[ "$first $second $third" = 'one two three' ]
}

@test "other kinds of standard input: here-documents, /proc, a file that its owner may not open" {
	capture "$SANDBOX" run "$BUSYBOX_TAR" cat <<<'a document'
	assert_success 'a document'
	capture "$SANDBOX" run "$BUSYBOX_TAR" cat </proc/sys/kernel/ostype
	assert_success Linux
	echo closed >"$BATS_TEST_TMPDIR/file"
	exec 8<"$BATS_TEST_TMPDIR/file"
	chmod 0 "$BATS_TEST_TMPDIR/file"
	capture "$SANDBOX" run "$BUSYBOX_TAR" sh -c "$write_to_input" <&8
	assert_status 1
	assert_output closed
}
