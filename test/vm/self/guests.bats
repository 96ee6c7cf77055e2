# The level "vm" tested on itself: whatever goes wrong in a guest is a failure of the run, and an interrupted
# run leaves nothing behind.

bats_require_minimum_version 1.5.0

# Runs in one guest: $status, $output.
check() {
	run env WORLD= T= VM=uml "$@" test/vm/check
	echo "$output"
}

counts() {

	tail -n 1 <<<"$output"
}

# The worlds of this folder exist for its tests only.
check_world() {
	check WORLD="../self/$1" T=guest "${@:2}"
}

@test "a failing test is a failure, through user-mode-linux" {
	check T=fails
	[ "$status" = 1 ]
	[ "$(counts)" = "1 passed, 1 failed, 0 skipped" ]
	[[ $output == *"not ok 2 this fails on purpose"* ]]
}

@test "a failing test is a failure, through QEMU" {
	check T=fails VM=qemu
	[ "$status" = 1 ]
	[ "$(counts)" = "1 passed, 1 failed, 0 skipped" ]
	[[ $output == *"not ok 2 this fails on purpose"* ]]
}

@test "a guest that dies is a failure, and its console is shown" {
	check_world dies
	[ "$status" = 1 ]
	[ "$(counts)" = "0 passed, 1 failed, 0 skipped" ]
	[[ $output == *"without the status"* ]]
	[[ $output == *"Kernel panic"* ]]
}

@test "a guest that ends without a status is a failure" {
	check_world silent
	[ "$status" = 1 ]
	[ "$(counts)" = "0 passed, 1 failed, 0 skipped" ]
	[[ $output == *"without the status"* ]]
}

@test "a guest that hangs is a failure in the end" {
	check_world hangs VM_SECONDS=8
	[ "$status" = 1 ]
	[ "$(counts)" = "0 passed, 1 failed, 0 skipped" ]
	[[ $output == *"did not end in time"* ]]
}

@test "a test file that does not exist is an error" {
	check T=no-such-file
	[ "$status" = 1 ]
	[[ $output == *"no test file is called no-such-file.bats"* ]]
}

# The pids of a process and all that it started.
descendants() {
	local child
	echo "$1"
	for child in $(pgrep -P "$1"); do
		descendants "$child"
	done
}

all_gone() {
	local process
	for process in "$@"; do
		[ ! -d "/proc/$process" ] || grep -q '^State:.*[XZ]' "/proc/$process/status" || return 1
	done
}

# A minute at most: before the guest there are checksums, and the source to be packed.
wait_until() {
	local i
	for ((i = 0; i < 1200; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	return 1
}

# Whether the machine itself has begun, and of user-mode-linux its helpers, too.
guest_runs() {
	local pattern='^qemu-system' least=1
	[ "$machine" = qemu ] || pattern='^linux.uml' least=3
	mapfile -t processes < <(descendants "$1")
	[ "$(ps -o comm= -p "$(IFS=, && echo "${processes[*]}")" | grep -c "$pattern")" -ge "$least" ]
}

# usage: interrupt SIGNAL MACHINE [COMMAND…]
interrupt() {
	local processes driver machine=$2 signal=$1 TMPDIR=$BATS_TEST_TMPDIR/tmp
	shift 2
	mkdir "$TMPDIR"
	env -u MAKEFLAGS -u MAKELEVEL WORLD=../self/hangs T=guest VM="$machine" "${@:-test/vm/check}" >/dev/null 2>&1 3>&- &
	driver=$!
	wait_until guest_runs "$driver"
	kill -s "$signal" "$driver"
	wait "$driver" || true
	wait_until all_gone "${processes[@]}"
	[ -z "$(ls "$TMPDIR")" ]
	[ -z "$(find /dev/shm /tmp -maxdepth 1 -user "$(id -un)" -name 'vm_file*')" ]
}

@test "a run that is killed leaves no process and no file" {
	interrupt KILL uml
}

@test "nor does one in QEMU" {
	interrupt KILL qemu
}

@test "nor does one whose make is killed" {
	interrupt KILL uml make check-vm
}

@test "a run that is terminated leaves no process and no file" {
	interrupt TERM uml
}

@test "a run whose terminal is gone leaves no process and no file" {
	interrupt HUP uml
}
