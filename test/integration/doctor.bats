# sandbox doctor on a machine that lacks nothing. What it says of others: test/worlds and test/vm.
# runs alone

# shellcheck disable=SC2154  # bats sets stderr
load helper

# "CHECK STATE" of each check in $output, JSON.
states() {
	python3 -c 'import json, sys
for check in json.load(sys.stdin)["checks"]: print(check["check"], check["state"], sep=": ")' <<<"$output"
}

@test "all that a run needs is there, and a line says so" {
	sandbox doctor
	assert_status 0
	assert_stderr_empty
	assert_output_has 'Sandboxes work here'
	assert_output_lacks untested
	[[ $output =~ 'id map'\ +ok.*0\ $(id -u)\ 1,\ 1\  ]] || fail_with 'the id map is not shown'
}

@test "--json says the same" {
	sandbox doctor --json
	assert_status 0
	[ "$(states | grep -c .)" -ge 23 ] || fail_with 'there should be twenty-three checks at least'
	[ "$(states | sed -n '1,/^a whole run/p' | grep -cv ': ok$')" = 0 ] || tmpfs_holds_layers ||
		[ "$(states | sed -n '1,/^a whole run/p' | grep -v ': ok$')" = 'overlay in memory: degraded' ]
	python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["works"] is not True)' <<<"$output"
}

@test "it takes no operands, and other options are errors" {
	sandbox doctor something
	assert_status 125
	sandbox doctor --no-such-option
	assert_status 125
	assert_stderr_has 'sandbox doctor --help'
}

@test "nothing is left behind" {
	"$SANDBOX" doctor
	before=$(settled_snapshot)
	"$SANDBOX" doctor
	assert_no_leftovers "$before"
}

@test "killed in the middle, it leaves nothing that the next command does not clear away" {
	"$SANDBOX" doctor
	"$SANDBOX" images
	before=$(settled_snapshot)
	capture env SANDBOX_TEST_KILL_AT=staging-made "$SANDBOX_SWITCHED" doctor
	assert_output_has 'its process was killed'
	capture timeout 5 env SANDBOX_TEST_STOP_AT=staging-tree-removed "$SANDBOX_SWITCHED" doctor
	[ "$status" = 124 ] || fail_with 'it should have waited to be killed'
	"$SANDBOX" images
	assert_no_leftovers "$before"
}

@test "interrupted, it removes what it made" {
	before=$(settled_snapshot)
	SANDBOX_TEST_STOP_AT=launch.cloned "$SANDBOX_SWITCHED" doctor >/dev/null 2>&1 3>&- &
	doctor=$!
	wait_until stopped_child "$doctor"
	[ -n "$(ls "$XDG_CACHE_HOME/sandbox/staging")" ]
	kill -TERM "$doctor"
	wait "$doctor" || ended=$?
	[ "$ended" = 143 ]
	[ -z "$(ls "$XDG_CACHE_HOME/sandbox/staging")" ]
	assert_no_leftovers "$before"
}

# A process below this one has stopped itself.
stopped_child() {
	local child
	for child in $(pgrep -P "$1"); do
		! grep -q '^State:.T' "/proc/$child/status" || return 0
	done
	return 1
}

@test "the store can be elsewhere" {
	sandbox --root "$BATS_TEST_TMPDIR/elsewhere" doctor
	assert_status 0
	assert_output_has "$BATS_TEST_TMPDIR/elsewhere"
	chmod -R u+rwX "$BATS_TEST_TMPDIR/elsewhere"
}

@test "a store where nothing can be written is missing, and what needs it is not tested" {
	sandbox --root /proc/none doctor --json
	assert_status 1
	states | grep -qx 'image store: missing'
	states | grep -qx 'sandbox-import: untested'
	states | grep -qx 'user namespaces: ok'
	assert_output_has E_HOME_UNUSABLE
}

@test "without sandbox-import that is what is missing" {
	cp "$SANDBOX" "$BATS_TEST_TMPDIR/sandbox"
	capture "$BATS_TEST_TMPDIR/sandbox" doctor
	assert_status 1
	[[ $output =~ sandbox-import\ +missing ]] || fail_with 'it should be missing'
	assert_output_has E_IMPORTER_MISSING
}

@test "under no_new_privs the id map is missing, and runs have a single id" {
	capture setpriv --no-new-privs "$SANDBOX" doctor
	assert_status 1
	[[ $output =~ 'id map'\ +missing ]] || fail_with 'it should be missing'
	[[ $output =~ 'a whole run'\ +ok ]] || fail_with 'runs work all the same'
	assert_output_has E_NNP
}

@test "too few descriptors are named as the cause" {
	capture bash -c 'ulimit -n 24; exec "$0" doctor' "$SANDBOX"
	assert_status 1
	assert_output_has 'ulimit -n'
}
