# The receipt is right about the cause, whatever ends a sandbox: what is to be expected is written down before each run, and
# compared at the end. SANDBOX_TRIALS says how many; 1000 for the figure that is claimed.

# shellcheck disable=SC2154  # bats sets stderr
load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
	# Memory that the kernel holds, or that is watched where it cannot.
	export OUT_OF_MEMORY='oom 137' LIMITED='-m 24m'
	"$SANDBOX" run --dry-run -m 24m --memory-swap 24m "$BUSYBOX_TAR" true >/dev/null 2>&1 || OUT_OF_MEMORY='limit 137'
	[ "$OUT_OF_MEMORY" != 'oom 137' ] || LIMITED='-m 24m --memory-swap 24m'
	[ "$OUT_OF_MEMORY" != 'limit 137' ] || LIMITED='-m 24m --limits best-effort --cgroups none'
}

# Runs in the foreground. usage: trial EXPECTED OPTIONS COMMAND…
trial() {
	local expected=$1 options=$2
	shift 2
	echo "$i $expected" >>"$BATS_TEST_TMPDIR/expected"
	# shellcheck disable=SC2086
	"$SANDBOX" run $options --summary="$BATS_TEST_TMPDIR/receipt" -v "$HELPERS:/helpers:ro" "$BUSYBOX_TAR" "$@" >/dev/null 2>&1 3>&- || true
	conclude
}

conclude() {
	echo "$i $(jq -r '"\(.cause) \(.status)"' "$BATS_TEST_TMPDIR/receipt")" >>"$BATS_TEST_TMPDIR/seen"
	rm "$BATS_TEST_TMPDIR/receipt"
}

# Waits until the command runs, and then has `$@ PROCESS` end it. usage: trial_ended EXPECTED SCRIPT HOW…
trial_ended() {
	local expected=$1 script=$2 process ready
	shift 2
	echo "$i $expected" >>"$BATS_TEST_TMPDIR/expected"
	"$SANDBOX" run --name "trial-$i" --summary="$BATS_TEST_TMPDIR/receipt" "$BUSYBOX_TAR" sh -c "$script" \
		>"$BATS_TEST_TMPDIR/ready" 2>/dev/null 3>&- &
	process=$!
	# shellcheck disable=SC2034
	read -r ready <"$BATS_TEST_TMPDIR/ready"
	"$@" "$process" >/dev/null
	wait "$process" || true
	conclude
}

kill_init() {
	pkill -KILL -P "$1"
}

# Through another command.
kill_by_name() {
	"$SANDBOX" kill "trial-$i"
}

waits='echo; exec sleep 60'
handles='trap "exit 9" TERM; echo; while :; do sleep 0.05; done'

one_of_all() {
	local number=$((RANDOM % 100))
	case $((RANDOM % 13)) in
	0) trial "exit $number" '' sh -c "exit $number" ;;
	1) trial 'exit 0' "$LIMITED --timeout 1h" true ;;
	2) trial 'signal 134' '' sh -c 'kill -ABRT $$' ;;
	3) trial 'signal 137' "$LIMITED" sh -c 'kill -KILL $$' ;;
	4) trial 'signal 139' "$LIMITED" sh -c 'kill -SEGV $$' ;;
	5) trial "$OUT_OF_MEMORY" "$LIMITED" /helpers/bomb anonymous 1000 ;;
	6) trial "$OUT_OF_MEMORY" "$LIMITED" sh -c '/helpers/bomb anonymous 1000 & wait; sleep 60' ;;
	7) trial 'timeout 124' '--timeout 0.2' sleep 60 ;;
	8) trial 'timeout 124' "$LIMITED --timeout 0.2" sh -c 'trap "" TERM; while :; do :; done' ;;
	9) trial_ended 'killed 143' "$waits" kill -TERM ;;
	10) trial_ended 'killed 137' "$waits" kill_init ;;
	11) trial_ended 'killed 137' "$waits" kill_by_name ;;
	12) trial_ended 'exit 9' "$handles" kill -TERM ;;
	esac
}

@test "mixed trials: the cause and the status are those that were expected" {
	local i trials=${SANDBOX_TRIALS:-26}
	mkfifo "$BATS_TEST_TMPDIR/ready"
	RANDOM=1
	for ((i = 0; i < trials; i++)); do
		one_of_all
	done
	diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/seen"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/seen")" = "$trials" ]
	echo "# measured: $trials trials," "$(cut -d ' ' -f 2 "$BATS_TEST_TMPDIR/seen" | sort | uniq -c | tr -s ' \n' ' ')" >&3
}
