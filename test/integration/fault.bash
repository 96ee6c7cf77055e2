# What the tests of faults share: the tool is killed, stopped or interrupted at its named steps, and what is
# there afterwards is compared with what was there before.
# shellcheck shell=bash

# One that outlives its parent, its session and every signal but SIGKILL, and a command that ends at once.
export STUBBORN='setsid sh -c "trap \"\" HUP INT TERM QUIT; sleep 1000 & sleep 1000" & sleep 0.03'

# The named steps, from the source: a new one is tested from the day it exists.
test_points() {
	grep -rhoE 'test_point\("[^"]+"\)' src | sed 's/^[^"]*"//; s/".*//' | sort -u
}

# Those that a command comes to, in its order.
# usage: points_of COMMAND…
points_of() {
	# In the order of time: what init says must not wait for the supervisor to pass it on.
	SANDBOX_TEST_TRACE=1 SANDBOX_TEST_REMOVE=output run_switched "$@"
	# Its output is taken: that is no place to say it, and the shell would go on.
	[ "$status" = 0 ] || { fail_with "$*: $(<"$BATS_TEST_TMPDIR/stderr")" >&2; return 1; }
	sed -n 's/^test point //p' "$BATS_TEST_TMPDIR/stderr" | awk '!seen[$0]++'
}

# The switched build, for a minute at most; $status, and standard error in $BATS_TEST_TMPDIR/stderr.
# A command that is killed is bash's to report: not here.
run_switched() {
	status=0
	{
		timeout -k 1 60 "$SANDBOX_SWITCHED" "$@" </dev/null >"$BATS_TEST_TMPDIR/stdout" \
			2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	} 2>/dev/null
}

# What has to be gone soon: processes of the user and of his subordinate ids (zombies are their parent's affair, the
# test's own do not count), and mounts that he can see.
living_things() {
	local first count
	IFS=: read -r _ first count < <(grep "^$(id -un):" /etc/subuid)
	ps -e -o stat=,uid=,pid=,comm= | awk -v me="$(id -u)" -v first="$first" -v end=$((first + count)) '
		$1 ~ /^Z/ || ($2 != me && ($2 < first || $2 >= end)) { next }
		$4 ~ /^(bats|bash|ps|awk|timeout|id|grep|sed|sort|find|cat|parallel)/ { next }
		{ print "process", $3, $4 }'
	sed 's/^[0-9]* [0-9]* /mount /' /proc/self/mountinfo
}

# What stays until somebody removes it. The trees of layers are left out, and what a layer that has reached the disk
# gets: a manifest and a mark.
kept_files() {
	find "$XDG_RUNTIME_DIR" "$XDG_STATE_HOME" "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" "$XDG_CACHE_HOME" \
		-mindepth 1 -path '*/layers/*/root' -prune -o -path '*/layers/*/manifest' -o -name durable -o -print 2>/dev/null | sort
	find /tmp /dev/shm /var/tmp -mindepth 1 -maxdepth 1 -user "$(id -u)" ! -name 'bats-run-*' ! -path "$TMPDIR" \
		2>/dev/null | sort
}

# The keys that the user is charged for.
charged_keys() {
	awk -v uid="$(id -u):" '$1 == uid { print "keys", $2 }' /proc/key-users
}

# usage: assert_same_within MILLISECONDS SNAPSHOT BEFORE MESSAGE: a snapshot function becomes equal to its earlier text.
assert_same_within() {
	local after now deadline=$((${EPOCHREALTIME/[.,]/} / 1000 + $1))
	while
		now=$((${EPOCHREALTIME/[.,]/} / 1000))
		after=$($2)
		[ "$after" != "$3" ]
	do
		if [ "$now" -gt "$deadline" ]; then
			echo "$4: not as before after $1 ms"
			diff <(echo "$3") <(echo "$after") | sed -n 's/^>/left behind:/p; s/^</gone:/p'
			tail -n 20 "$BATS_TEST_TMPDIR/stderr" 2>/dev/null || true
			return 1
		fi
		sleep 0.02
	done
}

# Nothing of a sandbox lives on after the end of the tool, whatever the end was. It takes milliseconds, unless the machine is
# busy with other tests.
assert_nothing_lives() {
	assert_same_within 30000 living_things "$1" "$2"
}

# Files are as before at once; the kernel gives back a key a moment after its last user is gone.
assert_nothing_kept() {
	assert_same_within 0 kept_files "$1" "$3"
	assert_same_within 30000 charged_keys "$2" "$3"
}

# A process of the tool that waits at a point of SANDBOX_TEST_STOP_AT, or nothing.
stopped_process() {
	ps -e -o stat=,uid=,pid=,comm= |
		awk -v me="$(id -u)" '$2 == me && ($1 ~ /^T/ || $4 == "stopped") { print $3; exit }'
}

# usage: wait_for_stop PID POINT: $stopped is the process of the tool that waits there.
wait_for_stop() {
	local i
	for ((i = 0; i < 1500; i++)); do
		stopped=$(stopped_process)
		[ -z "$stopped" ] || return 0
		kill -0 "$1" 2>/dev/null || break
		sleep 0.02
	done
	echo "nothing stopped at $2"
	return 1
}

# Empties the store, then fills it with the image again when "$1" says so.
store_is() {
	run_switched reset
	if [ "$status" = 0 ] && [ "$1" = full ]; then
		run_switched import "$BUSYBOX_TAR"
	fi
	[ "$status" = 0 ] || fail_with "make the store $1: $(<"$BATS_TEST_TMPDIR/stderr")"
}
