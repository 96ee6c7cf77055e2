# World "rebooted": test/vm/guest/before-reboot made sandboxes, and the machine went down under them. These tests follow
# each other.

load works

folder=$HOME/.local/state/sandbox

states() {
	"$SANDBOX" ps -a --format '{{.Names}} {{.Status}}' | sed -E 's/^ /nameless /; s/\) .*/)/' | sort
}

# Before the first command of this boot.
@test "the machine was booted again, and nothing of what lived is there" {
	[ "$(<~/boot)" != "$(</proc/sys/kernel/random/boot_id)" ]
	[ ! -e "$XDG_RUNTIME_DIR/sandbox" ]
	[ -z "$(pgrep -u "$(id -u)" sandbox)" ]
	# This is what it has to recognise.
	[ "$(find "$folder/sandboxes" -name exit.json | wc -l)" = 1 ]
	[ "$(find "$folder/sandboxes" -name record.json | wc -l)" = 6 ]
}

@test "those that ran have exited, as if they were killed; what else there was is as it was" {
	sandbox ps -q
	assert_success ''
	[ "$(states)" = $'ended Exited (7)\nkept Exited (137)\nlimited Exited (137)\nmade Created\nnameless Exited (137)' ] ||
		fail_with "$(states)"
	sandbox wait kept limited ended "$(<~/nameless)"
	assert_success $'137\n137\n7\n137'
	sandbox stop kept
	assert_success kept
}

@test "what one has written to its log is there" {
	sandbox logs "$(<~/nameless)"
	assert_success 'some output'
}

@test "nothing can be asked of what ran" {
	sandbox exec kept true
	assert_error E_SANDBOX_STATE
	sandbox kill kept
	assert_error E_SANDBOX_STATE
	sandbox start "$(<~/nameless)"
	assert_error E_SANDBOX_STATE
	sandbox exec passing true
	assert_error E_SANDBOX_UNKNOWN
}

@test "kept ones start again, on what they have written" {
	local name
	for name in kept limited made; do
		sandbox start "$name"
		assert_success
	done
	for name in kept limited; do
		wait_until eval '[ "$("$SANDBOX" logs '$name')" = $'"'1\n2'"' ]'
		sandbox exec "$name" true
		assert_success ''
	done
	[ "$("$SANDBOX" ps -q | wc -l)" = 2 ]
}

@test "a limit is one again" {
	sandbox exec limited cat /sys/fs/cgroup/memory.max
	assert_success 67108864
}

@test "the layer of one that was for its run alone is swept" {
	run_busybox -- true
	assert_success ''
	[ -z "$(unshare --map-auto --map-root-user find "$folder/ephemeral" -name written-inside)" ]
}

@test "the name of one that was to leave nothing is free" {
	run_busybox -d --rm --name passing -- sleep 6902
	assert_success
}

@test "all are removed, and then nothing is left" {
	sandbox rm -f --all
	assert_status 0
	sandbox ps -aq
	assert_success ''
	[ -z "$(find "$folder/sandboxes" "$folder/ephemeral" "$XDG_RUNTIME_DIR/sandbox/control" -mindepth 1)" ]
	[ -z "$(pgrep -u "$(id -u)" -f '^sleep 690')" ]
}
