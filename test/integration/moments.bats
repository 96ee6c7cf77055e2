# kill -9 of whoever takes part in the life of a sandbox that others can find: its supervisor, its init, its command, the
# clients who ask something of it, and what exec has started. At each step between them, and at random moments. `ps` tells
# the truth afterwards, the next command goes on from there, and then nothing is left.
# SANDBOX_TRIALS is how many random moments (12; 300 for what is claimed), SANDBOX_TEST_SEED which.
# runs alone

load helper
load fault

setup_file() {
	private_folders
	charged_keys >"$BATS_FILE_TMPDIR/keys"
	"$SANDBOX" run --name box "$BUSYBOX_TAR" true
	"$SANDBOX" rm box
	"$SANDBOX" run --rm --overlay=disk "$BUSYBOX_TAR" true
}

setup() {
	living=$(living_things)
	files=$(kept_files)
	: >"$BATS_TEST_TMPDIR/stderr"
}

teardown() {
	remove_sandboxes
}

# --- what is true -------------------------------------------------------------------------------------------------

# "PID NAME" of all processes of sandboxes.
processes() {
	local first
	IFS=: read -r _ first _ < <(grep "^$(id -un):" /etc/subuid)
	ps -e -o stat=,uid=,pid=,comm= | awk -v me="$(id -u)" -v first="$first" '
		$1 !~ /^Z/ && ($2 == me || ($2 >= first && $2 < first + 65536)) && $4 ~ /^(sandbox|newuidmap|newgidmap|sleep|sh$)/ {
			print $3, $4
		}'
}

# In one word, by the processes alone: does a sandbox run, has everything ended, or neither?
truth() {
	local names
	names=$(processes | cut -d ' ' -f 2 | sort | uniq | tr '\n' ' ')
	case $names in
	'') echo ended ;;
	'sandbox sandbox-init sleep ') echo running ;;
	*) echo "$names" ;;
	esac
}

# What ps says of the sandbox: a state, or "none".
shown() {
	local state
	state=$("$SANDBOX" ps -a --filter name=box --format '{{.State}}')
	echo "${state:-none}"
}

# Whether they agree, while nothing changes. What a dying process still does is waited for by whoever calls this.
is_right() {
	local before after
	before=$(truth)
	state=$(shown)
	after=$(truth)
	[ "$before" = "$after" ] || return 1
	case $state in
	running) [ "$after" = running ] ;;
	none | exited | dead | created) [ "$after" = ended ] ;;
	*) return 1 ;;
	esac
}

# What was killed a moment ago may still seem to run, and ps says so, too.
is_right_twice() {
	is_right && is_right
}

# $state is then what ps says.
assert_ps_is_right() {
	wait_until is_right_twice || fail_with "$1: ps says $(shown), and there is: $(processes | tr '\n' ',')"
}

assert_nothing_is_left() {
	assert_same_within 30000 living_things "$living" "$1"
	assert_nothing_kept "$files" "$(<"$BATS_FILE_TMPDIR/keys")" "$1"
}

# The next commands: one that is there goes on, or starts again, and goes; its name is free.
# usage: assert_heals MESSAGE [no-exec]
assert_heals() {
	assert_ps_is_right "$1"
	case $state in
	running)
		[ $# = 2 ] || sandbox exec box true
		[ "$status" = 0 ] || fail_with "$1: exec in what runs"
		;;
	exited | dead | created)
		sandbox start box
		[ "$status" = 0 ] || fail_with "$1: start"
		;;
	esac
	if [ "$state" != none ]; then
		sandbox rm -f box
		[ "$status" = 0 ] || fail_with "$1: rm -f"
	fi
	sandbox run --rm --name box "$BUSYBOX_TAR" true
	[ "$status" = 0 ] || fail_with "$1: the name"
	assert_nothing_is_left "$1"
}

# --- each step ----------------------------------------------------------------------------------------------------

@test "whoever asks for an exec is killed at each step: the sandbox runs on" {
	local point seconds
	for point in exec.connected exec.asked exec.started exec.ended; do
		"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6701 >/dev/null
		# Of one that ends at once nobody may see that it has started.
		seconds=6702
		[ "$point" != exec.ended ] || seconds=0
		SANDBOX_TEST_KILL_AT=$point run_switched exec box sleep "$seconds"
		[ "$status" = 137 ] || fail_with "not killed at $point"
		assert_ps_is_right "$point"
		[ "$state" = running ] || fail_with "killed at $point: the sandbox is $state"
		assert_heals "$point"
	done
}

@test "an exec's own process, init or the supervisor is killed at its step: the caller hears of it" {
	local point
	for point in session.ready session.cloned control.passed-on; do
		SANDBOX_TEST_KILL_AT=$point "$SANDBOX_SWITCHED" run -d --name box "$BUSYBOX_TAR" sleep 6701 >/dev/null
		sandbox exec box true
		case $point in
		session.ready) [ "$status" = 137 ] ;;
		*) [ "$status" = 137 ] || [[ $status = 125 && $stderr = *cause:* ]] ;;
		esac || fail_with "what the caller hears when one is killed at $point"
		assert_ps_is_right "$point"
		case $point in
		session.ready) [ "$state" = running ] ;;
		session.cloned) [ "$state" = exited ] ;;
		control.passed-on) [ "$state" = dead ] ;;
		esac || fail_with "killed at $point: the sandbox is $state"
		status=0
		assert_heals "$point" no-exec
	done
}

