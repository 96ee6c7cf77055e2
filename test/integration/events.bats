# sandbox events: what happens to sandboxes, a line each.

load helper

teardown() {
	remove_sandboxes
}

# The names of those that there are, of box alone.
names_of_events() {
	"$SANDBOX" events --since 1h --until 0s --filter name=box "$@" | sed 's/.*"event":"\([a-z]*\)".*/\1/' | tr '\n' ' '
}

fresh() {
	rm -f "$XDG_RUNTIME_DIR"/sandbox/events*
}

@test "the life of a sandbox, in order" {
	fresh
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6301
	"$SANDBOX" exec box true
	"$SANDBOX" exec -d box true
	sandbox exec box no-such-command
	assert_status 127
	"$SANDBOX" kill --signal WINCH box
	"$SANDBOX" stop --time 0 box
	"$SANDBOX" rm box
	[ "$(names_of_events)" = 'create start exec exec kill die stop rm ' ] || fail_with "these were: $(names_of_events)"
	run_busybox -d --rm --name box -- sh -c 'exit 3'
	wait_until gone_of_itself
	sandbox events --since 1h --until 0s --filter event=die
	[ "$(tail -n 1 <<<"$output" | python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["exit_status"], e["cause"], e["name"])')" = \
		'3 exit box' ]
}

gone_of_itself() {
	[[ $(names_of_events) = *'create start die rm ' ]]
}

@test "an exec is told of before its command has ended" {
	fresh
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6302
	"$SANDBOX" exec box sleep 6303 3>&- &
	told() {
		[[ $(names_of_events) = *exec* ]]
	}
	wait_until told
	wait_until pgrep -u "$(id -u)" -f '^sleep 6303'
	kill $!
	wait $! || true
}

@test "who follows sees what is to come, and only that" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6304
	"$SANDBOX" events --filter event=die --filter event=rm --filter event=start >"$BATS_TEST_TMPDIR/seen" 3>&- &
	following=$!
	wait_until sh -c "grep -q inotify /proc/$following/fdinfo/*"
	"$SANDBOX" rm -f box
	seen() {
		[ "$(wc -l <"$BATS_TEST_TMPDIR/seen")" = 2 ]
	}
	wait_until seen
	kill "$following"
	wait "$following" || true
	[ "$(sed 's/.*"event":"\([a-z]*\)".*/\1/' "$BATS_TEST_TMPDIR/seen")" = $'die\nrm' ]
}

# As many as fill it: each line is valid, none is lost in the middle, and the size stays what it was said to be.
@test "the file is bounded, and lines of many writers do not mix" {
	local i line
	fresh
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6305
	line=$("$SANDBOX" events --since 1h --until 0s | head -n 1)
	yes "$line" | head -c 1048000 | sed '$d' >"$BATS_TEST_TMPDIR/events"
	cp "$BATS_TEST_TMPDIR/events" "$XDG_RUNTIME_DIR/sandbox/events"
	for ((i = 0; i < 40; i++)); do
		"$SANDBOX" kill --signal WINCH box >/dev/null 3>&- &
	done
	wait
	[ -s "$XDG_RUNTIME_DIR/sandbox/events.1" ]
	[ "$(cat "$XDG_RUNTIME_DIR"/sandbox/events* | wc -c)" -lt 1100000 ]
	[ "$(names_of_events --filter event=kill | wc -w)" = 40 ]
	"$SANDBOX" events --since 1h --until 0s | tail -n 50 | python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]'
}

@test "what cannot be meant is an error; a line that is none of ours is passed over" {
	sandbox events --since yesterday
	assert_error 'not a time'
	sandbox events --filter event=party
	assert_error 'create start'
	fresh
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6306
	printf 'no JSON\n{"time": 7}\n' >>"$XDG_RUNTIME_DIR/sandbox/events"
	"$SANDBOX" kill --signal WINCH box
	[ "$(names_of_events)" = 'create start kill ' ]
}

# A limit on files cuts a line just as a full disk does.
@test "half a line costs that one alone" {
	local file=$XDG_RUNTIME_DIR/sandbox/events size
	fresh
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6308
	wait_until eval '[ "$(names_of_events)" = "create start " ]'
	size=$(stat -c %s "$file")
	yes '' | head -c $((8 * 1024 - 20 - size)) >>"$file"
	(
		ulimit -f 8
		"$SANDBOX" kill --signal WINCH box
	)
	[ "$(stat -c %s "$file")" = 8192 ]
	[ -n "$(tail -c 1 "$file")" ]
	"$SANDBOX" kill --signal WINCH box
	[ "$(names_of_events)" = 'create start kill ' ] || fail_with "these were: $(names_of_events)"
	"$SANDBOX" kill --signal WINCH box
	[ "$(names_of_events)" = 'create start kill kill ' ]
	refute grep -q '^$' <(tail -n 2 "$file")
}

@test "stop and kill --all: all that run, and nothing else" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6307
	"$SANDBOX" run -d --name other "$BUSYBOX_TAR" sleep 6307
	"$SANDBOX" run -d --name ended "$BUSYBOX_TAR" true
	"$SANDBOX" wait ended
	sandbox kill --all --signal WINCH
	assert_success
	[ "$(sort <<<"$output")" = $'box\nother' ]
	sandbox stop --all box
	assert_error 'or --all'
	sandbox stop
	assert_error 'or --all'
	sandbox stop --all --time 0
	assert_success
	[ "$(sort <<<"$output")" = $'box\nother' ]
	sandbox ps -q
	assert_success ''
}

@test "logs --since and --until" {
	# Not by exec, which could end with the sandbox.
	"$SANDBOX" run -d --name box -v "$BATS_TEST_TMPDIR:/lent" "$BUSYBOX_TAR" \
		sh -c 'echo first; while [ ! -e /lent/go ]; do sleep 0.05; done; echo second'
	logged() {
		"$SANDBOX" logs box | grep -q first
	}
	wait_until logged
	middle=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	touch "$BATS_TEST_TMPDIR/go"
	"$SANDBOX" wait box
	sandbox logs --since "$middle" box
	assert_success second
	sandbox logs --until "$middle" box
	assert_success first
	sandbox logs --since 1h box
	assert_success $'first\nsecond'
}
