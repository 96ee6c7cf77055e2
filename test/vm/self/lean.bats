# What runs bats files in guests (test/scripts/bats-lean) says of each test what bats itself says.

# shellcheck disable=SC2016,SC2030,SC2031  # every test is a subshell

bats_require_minimum_version 1.5.0

# The results alone: how a failure is explained differs.
results() {
	grep -E '^(1\.\.|ok |not ok |# measured)' <<<"$output"
}

@test "every end of a test is the one that bats sees" {
	local expected
	run bats --tap test/vm/self/examples.bats
	[ "$status" = 1 ]
	expected=$(results)
	[ "$(grep -c '^not ok' <<<"$expected")" = 8 ]
	run test/scripts/bats-lean test/vm/self/examples.bats
	[ "$status" = 1 ]
	diff <(echo "$expected") <(results)
	# Where it failed, and what was said before.
	[[ $output == *"fails_below, examples.bats, line 30"* ]]
	[[ $output == *"# set up"* ]]
}

# usage: file TEXT…
assert_file_fails() {
	printf '%s\n' "$@" '@''test "a test" {' true '}' >"$BATS_TEST_TMPDIR/file.bats"
	run test/scripts/bats-lean "$BATS_TEST_TMPDIR/file.bats"
	[ "$status" = 1 ]
	[[ $output == *"not ok 1 "* ]]
}

@test "a file that cannot be read, set up or taken down has failed" {
	assert_file_fails 'no-such-command'
	assert_file_fails 'setup_file() { false; }'
	assert_file_fails 'teardown_file() { false; }'
	assert_file_fails 'teardown_file() { exit 0; }'
	# A shape that it does not know.
	assert_file_fails '@''test "in one line" { true; }'
	run test/scripts/bats-lean "$BATS_TEST_TMPDIR/no-such-file.bats"
	[ "$status" != 0 ]
}

@test "a test that is killed is one that failed, and the others run" {
	printf '%s\n' '@''test "dies" {' 'kill -KILL $BASHPID' '}' '@''test "lives" {' true '}' >"$BATS_TEST_TMPDIR/file.bats"
	run test/scripts/bats-lean "$BATS_TEST_TMPDIR/file.bats"
	[ "$status" = 1 ]
	[[ $output == *"not ok 1 dies"*"ok 2 lives"* ]]
}
