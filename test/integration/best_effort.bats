# --limits best-effort: limits that are watched from outside, on a machine where nobody delegates a group.

# shellcheck disable=SC2154  # bats sets stderr
load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

# The options of all these; no group, so that they say the same wherever they run.
watched() {
	run_busybox --cgroups none --limits best-effort -v "$HELPERS:/helpers:ro" --summary="$BATS_TEST_TMPDIR/receipt" "$@"
}

receipt() {
	jq -r "$1" "$BATS_TEST_TMPDIR/receipt"
}

# The bomb of this kind, of a gigabyte or 400 processes, is ended before it is done.
assert_exceeded() {
	assert_status 137
	assert_output ''
	[ "$(receipt .cause)" = limit ] || fail_with "the cause should be a limit: $(receipt .cause)"
	[ "$(receipt .exceeded)" = "$1" ] || fail_with "the limit should be --$1: $(receipt .exceeded)"
}

@test "a bomb of private memory" {
	watched -m 64m -- /helpers/bomb anonymous 1000
	assert_exceeded memory
}

@test "a bomb of shared memory" {
	watched -m 64m -- /helpers/bomb shared 1000
	assert_exceeded memory
}

@test "a memfd, which no process has mapped" {
	watched -m 64m -- /helpers/bomb memfd 1000
	assert_exceeded memory
}

@test "segments that no process is attached to" {
	watched -m 64m -- /helpers/bomb segment 1000
	assert_exceeded memory
}

@test "a file in /dev/shm, or a tmpfs" {
	watched -m 64m --shm-size 1g -- /helpers/bomb file 1000 /dev/shm/bomb
	assert_exceeded memory
	watched -m 64m --tmpfs /bombs:size=1g -- /helpers/bomb file 1000 /bombs/bomb
	assert_exceeded memory
}

@test "a file in the writable layer" {
	tmpfs_holds_layers || skip 'the writable layer is on disk here'
	watched -m 64m --storage-size 1g -- /helpers/bomb file 1000 /bomb
	assert_exceeded memory
}

@test "memory shared out among many processes" {
	watched -m 64m -- sh -c 'for i in $(seq 10); do /helpers/bomb hold 16 /tmp/held & done; wait; echo survived'
	assert_exceeded memory
}

@test "in a thread that has outlived the first of its process" {
	watched -m 64m -- /helpers/bomb orphaned 1000
	assert_exceeded memory
}

@test "a memfd that only a thread with descriptors of its own has" {
	watched -m 64m -- /helpers/bomb descriptors 1000
	assert_exceeded memory
}

# Neither half is too much. The list of mappings has more than 100 megabytes.
@test "a file, and a mapping as large, among thousands" {
	watched -m 64m -- /helpers/bomb scattered 40 /dev/shm/file
	assert_exceeded memory
}

@test "processes, in sessions of their own and of many users" {
	local how
	for how in fork setsid uids; do
		watched --pids-limit 40 -- /helpers/bomb "$how" 400
		assert_exceeded pids-limit
	done
}

@test "also where the command is PID 1" {
	watched -m 64m --init=false -- /helpers/bomb anonymous 1000
	assert_exceeded memory
	watched --pids-limit 40 --init=false -- /helpers/bomb fork 400
	assert_exceeded pids-limit
}

@test "what is below the limit runs to its end, and counts once" {
	watched -m 64m --pids-limit 40 -- /helpers/bomb anonymous 40
	assert_success survived
	[ "$(receipt .cause)" = exit ]
	# 40 MB that are in a tmpfs and mapped as well would be 80 if they counted twice.
	watched -m 64m --tmpfs /data:size=100m -- /helpers/bomb mapped 40 /data/file
	assert_success survived
	watched -m 64m -- /helpers/bomb shared 40
	assert_success survived
}

# kcmp(2) of this process and itself; 312 is its number on this architecture, and 1 is KCMP_VM.
kernel_compares_memory() {
	python3 -c 'import ctypes, os; exit(ctypes.CDLL(None).syscall(312, os.getpid(), os.getpid(), 1, 0, 0) != 0)'
}

@test "whoever starts a program as shells and language runtimes do counts once" {
	kernel_compares_memory || skip 'this kernel has no kcmp(2): nothing tells such a child from a copy'
	watched -m 64m -- /helpers/bomb lent 40
	assert_success survived
}

@test "a limit that nobody can watch stays an error" {
	local option
	for option in '--cpus 1' '--cpu-weight 50' '--cpuset-cpus 0' '--io-weight 50' '--memory-high 64m' '-m 64m --memory-swap 96m'; do
		# shellcheck disable=SC2086
		run_busybox --cgroups none --limits best-effort $option -- true
		assert_error E_LIMIT_UNAVAILABLE
	done
}

@test "--require wants the kernel's own limits" {
	run_busybox --cgroups none --limits best-effort -m 64m --require memory -- true
	assert_error E_REQUIRED
	run_busybox --cgroups none --limits best-effort --pids-limit 40 --require pids -- true
	assert_error E_REQUIRED
}

@test "the plan and the receipt call it sampled" {
	run_busybox --dry-run --cgroups none --limits best-effort -m 64m -- true
	assert_status 0
	assert_output_has 'sampled'
	watched -m 64m -- true
	assert_success ''
	[ "$(receipt '.limits[] | .name + " " + .requested + " " + .effective')" = 'memory 67108864 sampled' ]
}

@test "nothing is left of what was ended" {
	local before
	before=$(settled_snapshot)
	watched --pids-limit 40 -- /helpers/bomb uids 400
	assert_exceeded pids-limit
	watched -m 64m -- /helpers/bomb memfd 1000
	assert_exceeded memory
	assert_no_leftovers "$before"
}
