# pause, unpause, update and stats: what a control group can do to a running sandbox.

# shellcheck disable=SC2154  # bats sets stderr
load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
	export HAS_GROUPS=
	! "$SANDBOX" run --dry-run -m 64m --pids-limit 99 --cpus 1 "$BUSYBOX_TAR" true >/dev/null 2>&1 || HAS_GROUPS=yes
}

teardown() {
	"$SANDBOX" rm --force box 2>/dev/null || true
}

needs_group() {
	[ -z "$HAS_GROUPS" ] || return 0
	case ${SANDBOX_WORLD:-none} in
	systemd* | delegated) fail_with 'this world delegates groups' ;;
	esac
	skip 'nothing delegates a group to us here'
}

# A counter that grows while the sandbox runs, and the limits that it sees when asked by a file.
start_box() {
	mkdir -p "$BATS_TEST_TMPDIR/lent"
	"$SANDBOX" run -d --name box -v "$BATS_TEST_TMPDIR/lent:/lent" "$@" "$BUSYBOX_TAR" sh -c '
		i=0; while :; do i=$((i + 1)); echo $i >/lent/count; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max >/lent/new
			mv /lent/new /lent/limits; sleep 0.05; done'
	wait_until test -s "$BATS_TEST_TMPDIR/lent/limits"
}

count() {
	cat "$BATS_TEST_TMPDIR/lent/count"
}

counts_on() {
	[ "$(count)" != "$1" ]
}

limits_are() {
	[ "$(cat "$BATS_TEST_TMPDIR/lent/limits")" = "$1" ]
}

@test "a paused sandbox stands still, and then goes on" {
	needs_group
	start_box --pids-limit 99
	sandbox pause box
	assert_success box
	local before
	before=$(count)
	sleep 0.5
	[ "$(count)" = "$before" ] || fail_with 'it went on'
	sandbox stats --json box
	[ "$(jq -r '.[0].state' <<<"$output")" = paused ] || fail_with 'it should be paused'
	sandbox unpause box
	assert_success box
	wait_until counts_on "$before"
}

is_paused() {
	! "$SANDBOX" diff box >/dev/null 2>"$BATS_TEST_TMPDIR/refused" && grep -q 'is paused' "$BATS_TEST_TMPDIR/refused"
}

@test "whatever ends a commit, the sandbox that it paused goes on" {
	needs_group
	cd "$BATS_TEST_TMPDIR"
	"$SANDBOX" import --name steered "$BUSYBOX_TAR"
	"$SANDBOX" run -d --name box --pids-limit 99 steered sleep 1000
	for signal in INT TERM KILL; do
		# shellcheck disable=SC2016
		SANDBOX_TEST_STOP_AT=pausing-paused setsid --fork env --default-signal=INT,TERM sh -c \
			'echo $$ >commit.pid; exec "$0" commit box never' "$SANDBOX_SWITCHED" 3>&- 2>commit.said
		# shellcheck disable=SC2016
		wait_until sh -c 'grep -q "^State:.T" "/proc/$(cat commit.pid)/status"'
		is_paused || fail_with 'it should be paused'
		kill -s "$signal" "$(cat commit.pid)"
		[ "$signal" = KILL ] || kill -s CONT "$(cat commit.pid)"
		wait_until "$SANDBOX" diff box
		# shellcheck disable=SC2016
		wait_until sh -c '! kill -0 "$(cat commit.pid)"'
	done
	sandbox images
	assert_output_lacks never
	sandbox commit --pause box whole
	assert_status 0
	wait_until "$SANDBOX" diff box
	# The positive control: when nobody waits for its end, it stays paused.
	run env SANDBOX_TEST_REMOVE=pause-guard SANDBOX_TEST_KILL_AT=pausing-paused "$SANDBOX_SWITCHED" commit box never
	[ "$status" = 137 ]
	is_paused
	"$SANDBOX" unpause box
}

