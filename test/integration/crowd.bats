# Very many detached sandboxes at once, each with its supervisor: all run, all are seen, and one command ends them all.
# SANDBOX_TRIALS is how many: 200 for what is claimed. Each has a session keyring, and after a login a user may have 200
# keys: then the last of so many meet that quota, unless SANDBOX_TEST_KEYRING=none runs this without a login's keyring,
# which the kernel makes no quota of.
# runs alone

load helper

crowd=${SANDBOX_TRIALS:-12}

setup_file() {
	private_folders
	"$SANDBOX" run -d "$BUSYBOX_TAR" sleep 6801
	"$SANDBOX" rm -f --all
	settled_snapshot >"$BATS_FILE_TMPDIR/before"
}

teardown() {
	"$SANDBOX" rm -f --all >/dev/null || true
}

# Starts so many, two at a time, as there are processors for; says of each how it went.
# usage: start_crowd COUNT
start_crowd() {
	seq "$1" | xargs -P 2 -I NUMBER sh -c \
		'"$SANDBOX" run -d "$BUSYBOX_TAR" sleep 6801 >>"$0/ids" 2>"$0/said.NUMBER" || echo "NUMBER $?" >>"$0/failed"' \
		"$BATS_TEST_TMPDIR" 3>&-
}

milliseconds() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# The fastest of five, which the rest of the machine has disturbed least.
time_ps() {
	local i start best=
	for ((i = 0; i < 5; i++)); do
		start=${EPOCHREALTIME/[.,]/}
		"$SANDBOX" ps -q >/dev/null
		start=$((${EPOCHREALTIME/[.,]/} - start))
		[ -n "$best" ] && [ "$best" -le "$start" ] || best=$start
	done
	printf '%d.%03d' $((best / 1000)) $((best % 1000))
}

# All that is charged for processes of that name, in KiB.
proportional_set() {
	pgrep -u "$(id -u)" -x "$1" | sed 's|.*|/proc/&/smaps_rollup|' | xargs cat | awk '/^Pss:/ { sum += $2 } END { print sum + 0 }'
}

all_are_seen() {
	[ "$("$SANDBOX" ps -q | wc -l)" = "$1" ]
}

assert_all_end_at_once() {
	sandbox rm -f --all
	assert_status 0
	[ "${#lines[@]}" = "$1" ] || fail_with "$1 should have been removed"
	sandbox ps -aq
	assert_success ''
	[ -z "$(find "$XDG_STATE_HOME/sandbox/sandboxes" "$XDG_RUNTIME_DIR/sandbox/control" -mindepth 1)" ]
	! pgrep -u "$(id -u)" -f '^sleep 6801'
}

# The number that there may be is the kernel's; what a user hears of it is ours.
assert_each_failure_is_the_quota() {
	local number status
	while read -r number status; do
		stderr=$(<"$BATS_TEST_TMPDIR/said.$number")
		assert_error E_KEY_QUOTA
		[[ $stderr =~ you\ have\ [0-9]+,\ and\ kernel.keys.maxkeys\ allows\ [0-9]+ ]] || fail_with "the numbers are missing"
	done <"$BATS_TEST_TMPDIR/failed"
}

@test "all run, are seen at once, and end by one command" {
	local start running started ended failed=0
	start=$(milliseconds)
	start_crowd "$crowd"
	started=$(($(milliseconds) - start))
	[ ! -e "$BATS_TEST_TMPDIR/failed" ] || {
		failed=$(wc -l <"$BATS_TEST_TMPDIR/failed")
		assert_each_failure_is_the_quota
	}
	running=$((crowd - failed))
	[ "$(sort -u "$BATS_TEST_TMPDIR/ids" | wc -l)" = "$running" ]
	all_are_seen "$running"
	[ "$(pgrep -c -u "$(id -u)" -f '^sleep 6801')" = "$running" ]
	echo "# measured: $running of $crowd run ($failed met the quota of keys), started within $started ms; ps takes $(time_ps) ms" >&3
	start=$(milliseconds)
	assert_all_end_at_once "$running"
	ended=$(($(milliseconds) - start))
	echo "# measured: all were stopped and removed within $ended ms" >&3
	assert_no_leftovers "$(<"$BATS_FILE_TMPDIR/before")"
}

# Their memory can be looked at where init does without one of its defences.
@test "what an idle one costs" {
	local count=$crowd supervisors inits
	[ "$count" -le 150 ] || [ "${SANDBOX_TEST_KEYRING:-}" = none ] || count=150
	if is_sanitized; then
		skip "AddressSanitizer's own memory is more than the program's"
	fi
	SANDBOX=$SANDBOX_SWITCHED SANDBOX_TEST_REMOVE=dumpable start_crowd "$count"
	[ ! -e "$BATS_TEST_TMPDIR/failed" ]
	all_are_seen "$count"
	supervisors=$(proportional_set sandbox)
	inits=$(proportional_set sandbox-init)
	[ "$supervisors" -gt 0 ]
	[ "$inits" -gt 0 ]
	echo "# measured: of $count idle ones each has $((supervisors / count)) KiB for its supervisor and $((inits / count)) for its init" >&3
	# Generous: where few share the program's pages, each has more of them.
	[ $(((supervisors + inits) / count)) -lt 2000 ]
	assert_all_end_at_once "$count"
}

# How many the user is charged for.
keys() {
	awk -v uid="$(id -u):" '$1 == uid { print $4 + 0 }' /proc/key-users
}

keys_are() {
	[ "$(keys)" = "$1" ]
}

@test "with too many keys the next one is refused by name, and those that run go on" {
	local i ring full
	[ "${SANDBOX_TEST_KEYRING:-}" != none ] || skip 'without a session keyring there is no quota'
	assert_no_leftovers "$(<"$BATS_FILE_TMPDIR/before")"
	ring=$(keyctl newring crowd @s)
	for ((i = 0; i < 250; i++)); do
		keyctl add user "crowd$i" x "$ring" >/dev/null 2>&1 || break
	done
	[ "$i" -lt 250 ] || skip "the quota of keys is larger than 250 here"
	# Room for three, which the kernel has a moment later.
	full=$(keys)
	for i in 0 1 2; do
		keyctl unlink "$(keyctl search "$ring" user "crowd$i")" "$ring"
	done
	wait_until keys_are $((full - 3))
	start_crowd 5
	keyctl unlink "$ring" @s >/dev/null
	[ "$(wc -l <"$BATS_TEST_TMPDIR/failed")" = 2 ]
	assert_each_failure_is_the_quota
	all_are_seen 3
	"$SANDBOX" exec "$(head -n 1 "$BATS_TEST_TMPDIR/ids")" true
	assert_all_end_at_once 3
	"$SANDBOX" run -d "$BUSYBOX_TAR" sleep 6801
}
