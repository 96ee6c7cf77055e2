# Many commands at once on the same few sandboxes: no crash, nothing half done, and every error a sentence.
# SANDBOX_CLIENTS_SECONDS is for how long (default 6); SANDBOX_CLIENTS for how many (8).
# runs alone

load helper

seconds=${SANDBOX_CLIENTS_SECONDS:-6}
clients=${SANDBOX_CLIENTS:-8}
names=(one two three four five)

teardown() {
	remove_sandboxes
}

# One command at random, on one name at random.
random_command() {
	local name=${names[RANDOM % ${#names[@]}]}
	case $((RANDOM % 16)) in
	0 | 1 | 2) set -- run -d --name "$name" "$BUSYBOX_TAR" sleep 6501 ;;
	3) set -- run -d --rm --name "$name" "$BUSYBOX_TAR" sh -c 'echo text; sleep 0.1' ;;
	4) set -- stop --time 0 "$name" ;;
	5) set -- rm -f "$name" ;;
	6) set -- rm "$name" ;;
	7) set -- start "$name" ;;
	8) set -- exec "$name" true ;;
	9) set -- exec -d "$name" sleep 6502 ;;
	10) set -- logs "$name" ;;
	11) set -- ps -a --no-trunc ;;
	12) set -- top "$name" ;;
	13) set -- rename "$name" "${names[RANDOM % ${#names[@]}]}" ;;
	14) set -- kill --signal WINCH "$name" ;;
	15) set -- restart --time 0 "$name" ;;
	esac
	words=("$@")
}

# Until the time is over: each result that is none of those that a command may have is kept.
client() {
	local end=$((SECONDS + seconds)) status said
	RANDOM=$1
	while [ "$SECONDS" -lt "$end" ]; do
		random_command
		status=0
		said=$(timeout -k 5 60 "$SANDBOX" "${words[@]}" 2>&1 >/dev/null) || status=$?
		if [ "$status" != 0 ] && [ "$status" != 125 ] && [ "$status" != 137 ] && [ "$status" != 143 ]; then
			echo "status $status: ${words[*]}: $said" >>"$BATS_TEST_TMPDIR/complaints"
		elif [ "$status" = 125 ] && [[ $said != 'sandbox: '*' '* ]]; then
			echo "no sentence: ${words[*]}: $said" >>"$BATS_TEST_TMPDIR/complaints"
		fi
		printf '%s\n' "$status ${said%%$'\n'*}" >>"$BATS_TEST_TMPDIR/said.$1"
	done
}

@test "many clients, five names" {
	local i pids=()
	"$SANDBOX" run "$BUSYBOX_TAR" true
	for ((i = 1; i <= clients; i++)); do
		client "$i" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	cat "$BATS_TEST_TMPDIR"/said.* | sed 's/"[^"]*"/NAME/; s/[0-9a-f]\{12\}/ID/' | sort | uniq -c | sort -rn | head -n 20
	echo "# measured: $(cat "$BATS_TEST_TMPDIR"/said.* | wc -l) commands of $clients clients in $seconds s, by their exit status:" \
		"$(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR"/said.* | sort | uniq -c | sort -rn | awk '{ printf "%s%d ended with %d", (NR > 1 ? ", " : ""), $1, $2 }')" >&3
	[ ! -e "$BATS_TEST_TMPDIR/complaints" ] || fail_with "$(<"$BATS_TEST_TMPDIR/complaints")"
	# Everything that is left can be read and removed, and then nothing is left. Some are still ending of themselves.
	none_is_ending() {
		[ -z "$(pgrep -u "$(id -u)" -f '^sh -c echo text')" ] && ! "$SANDBOX" ps -a --format '{{.State}}' | grep -q dead
	}
	wait_until none_is_ending
	sandbox ps -a --json
	assert_status 0
	python3 -m json.tool <<<"$output" >/dev/null
	[ "$("$SANDBOX" ps -a --format '{{.Names}}' | sort | uniq -d)" = '' ]
	all_are_removed() {
		"$SANDBOX" rm -f --all && [ -z "$("$SANDBOX" ps -aq)" ]
	}
	wait_until all_are_removed
	nothing_is_left() {
		[ -z "$(ls "$XDG_STATE_HOME/sandbox/sandboxes")" ] && [ -z "$(ls "$XDG_RUNTIME_DIR/sandbox/control")" ] &&
			! pgrep -u "$(id -u)" -f '^sleep 650[12]'
	}
	wait_until nothing_is_left
}

# Its supervisor has given it back, and is held up before it has ended.
@test "one that is started again while its supervisor is still ending can be reached" {
	SANDBOX_TEST_STOP_AT=container.let-go "$SANDBOX_SWITCHED" run -d --name box "$BUSYBOX_TAR" sh -c '[ -e /again ] && exec sleep 6503; : >/again'
	stopped_supervisor() {
		old=$(pgrep -u "$(id -u)" -r T -f 'run -d --name box')
	}
	wait_until stopped_supervisor
	stopped_supervisor
	"$SANDBOX" start box
	kill -CONT "$old"
	is_over() {
		! pgrep -u "$(id -u)" -f 'run -d --name box'
	}
	wait_until is_over
	sandbox exec box true
	assert_success
	sandbox stop --time 0 box
	assert_success box
}
