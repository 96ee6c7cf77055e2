#!/usr/bin/env bats
# What is said while an archive is read, and when nothing is. The archives come through a FIFO, whose other end waits for
# what the test wants to see.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkfifo archive
	mkdir tree
}

# Writes FILE to the FIFO in pieces of 1 KiB, slowly until COMMAND [ARG…] succeeds and then at once.
# usage: drip FILE COMMAND [ARG…]
drip() {
	local file=$1 i
	shift
	{
		for ((i = 0; i < 600; i++)); do
			! "$@" || break
			dd bs=1024 count=1 status=none
			sleep 0.1
		done
		cat
	} <"$file" >archive
}

small_files() {
	local i
	for ((i = 0; i < 1000; i++)); do
		echo "$i" >"tree/$i"
	done
	tar -C tree -cf tree.tar .
}

one_large_file() {
	truncate -s 2M tree/large
	tar -C tree -cf tree.tar .
}

# usage: import_dripping CONDITION, for standard error in a file
import_dripping() {
	drip tree.tar "$@" 3>&- &
	capture_in said "$SANDBOX" import --userns=single - <archive
	wait $!
}

# As capture, with standard error in a file that can be looked at meanwhile.
capture_in() {
	local file=$1
	shift
	status=0
	output=$("$@" 2>"$file" 3>&-) || status=$?
	stderr=$(<"$file")
}

has() {
	grep -qsE "$1" "$2"
}

# usage: on_a_terminal CONDITION…: the same with a terminal, whose text is in `typescript`.
on_a_terminal() {
	drip tree.tar "$@" 3>&- &
	TERM=xterm script -qefc "stty cols 100; exec '$SANDBOX' import --userns=single - <archive" typescript \
		</dev/null >/dev/null 3>&-
	wait $!
}

@test "a terminal shows how far an import is, and is clean afterwards" {
	small_files
	on_a_terminal has 'importing -: .*[2-9][0-9]* entries, .*/s' typescript
	# What is printed afterwards begins on an empty line.
	tr -d '\r' <typescript | grep -q $'\e\\[Ksha256:'
}

@test "one large file moves it as well" {
	one_large_file
	on_a_terminal has 'importing -: [1-9][0-9.]* KiB.*importing -: [1-9][0-9.]* KiB' typescript
}

@test "elsewhere there is a plain line now and then" {
	small_files
	import_dripping has '^sandbox: importing -: .*entries' said
	assert_status 0
	[[ $output == sha256:* ]] || fail_with "there should be a digest"
	[[ $stderr != *$'\r'* && $stderr != *$'\e'* ]] || fail_with "a log needs no control sequences"
}

long_enough() {
	((++asked > 40))
}

@test "--quiet says nothing, on a terminal and elsewhere" {
	local asked=0
	small_files
	drip tree.tar long_enough 3>&- &
	capture_in said "$SANDBOX" -q import --userns=single - <archive
	wait $!
	assert_status 0
	# assert_stderr_empty overlooks just what this is about.
	[ -z "$stderr" ] || fail_with '--quiet should say nothing'
	drip tree.tar long_enough 3>&- &
	TERM=xterm script -qefc "exec '$SANDBOX' -q import --userns=single - <archive" typescript </dev/null >/dev/null 3>&-
	wait $!
	has sha256: typescript
	run ! has importing typescript
}

@test "a short import says nothing" {
	echo hello >tree/file
	tar -C tree -cf tree.tar .
	sandbox import --userns=single tree.tar
	assert_success
	[[ $output == sha256:* ]] || fail_with "there should be a digest"
}

# The lock that an import of the file holds (store.h).
lock_of() {
	printf '%s/sandbox/staging/%x-%x.lock' "$XDG_CACHE_HOME" "0x$(stat -c %D "$1")" "$(stat -c %i "$1")"
}

@test "who waits for another's import says so" {
	local lock pid
	echo hello >tree/file
	tar -C tree -cf tree.tar .
	sandbox images
	lock=$(lock_of tree.tar)
	mkdir -p "${lock%/*}"
	exec 8>"$lock"
	flock 8
	"$SANDBOX" import --userns=single tree.tar >digest 2>said 3>&- 8>&- &
	pid=$!
	wait_until has '^sandbox: waiting for another process' said
	[ ! -s digest ]
	exec 8>&-
	wait "$pid"
	has ^sha256: digest
}
