# Very many sandboxes with a control group leave nothing, however they end. SANDBOX_TRIALS says how many: 1000 for the
# figure that is claimed, of which a tenth are killed.

# shellcheck disable=SC2154  # bats sets stderr
load helper
load groups

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

# Those of the machine's services come and go.
all_groups() {
	find /sys/fs/cgroup -type d ! -path '*/system.slice/*' 2>/dev/null | sort
}

@test "many runs, one after the other: no group, no scope, no record" {
	needs_limits
	local i trials=${SANDBOX_TRIALS:-20} before after
	"$SANDBOX" run -m 64m "$BUSYBOX_TAR" true
	# To ask for them starts a bus in a group of its own.
	scopes >/dev/null
	before=$(all_groups)
	for ((i = 0; i < trials; i++)); do
		run_busybox -m 64m --pids-limit 99 -- sh -c "exit $((i % 100))"
		assert_status $((i % 100))
	done
	assert_nothing_of_groups
	after=$(all_groups)
	echo "# measured: $trials runs; groups before $(wc -l <<<"$before"), after $(wc -l <<<"$after")" >&3
	[ -z "$(comm -13 <(echo "$before") <(echo "$after"))" ] || fail_with "these are new: $(comm -13 <(echo "$before") <(echo "$after"))"
}

# Killed while systemd moves it, and not heard of before that is over: what is dying is moved nowhere, and no error either.
@test "one that is killed while its scope is made leaves no scope that nobody was ever in" {
	needs_limits
	[[ ${SANDBOX_WORLD:-} = systemd* ]] || skip 'for the worlds with a user manager'
	local manager starter
	manager=$(pgrep -u "$(id -u)" -xf '.*systemd --user')
	kill -STOP "$manager"
	python3 - "$BATS_TEST_TMPDIR/killed" "$SANDBOX" run -m 64m "$BUSYBOX_TAR" true <<-'X' 3>&- &
		import subprocess, sys, time
		tool = subprocess.Popen(sys.argv[2:])
		while subprocess.run(["pgrep", "-x", "-P", str(tool.pid), "sandbox-scope"], stdout=subprocess.DEVNULL).returncode:
		    time.sleep(0.05)
		tool.kill()
		# A zombie from here on.
		open(sys.argv[1], "w")
		time.sleep(60)
	X
	starter=$!
	wait_until test -e "$BATS_TEST_TMPDIR/killed"
	kill -CONT "$manager"
	wait_until no_helper || fail_with 'sandbox-scope does not end'
	assert_no_groups
	wait_until no_scopes || fail_with "scopes are left: $(scopes)"
	kill "$starter"
	wait "$starter" || true
}

# As it is when tool and helper die before the manager has answered; with somebody in the scope, so that it stays.
@test "a scope that was asked for and never entered is stopped by the next command" {
	needs_limits
	[[ ${SANDBOX_WORLD:-} = systemd* ]] || skip 'for the worlds with a user manager'
	local name sleeper
	# shellcheck disable=SC2030
	SANDBOX=$SANDBOX_SWITCHED
	SANDBOX_TEST_KILL_AT=group.named run_busybox -m 64m -- true
	assert_status 137
	name=$(ls "$XDG_RUNTIME_DIR/sandbox/groups")
	[[ $name = sandbox-* ]] || fail_with "one record should be left: $name"
	systemd-run --user --quiet --scope --unit "$name.scope" sleep 600 3>&- &
	sleeper=$!
	wait_until scope_is_there "$name"
	SANDBOX_TEST_REMOVE=group-parents sandbox ps
	assert_status 0
	scope_is_there "$name" || fail_with 'the scope has gone by itself'
	sandbox ps
	assert_status 0
	assert_nothing_of_groups
	wait "$sleeper" || [ $? = 143 ]
}