@test "whoever stops, kills or removes it is killed at each step" {
	local point command
	for command in 'stop --time 0' kill 'rm -f' 'restart --time 0'; do
		for point in life.waits life.asked; do
			"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6701 >/dev/null
			# shellcheck disable=SC2086
			SANDBOX_TEST_KILL_AT=$point run_switched $command box
			[ "$status" = 137 ] || fail_with "$command is not killed at $point"
			assert_ps_is_right "$command, $point"
			# Nobody has asked yet.
			[ "$point" = life.asked ] || [ "$state" = running ] || fail_with "$command, $point: the sandbox is $state"
			[ "$state" != dead ] || fail_with "$command, $point: nobody has killed the supervisor"
			assert_heals "$command, $point"
		done
	done
}

# --- random moments -----------------------------------------------------------------------------------------------

# Each is a command on a sandbox that is there in the state before the colon.
kinds=(none:'run -d --name box IMAGE sleep 6701' none:'run -d --rm --name box IMAGE sleep 6701'
	none:'run --name box --overlay=disk IMAGE sleep 0.03' running:'exec box sleep 0.03' running:'exec -d box sleep 6702'
	running:'stop --time 0 box' running:'kill box' running:'rm -f box' running:'restart --time 0 box'
	exited:'start box' exited:'start -a box' running:'logs -f box' running:'wait box')

# Brings the state that a command begins with.
prepare() {
	case $1 in
	running) "$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6701 >/dev/null ;;
	exited) "$SANDBOX" run --name box "$BUSYBOX_TAR" sh -c '[ -e /again ] || { : >/again; exit; }; exec sleep 6701' ;;
	esac
}

pause() {
	read -rt "$(printf '0.%03d' $((RANDOM % $1)))" <>"$BATS_TEST_TMPDIR/nobody" || true
}

# What part the process has.
role() {
	case $1,$2 in
	"$client",*) echo client ;;
	*,sandbox) if grep -q '^NSpid:.*[0-9]\s.*[0-9]' "/proc/$1/status" 2>/dev/null; then echo init; else echo supervisor; fi ;;
	*,sandbox-init) echo init ;;
	*,sleep | *,sh) echo command ;;
	*) echo helper ;;
	esac
}

# One random process of all that there are; $victim is its part, or "nobody" when everything has ended, or has just then.
kill_one() {
	local found chosen name
	mapfile -t found < <(processes)
	victim=nobody
	[ "${#found[@]}" != 0 ] || return 0
	read -r chosen name <<<"${found[RANDOM % ${#found[@]}]}"
	victim=$(role "$chosen" "$name")
	kill -KILL "$chosen" 2>/dev/null || victim=nobody
}

# Whatever was killed, a command has one of these ends, and ends.
assert_client_ended() {
	status=0
	is_over() {
		! kill -0 "$client" 2>/dev/null || [[ $(ps -o stat= -p "$client") == Z* ]]
	}
	case $2:$victim in
	# These go on for as long as the sandbox does.
	*'start -a box:'* | *'logs -f box:'* | *'wait box:'* | *'run --name box'*)
		wait_until eval 'is_over || [ "$(truth)" = running ]'
		is_over || kill -KILL "$client"
		;;
	esac
	wait_until is_over || fail_with "$1: the command goes on"
	wait "$client" 2>/dev/null || status=$?
	stderr=$(<"$BATS_TEST_TMPDIR/stderr")
	case $status in
	0 | 137 | 143) ;;
	125) [[ $stderr == 'sandbox: '*' '* ]] || fail_with "$1: no sentence" ;;
	*) fail_with "$1: its exit status" ;;
	esac
}

# Only one whose supervisor was killed is dead; a command that is attached is supervised by who has asked for it.
assert_state_has_cause() {
	case $state:$victim:$2 in
	dead:supervisor:* | dead:client:*'run --name'* | dead:client:*'start -a'*) ;;
	dead:*) fail_with "$1: it is dead, but its supervisor was not killed" ;;
	esac
}

@test "at random moments" {
	local i=0 kind words
	mkfifo "$BATS_TEST_TMPDIR/nobody"
	RANDOM=${SANDBOX_TEST_SEED:=$EPOCHSECONDS}
	echo "SANDBOX_TEST_SEED=$SANDBOX_TEST_SEED"
	while [ "$i" -lt "${SANDBOX_TRIALS:-12}" ]; do
		kind=${kinds[RANDOM % ${#kinds[@]}]}
		prepare "${kind%%:*}"
		read -ra words <<<"${kind#*:}"
		words=("${words[@]/#IMAGE/$BUSYBOX_TAR}")
		"$SANDBOX" "${words[@]}" </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
		client=$!
		pause 20
		kill_one
		# A moment at which all has ended already does not count.
		[ "$victim" = nobody ] || i=$((i + 1))
		assert_client_ended "$i: ${kind#*:}, $victim killed" "$kind"
		assert_ps_is_right "$i: ${kind#*:}, $victim killed"
		assert_state_has_cause "$i: ${kind#*:}, $victim killed" "$kind"
		echo "$victim: $state" >>"$BATS_TEST_TMPDIR/seen"
		assert_heals "$i: ${kind#*:}, $victim killed"
	done
	echo "# measured: who was killed, and what became of it: $(sort "$BATS_TEST_TMPDIR/seen" | uniq -c | tr -s ' \n' ' ')" >&3
}
