# The holder of a user namespace (sandbox-config(5)): it saves the helper programs, and can do nothing else: whatever
# becomes of it, runs are as they are without it.
# runs alone
# shellcheck shell=bash
# shellcheck disable=SC2154  # helper.bash sets status, output and stderr

load helper

setup_file() {
	private_folders
	mkdir -p "$XDG_CONFIG_HOME/sandbox"
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

setup() {
	if is_sanitized; then
		skip "behind a holder init runs on the stage's stack, about which AddressSanitizer warns"
	fi
	holders=$XDG_RUNTIME_DIR/sandbox/holders
	keep_for 60s
}

teardown() {
	pkill -KILL -u "$(id -u)" -x sandbox-holder || true
	wait_until no_holder && rm -rf "$XDG_RUNTIME_DIR/sandbox"
}

keep_for() {
	echo "holder = $1" >"$XDG_CONFIG_HOME/sandbox/config"
}

# Without the children who make what the next run is given: a holder leads a session.
holder_pids() {
	ps -C sandbox-holder -o uid=,sid=,pid= | awk -v user="$(id -u)" '
		$1 == user && $2 == $3 { print $3; found = 1 } END { exit !found }'
}

no_holder() {
	! pgrep -u "$(id -u)" -x sandbox-holder
}

# It waits: what is to be ready is.
holder_is_alone() {
	holder_pids && [ "$(pgrep -u "$(id -u)" -x sandbox-holder)" = "$(holder_pids)" ]
}

# The ids of a sandbox as the host sees them, whatever the sandbox itself is told.
# shellcheck disable=SC2120
ids_from_outside() {
	local pid tool
	"${program:-$SANDBOX}" run "$@" "$BUSYBOX_TAR" sleep 54321 3>&- &
	tool=$!
	wait_until pgrep -u "$(id -u)" -f '^sleep 54321' || return
	pid=$(pgrep -u "$(id -u)" -f '^sleep 54321')
	cat "/proc/$pid/uid_map" "/proc/$pid/gid_map"
	kill -KILL "$tool"
	wait "$tool" || true
	wait_until eval '! kill -0 "$pid"'
}

# A run whose helper programs cannot work: traced by its user, a set-user-ID program has no privileges.
run_without_helpers() {
	capture timeout -k 5 60 strace -f -o /dev/null "$SANDBOX" run "$BUSYBOX_TAR" "$@"
}

# A run does not wait for long for a holder, and a busy machine may not let that answer in time: then once more.
works_without_helpers() {
	run_without_helpers "$@"
	[ "$status" = 0 ]
}

@test "off by default" {
	rm "$XDG_CONFIG_HOME/sandbox/config"
	run_busybox -- true
	assert_success
	no_holder
	[ ! -e "$holders" ]
}

@test "the next run needs no helper programs, and has the same ids" {
	local with without
	if is_sanitized; then
		skip "a sanitized program does not run under strace"
	fi
	keep_for 0
	without=$(ids_from_outside)
	keep_for 60s
	run_without_helpers true
	assert_error E_NEWIDMAP_REFUSED
	run_busybox -- true
	assert_success
	wait_until works_without_helpers sh -c 'id -u; chown 1234:4321 /etc && stat -c %u:%g /etc'
	assert_success $'0\n1234:4321'
	with=$(ids_from_outside)
	[ "$with" = "$without" ] || fail_with "with: $with, without: $without"
}

# Runs a command until it was given what the holder had ready.
run_with_ready() {
	was_ready() {
		sandbox --debug run "$BUSYBOX_TAR" "$@"
		[[ $stderr == *'the holder had namespaces ready'* ]]
	}
	wait_until was_ready "$@"
}

@test "what it has ready is a sandbox's own, and no other's" {
	local started=0 given=0 pids=() tool
	run_busybox -- true
	# The kernel gives the numbers of namespaces that have ended to others: all of these live at once. What is ready may
	# come too late for one.
	while [ "$given" -lt 5 ]; do
		started=$((started + 1))
		[ "$started" -le 50 ] || fail_with "$given of 50 were given what was ready"
		wait_until holder_is_alone
		"$SANDBOX" --debug run "$BUSYBOX_TAR" sh -c 'readlink /proc/self/ns/user; readlink /proc/self/ns/net; exec sleep 54322' \
			>"$BATS_TEST_TMPDIR/links.$started" 2>"$BATS_TEST_TMPDIR/debug" 3>&- &
		pids+=($!)
		wait_until grep -q '^net:' "$BATS_TEST_TMPDIR/links.$started"
		! grep -q 'the holder had namespaces ready' "$BATS_TEST_TMPDIR/debug" || given=$((given + 1))
	done
	for tool in "${pids[@]}"; do
		kill -KILL "$tool"
		wait "$tool" || true
	done
	[ "$(cat "$BATS_TEST_TMPDIR"/links.* <(readlink /proc/self/ns/user /proc/self/ns/net) | sort -u | wc -l)" = $((started * 2 + 2)) ]
}

@test "a sandbox of what was ready is like any other" {
	local with without
	keep_for 0
	look='cat /proc/net/dev /proc/sys/net/ipv4/ping_group_range /sys/class/net/lo/flags
		ls -A /sys/class/net; cat /proc/sys/user/max_user_namespaces; grep ^Cap /proc/self/status; id'
	run_busybox -- sh -c "$look"
	assert_success
	without=$output
	keep_for 60s
	run_busybox -- true
	run_with_ready sh -c "$look"
	with=$output
	[ "$with" = "$without" ] || fail_with "with: $with, without: $without"
	# 0x1 is up.
	[[ "$with" == *0x9* ]]
	# What of it is not asked for is left alone.
	run_with_ready true
	wait_until holder_is_alone
	run_busybox --net=host -- readlink /proc/self/ns/net
	assert_status 0
	assert_output "$(readlink /proc/self/ns/net)"
}

@test "its children end with it, and leave nothing" {
	run_busybox -- true
	kill -STOP "$(holder_pids)"
	# One that has just been started by the request that waits.
	"$SANDBOX" run "$BUSYBOX_TAR" true
	pkill -KILL -u "$(id -u)" -x sandbox-holder
	wait_until no_holder
	run_busybox -- true
	wait_until holder_is_alone
}

@test "inside, nothing is to be seen of it" {
	local own
	"$SANDBOX" run "$BUSYBOX_TAR" true
	# Neither is there a way up: NS_GET_PARENT. The user namespace above would be the holder's.
	sandbox run "$DEBIAN_TAR" perl -e 'open my $own, "<", "/proc/self/ns/user";
		print ioctl($own, 0xb702, 0) ? "a parent\n" : "$!\n"; print grep { /^\d+$/ && $_ != $$ } map { s,/proc/,,r } </proc/*>'
	assert_success $'Operation not permitted\n1'
	# The host's numbers are not told.
	run_busybox -- cat /proc/self/uid_map
	own=$(id -u)
	[[ "$output" != *" $own "* ]] || fail_with "the caller's id should not be seen"
}

@test "it is a process with nothing: no terminal, no environment, no capability, nobody's memory" {
	local pid
	SECRET=swordfish "$SANDBOX" run "$BUSYBOX_TAR" true
	pid=$(holder_pids)
	# PPID of who has no parent any more, a session of its own, no terminal.
	read -r session terminal < <(ps -o sid=,tty= -p "$pid")
	[ "$session" = "$pid" ]
	[ "$terminal" = '?' ]
	# Not dumpable: its descriptors and memory are closed even to its own user.
	run ! cat "/proc/$pid/environ"
	run ! ls "/proc/$pid/fd"
	grep -q '^CapEff:.0*$' "/proc/$pid/status"
	[ "$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$pid/status")" -le 200 ] || is_sanitized
	# Reachable by its user alone.
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/sandbox" "$holders")" = $'700\n700' ]
}

@test "it ends when nobody has asked for a while, and leaves nothing" {
	local before
	rm -f "$XDG_CONFIG_HOME/sandbox/config"
	before=$(settled_snapshot | grep -v "$XDG_RUNTIME_DIR/sandbox\|$XDG_CONFIG_HOME")
	keep_for 2
	sandbox --debug run "$BUSYBOX_TAR" true
	assert_status 0
	assert_stderr_has 'start a holder'
	# Those who only look do not keep it: without the setting, runs remove what dead holders left.
	rm "$XDG_CONFIG_HOME/sandbox/config"
	has_ended() {
		"$SANDBOX" run "$BUSYBOX_TAR" true && no_holder
	}
	wait_until has_ended
	[ -z "$(ls -A "$holders")" ]
	[ "$before" = "$(settled_snapshot | grep -v "$XDG_RUNTIME_DIR/sandbox\|$XDG_CONFIG_HOME")" ]
}

@test "a request prolongs it, also by another time" {
	keep_for 1
	"$SANDBOX" run "$BUSYBOX_TAR" true
	keep_for 60s
	"$SANDBOX" run "$BUSYBOX_TAR" true
	sleep 2
	holder_pids
}

@test "a dead one is replaced, and forgotten where none is wanted" {
	local first second
	run_busybox -- true
	first=$(holder_pids)
	kill -KILL "$first"
	wait_until no_holder
	[ "$(find "$holders" -type s | wc -l)" = 1 ]
	run_busybox -- id -u
	assert_success 0
	second=$(holder_pids)
	[ "$second" != "$first" ]
	[ "$(find "$holders" -type s | wc -l)" = 1 ]
	pkill -KILL -u "$(id -u)" -x sandbox-holder
	wait_until no_holder
	keep_for 0
	run_busybox -- true
	assert_success
	[ "$(find "$holders" -type s | wc -l)" = 0 ]
}

@test "a stopped one costs only the ordinary way" {
	local pid
	"$SANDBOX" run "$BUSYBOX_TAR" true
	pid=$(holder_pids)
	kill -STOP "$pid"
	sandbox --debug run "$BUSYBOX_TAR" sh -c 'chown 1234 /etc && stat -c %u /etc'
	kill -CONT "$pid"
	assert_status 0
	assert_output 1234
	assert_stderr_has 'no holder: ask the holder'
	[ "$(holder_pids)" = "$pid" ]
}

@test "another id map has another holder, and a single id has none" {
	run_busybox --userns=single -- true
	no_holder
	"$SANDBOX" run "$BUSYBOX_TAR" true
	run_busybox --uidmap 0:0:1 --uidmap 1:1:1000 -- true
	assert_success
	[ "$(holder_pids | wc -l)" = 2 ]
	# The limits of its maker bound what is inside of a user namespace.
	(ulimit -l 16 && "$SANDBOX" run "$BUSYBOX_TAR" true)
	[ "$(holder_pids | wc -l)" = 3 ]
}

# Two holders, with maps that look the same from inside; the first's socket is given to the second.
exchange_holders() {
	local first second
	"$1" run --uidmap 0:0:1 --uidmap 1:1:1000 "$BUSYBOX_TAR" true
	first=$(ls "$holders")
	"$1" run --uidmap 0:0:1 --uidmap 1:2:1000 "$BUSYBOX_TAR" true
	second=$(cd "$holders" && find . -type s ! -name "$first")
	mv "$holders/$second" "$holders/$first"
}

@test "what a holder gives is not believed: a wrong map is noticed" {
	local right
	keep_for 0
	right=$(ids_from_outside --uidmap 0:0:1 --uidmap 1:1:1000)
	keep_for 60s
	exchange_holders "$SANDBOX"
	[ "$(ids_from_outside --uidmap 0:0:1 --uidmap 1:1:1000)" = "$right" ]
	wait_until map_is_noticed
	# The control: without the look at the map, the ids would be others.
	program=$SANDBOX_SWITCHED
	export SANDBOX_TEST_REMOVE=verify-map
	wait_until ids_are_others "$right"
}

map_is_noticed() {
	sandbox --debug run --uidmap 0:0:1 --uidmap 1:1:1000 "$BUSYBOX_TAR" true
	[[ $stderr == *'the user namespace of the holder is of no use: check uid_map'* ]]
}

ids_are_others() {
	local ids
	ids=$(ids_from_outside --uidmap 0:0:1 --uidmap 1:1:1000)
	[ -n "$ids" ] && [ "$ids" != "$1" ]
}

@test "other files in the place of the socket" {
	run_busybox -- true
	local name
	name=$(ls "$holders")
	pkill -KILL -u "$(id -u)" -x sandbox-holder
	wait_until no_holder
	rm "$holders/$name"
	mkdir "$holders/$name"
	run_busybox -- id -u
	assert_success 0
	rmdir "$holders/$name"
	ln -s /proc/none "$holders/$name"
	run_busybox -- id -u
	assert_success 0
}

@test "a directory that is open to others is not used" {
	mkdir -p "$holders"
	chmod 0777 "$holders"
	run_busybox -- id -u
	assert_success 0
	no_holder
	chmod 0700 "$holders"
}

@test "sandbox reset ends it" {
	local before
	run_busybox -- true
	holder_pids
	kill -STOP "$(holder_pids)"
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache sandbox reset
	assert_success
	wait_until no_holder
	[ -z "$(ls -A "$holders")" ]
}

@test "many at once start one, and all work" {
	local pids=() pid
	for _ in {1..12}; do
		"$SANDBOX" run "$BUSYBOX_TAR" true &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	[ "$(holder_pids | wc -l)" = 1 ]
}

@test "killed while it starts a holder: nothing is left, and the next run works" {
	local point before
	keep_for 1
	before=$(settled_snapshot | grep -v "$XDG_RUNTIME_DIR/sandbox")
	for point in holder.cloned holder.bound holder.started; do
		SANDBOX_TEST_KILL_AT=$point capture "$SANDBOX_SWITCHED" run "$BUSYBOX_TAR" true
		assert_status 137
		wait_until no_holder
		run_busybox -- id -u
		assert_success 0
		wait_until no_holder
	done
	[ -z "$(ls -A "$holders")" ]
	[ "$before" = "$(settled_snapshot | grep -v "$XDG_RUNTIME_DIR/sandbox")" ]
	# Who is killed between is the stage alone: the ordinary way is left.
	SANDBOX_TEST_KILL_AT=stage.cloned capture "$SANDBOX_SWITCHED" run "$BUSYBOX_TAR" id -u
	assert_success 0
}

@test "a wrong duration is a mistake with the file and line" {
	keep_for soon
	run_busybox -- true
	assert_status 125
	assert_stderr_has 'config:1: '
	# It is about all runs, not one.
	rm "$XDG_CONFIG_HOME/sandbox/config"
	sandbox run --holder 5m "$BUSYBOX_TAR" true
	assert_status 125
}