@test "two commits of one sandbox at once pause it one after the other" {
	needs_group
	cd "$BATS_TEST_TMPDIR"
	"$SANDBOX" import --name steered "$BUSYBOX_TAR"
	"$SANDBOX" run -d --name box --pids-limit 99 steered sleep 1000
	SANDBOX_TEST_STOP_AT=pausing-begins "$SANDBOX_SWITCHED" commit box second 3>&- &
	local second=$! first
	wait_until grep -q '^State:.T' "/proc/$second/status"
	SANDBOX_TEST_STOP_AT=pausing-paused "$SANDBOX_SWITCHED" commit box first 3>&- &
	first=$!
	wait_until grep -q '^State:.T' "/proc/$first/status"
	kill -CONT "$second"
	wait_until grep -q -e "-> FLOCK .* $second " /proc/locks
	is_paused || fail_with 'it should be paused'
	grep -q 'paused by a commit' "$BATS_TEST_TMPDIR/refused"
	# By hand it neither goes on meanwhile, nor is it paused for longer: the commit would undo that.
	local command
	for command in unpause pause; do
		sandbox "$command" box
		assert_error E_SANDBOX_STATE
		assert_stderr_has 'a commit has paused it'
	done
	is_paused || fail_with 'it should still be paused'
	kill -CONT "$first"
	wait "$first"
	wait "$second"
	"$SANDBOX" diff box
}

@test "a commit does not undo a pause that came before its own" {
	needs_group
	cd "$BATS_TEST_TMPDIR"
	"$SANDBOX" import --name steered "$BUSYBOX_TAR"
	"$SANDBOX" run -d --name box --pids-limit 99 steered sleep 1000
	SANDBOX_TEST_STOP_AT=pausing-begins "$SANDBOX_SWITCHED" commit box never 2>said 3>&- &
	local commit=$! ended=0
	wait_until grep -q '^State:.T' "/proc/$commit/status"
	"$SANDBOX" pause box
	kill -CONT "$commit"
	wait "$commit" || ended=$?
	[ "$ended" = 125 ]
	grep -q 'another command has paused it' said
	is_paused || fail_with 'it should still be paused'
	"$SANDBOX" unpause box
	"$SANDBOX" diff box
}

@test "a paused sandbox can be ended" {
	needs_group
	start_box --pids-limit 99
	sandbox pause box
	assert_success box
	sandbox rm --force box
	assert_status 0
	sandbox ps -q
	assert_output ''
}

@test "update changes limits on the fly, also of controllers that were not used" {
	needs_group
	start_box -m 64m --pids-limit 99 --cpus 1
	wait_until limits_are $'67108864\n99\n100000 100000'
	sandbox update -m 96m --memory-swap 96m --pids-limit 50 --cpus 0.5 box
	assert_success box
	wait_until limits_are $'100663296\n50\n50000 100000'
	sandbox update --cpu-weight 300 --memory-high 80m box
	assert_success box
	sandbox exec box cat /sys/fs/cgroup/cpu.weight /sys/fs/cgroup/memory.high /sys/fs/cgroup/memory.swap.max
	assert_success $'300\n83886080\n0'
	case ${SANDBOX_WORLD:-} in
	systemd-full | delegated)
		sandbox update --device-write-bps "$HOME:3m" box
		assert_success box
		sandbox exec box cat /sys/fs/cgroup/io.max
		assert_output_has wbps=3145728
		;;
	esac
}

@test "update holds for the next start, too" {
	needs_group
	start_box -m 64m --memory-swap 64m --pids-limit 99
	sandbox update -m 96m --memory-swap 96m box
	assert_success
	rm "$BATS_TEST_TMPDIR/lent/limits"
	"$SANDBOX" restart --time 0 box
	# Without --cpus there is no such file.
	wait_until limits_are $'100663296\n99'
}

@test "update waits for the group of a sandbox that is just being made" {
	needs_group
	SANDBOX_TEST_STOP_AT=container.recorded "$SANDBOX_SWITCHED" run --name box --pids-limit 99 "$BUSYBOX_TAR" sleep 600 \
		>/dev/null 2>&1 3>&- &
	local start=$! update
	wait_until grep -q '^State:.T' "/proc/$start/status"
	"$SANDBOX" update --pids-limit 50 box 3>&- &
	update=$!
	# shellcheck disable=SC2016
	wait_until sh -c 'find "/proc/$1/fd" -lname "*/ids.json" | grep -q .' sh "$update"
	kill -CONT "$start"
	wait "$update"
	sandbox exec box cat /sys/fs/cgroup/pids.max
	assert_success 50
	"$SANDBOX" rm --force box
	wait "$start" || true
}

