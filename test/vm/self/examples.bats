# Every way in which a test can end, for lean.bats. Run by nothing else.

# shellcheck disable=SC2030,SC2031,SC2154,SC2314,SC2317  # run sets status; what comes after a failure is there to be left out

bats_require_minimum_version 1.5.0

load examples

setup_file() {
	export FROM_SETUP=once
}

setup() {
	echo 'set up'
}

teardown() {
	# This does not count.
	false
	[ "${BAD_TEARDOWN:-}" != leaves ] || exit 0
	[ -z "${BAD_TEARDOWN:-}" ]
}

teardown_file() {
	false
	true
}

fails_below() {
	false
}

@test "passes, with \"quotes\", a \$ and a # in its title" {
	[ "$FROM_SETUP" = once ]
	[ "$LOADED" = yes ]
	[ -d "$BATS_TEST_TMPDIR" ]
	[ -d "$BATS_FILE_TMPDIR" ]
	[ "$BATS_TEST_DIRNAME" = "$PWD/test/vm/self" ]
	! false
	false || true
	run false
	[ "$status" = 1 ]
	run ! false
	run echo said
	[ "$output" = said ]
	run -127 no-such-command
	run --separate-stderr sh -c 'echo one; echo two; echo apart >&2'
	[ "$output" = $'one\ntwo' ]
	[ "${lines[1]}" = two ]
	[ "$stderr" = apart ]
	run printf '\n\none\n\ntwo\n'
	[ "${#lines[@]}" = 2 ]
	run true
	[ "${#lines[@]}" = 0 ]
	echo "# measured: something" >&3
}

@test 'fails in the middle' {
	fails_below
	true
}

@test "fails with its last command" {
	false || false
}

@test "fails in a substitution" {
	local text
	text=$(false)
	echo "$text"
}

@test "does not count a failure that is looked at" {
	[ -z "$(fails_below)" ]
	if fails_below; then
		exit 1
	fi
}

@test "skips, and says why" {
	skip 'for a reason'
	false
}

@test "fails when its teardown does" {
	BAD_TEARDOWN=1
}

@test "fails when its teardown leaves early" {
	BAD_TEARDOWN=leaves
}

@test "fails when what should fail does not" {
	run ! true
}

@test "fails when what should fail so fails otherwise" {
	run -3 false
}

@test "fails when it leaves early" {
	exit 0
}

@test "goes on in surroundings that none before has changed" {
	[ -z "${BAD_TEARDOWN:-}" ]
	[ "$(pwd)" = "$(realpath .)" ]
}