# As it is when only dying processes were in the scope as it was stopped.
@test "a group that the manager has forgotten is removed once nobody is in it" {
	needs_limits
	[[ ${SANDBOX_WORLD:-} = systemd* ]] || skip 'for the worlds with a user manager'
	local name group sleeper
	# shellcheck disable=SC2030,SC2031
	SANDBOX=$SANDBOX_SWITCHED
	SANDBOX_TEST_KILL_AT=group.named run_busybox -m 64m -- true
	assert_status 137
	name=$(ls "$XDG_RUNTIME_DIR/sandbox/groups")
	group=/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service/app.slice/$name.scope
	mkdir "$group"
	# Who is not below the manager may not move anybody there.
	systemd-run --user --quiet --scope sh -c 'echo $$ >"$1/cgroup.procs"; exec sleep 600' - "$group" 3>&- &
	sleeper=$!
	wait_until grep -qx "$sleeper" "$group/cgroup.procs"
	sandbox ps
	assert_status 0
	[ -e "$XDG_RUNTIME_DIR/sandbox/groups/$name" ] || fail_with 'it is no longer written down, although somebody is in there'
	kill "$sleeper"
	wait "$sleeper" || true
	wait_until swept
	assert_nothing_of_groups
}

# To stop it would be to stop whoever wants to say what went wrong.
@test "a manager that answers too late is an error, and no end by a signal" {
	needs_limits
	[[ ${SANDBOX_WORLD:-} = systemd* ]] || skip 'for the worlds with a user manager'
	local helper
	# shellcheck disable=SC2031
	helper=$(dirname "$SANDBOX")/sandbox-scope
	[ -e "$helper" ] || helper=$(dirname "$helper")/../libexec/sandbox/sandbox-scope
	mkdir "$BATS_TEST_TMPDIR/bin"
	# shellcheck disable=SC2031
	cp "$SANDBOX" "$BATS_TEST_TMPDIR/bin/sandbox"
	cat >"$BATS_TEST_TMPDIR/bin/sandbox-scope" <<-X
		#!/bin/sh
		"$helper" "\$@" || exit
		[ "\$1" != start ] || { echo 'too late'; exit 1; }
	X
	chmod +x "$BATS_TEST_TMPDIR/bin/sandbox-scope"
	capture "$BATS_TEST_TMPDIR/bin/sandbox" run -m 64m "$BUSYBOX_TAR" true
	assert_error 'too late'
	sandbox ps
	assert_status 0
	assert_nothing_of_groups
}

scope_is_there() {
	[ "$(systemctl --user is-active "$1.scope")" = active ]
}

no_helper() {
	! pgrep -u "$(id -u)" -x sandbox-scope
}

# Starts a run that waits, and kills it with all that it may have made: at a moment of chance, or once the command runs.
kill_one() {
	local process how=$1
	rm -f "$BATS_TEST_TMPDIR/ready"
	# shellcheck disable=SC2031
	"$SANDBOX" run -m 64m -v "$BATS_TEST_TMPDIR:/lent" "$BUSYBOX_TAR" sh -c 'touch /lent/ready; exec sleep 600' 3>&- &
	process=$!
	if [ "$how" = ready ]; then
		wait_until test -e "$BATS_TEST_TMPDIR/ready"
	else
		sleep "0.$how"
	fi
	kill -KILL "$process"
	wait "$process" || [ $? = 137 ]
}

nothing_sleeps() {
	! pgrep -u "$(id -u)" -xf 'sleep 600'
}

swept() {
	sandbox ps
	assert_status 0 || return
	no_groups
}

@test "many that are killed with SIGKILL: the next command removes what they left" {
	needs_limits
	local i trials=$((${SANDBOX_TRIALS:-20} / 10)) left most=0 moments=(ready 01 03 05 08 12 20)
	[ "$trials" -ge 7 ] || trials=7
	for ((i = 0; i < trials; i++)); do
		kill_one "${moments[i % 7]}"
		left=$(groups_snapshot | grep -c 'sandbox-[0-9a-f]*$' || true)
		[ "$left" -le "$most" ] || most=$left
	done
	kill_one ready
	left=$(groups_snapshot | wc -l)
	wait_until nothing_sleeps || fail_with 'a command has survived'
	# One that was asking for a scope goes on, and while it does its sandbox is not taken for dead.
	wait_until no_helper || fail_with 'sandbox-scope does not end'
	# Also one that runs nothing. Who is still dying has the lock of a record, and a busy manager answers later than a command
	# waits for it: then it is another command.
	wait_until swept || fail_with "groups are left: $(members_of_groups)"
	echo "# measured: $((trials + 1)) killed; at most $most sandboxes' groups at a time, $left groups before the next command" >&3
	assert_nothing_of_groups
}