@test "update refuses a weight that nobody heeds, as run does" {
	needs_group
	! grep -qF '[bfq]' /sys/block/*/queue/scheduler || skip 'bfq shares a disk here'
	! grep -qs enable=1 /sys/fs/cgroup/io.cost.qos || skip 'io.cost.qos shares a disk here'
	start_box --pids-limit 99
	sandbox update --io-weight 50 box
	assert_error E_LIMIT_UNAVAILABLE
}

@test "kill ends all that is in the group, paused or not, and says so" {
	needs_group
	start_box --pids-limit 99
	sandbox pause box
	assert_success box
	sandbox kill box
	assert_success box
	sandbox wait box
	assert_output 137
	sandbox kill box
	assert_error E_SANDBOX_STATE
}

@test "a smaller limit ends what is above it" {
	needs_group
	"$SANDBOX" run -d --name box -m 200m -v "$HELPERS:/helpers:ro" -v "$BATS_TEST_TMPDIR:/lent" "$BUSYBOX_TAR" \
		sh -c '/helpers/bomb hold 100 /lent/ready'
	wait_until test -e "$BATS_TEST_TMPDIR/ready"
	"$SANDBOX" update -m 20m --memory-swap 20m box
	sandbox wait box
	assert_output 137
}

@test "stats tells of processors, memory and processes, as a table and as JSON" {
	needs_group
	start_box -m 64m --pids-limit 99 --cpus 1
	sandbox stats box
	assert_status 0
	[[ ${lines[0]} == SANDBOX*CPU*MEMORY*PIDS* ]] || fail_with 'the headings are missing'
	[[ ${lines[1]} == box*'/ 64.0 MiB'*'/ 99'* ]] || fail_with 'the row should have the limits'
	sandbox stats --json
	[ "$(jq -r '.[] | "\(.name) \(.memory_limit) \(.pids_limit) \(.memory > 0) \(.pids >= 2) \(.cpu_usage_us > 0)"' <<<"$output")" = \
		'box 67108864 99 true true true' ] || fail_with 'the numbers are wrong'
}

has_been_shown_again() {
	[ "$(grep -ac 'box .*/ 99' "$BATS_TEST_TMPDIR/screen")" -ge 3 ]
}

@test "on a terminal stats goes on, and cuts what is too wide" {
	needs_group
	start_box --pids-limit 99
	script -qfc "exec $SANDBOX stats" "$BATS_TEST_TMPDIR/screen" </dev/null >/dev/null 2>&1 3>&- &
	local terminal=$!
	wait_until has_been_shown_again
	kill "$terminal"
	wait "$terminal" || true
	# Not to wrap, and to wrap again.
	[ "$(grep -aoF $'\e[?7l' "$BATS_TEST_TMPDIR/screen" | wc -l)" -ge 3 ]
	[ "$(grep -aoF $'\e[?7h' "$BATS_TEST_TMPDIR/screen" | wc -l)" -ge 3 ]
}

spends_time() {
	local now
	now=$("$SANDBOX" stats --json box | jq '.[0].cpu_usage_us')
	[ "$now" -gt 0 ]
}

@test "stats without a group adds up what the processes have, also of those that have ended" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c 'while :; do (i=0; while [ $i -lt 9999 ]; do i=$((i + 1)); done); done'
	wait_until spends_time
	sandbox stats --json box
	[ "$(jq -r '.[] | "\(.name) \(.counted_by) \(.pids >= 2) \(.memory > 100000) \(has("memory_peak"))"' <<<"$output")" = \
		'box processes true true false' ] || fail_with 'the sums are wrong'
	sandbox stats
	[[ ${lines[1]} == box*'%'*'~'*' MiB / -'* ]] || fail_with 'the row should say that the memory is a sum'
	sandbox stats nobody
	assert_error E_SANDBOX_UNKNOWN
}

@test "a sandbox without a group, or that is not there, is an error that says so" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 60
	local command
	for command in pause unpause 'update -m 64m'; do
		# shellcheck disable=SC2086
		sandbox $command box
		assert_error E_SANDBOX_STATE
		# shellcheck disable=SC2086
		sandbox $command nobody
		assert_error E_SANDBOX_UNKNOWN
	done
	sandbox update box
	assert_error 'nothing is to be changed'
}
