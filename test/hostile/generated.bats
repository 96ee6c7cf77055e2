#!/usr/bin/env bats
# Archives from grammars, seeded: each is accepted and makes the tree that a model of the rules says, or is refused with a
# reason, and then nothing stays; nothing outside changes, and nothing crashes.
#
# SANDBOX_TEST_ARCHIVES=N examines N of each kind; SANDBOX_TEST_SEED chooses others.
# takes long

# shellcheck disable=SC2034,SC2154  # archives.bash gives and takes variables

load ../integration/helper
load archives

setup_file() {
	archives_prepare
	export ARCHIVE_COUNT=${SANDBOX_TEST_ARCHIVES:-120} SEED=${SANDBOX_TEST_SEED:-1}
}

# usage: examine_generated GENERATOR
examine_generated() {
	run python3 "$1" examine "$SEED" 0 "$ARCHIVE_COUNT" "$SANDBOX" "$CANARY"
	echo "# ${lines[-1]}" >&3
	[ "$status" = 0 ] || fail_with "not all became what the model says"
}

@test "archives from a grammar" {
	examine_generated "$archive_tools/grammar.py"
}

@test "images with layers whose descriptions were changed" {
	examine_generated "$PWD/test/hostile/images/mutate.py"
}

@test "the model objects to what it would not do: without asking for the end marker" {
	SANDBOX_TEST_REMOVE=archive-end run python3 "$archive_tools/grammar.py" examine 1 0 100 "$SANDBOX_SWITCHED" "$CANARY"
	[ "$status" = 1 ]
	[[ $output == *'accepted, and should not be'* ]]
}
