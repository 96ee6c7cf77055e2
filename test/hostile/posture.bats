#!/usr/bin/env bats
# What a payload can reach. The posture probe runs in worlds made with various options, on a host where
# everything is planted that it looks for; its rows are golden files in test/hostile/posture. Every
# defence is also removed, by a switch of the test build, and then exactly the rows change that the table
# test/hostile/posture/defences promises: so no row is what it is by chance.
#
# After a wanted change, new golden files (and the table's raw material, defences.new) come from
#   SANDBOX_POSTURE_UPDATE=1 test/driver -o test/hostile test/scripts/run-tap test/hostile/posture.bats
# and are then to be read line by line.
# takes long

# shellcheck disable=SC2154  # postures is set by posture.bash
load ../integration/helper
load posture

setup_file() {
	private_folders
	export POSTURE_TAR=$BATS_FILE_TMPDIR/posture.tar
	make_posture_image "$POSTURE_TAR"
}

# --- what SECURITY promises by name ------------------------------------------------------------------------

# The promises, which no update of a golden file can change. Rows of the default world.
promised() {
	cat <<-'ROWS'
		capabilities.inheritable 0000000000000000
		capabilities.permitted 00000000800405fb
		capabilities.effective 00000000800405fb
		capabilities.bounding 00000000800405fb
		capabilities.ambient 0000000000000000
		no_new_privs 1
		seccomp.mode 2
		call.unknown ENOSYS
		call.unknown_far ENOSYS
		i386.unknown ENOSYS
		i386.socketcall_alg ENOSYS
		i386.socketcall_unix ENOSYS
		i386.ipc ENOSYS
		x32.getpid ENOSYS
		x32.unshare_user ENOSYS
		nesting.limit 0
		nesting.limit_write EACCES
		nesting.unshare_user EPERM
		nesting.clone_user EPERM
		nesting.clone3_user ENOSYS
		nesting.clone3_plain ENOSYS
		nesting.user_and_mount EPERM
		nesting.user_and_proc EPERM
		keys.listed not listed
		descriptors.above_2 0
		descriptors.planted EBADF
		descriptors.planted_folder EBADF
		terminal.controlling ENXIO
		terminal.tiocsti_filter EPERM
		terminal.tiocsti_filter_high EPERM
		terminal.tioclinux_filter EPERM
		terminal.tioclinux_filter_high EPERM
		i386.tiocsti_filter EPERM
		environment.host_secret absent
		process.pid 3
		process.count 2
		process.host_pid ESRCH
		network.host_loopback ECONNREFUSED
		network.host_abstract_socket ECONNREFUSED
		network.host_path_socket ENOENT
		network.interfaces lo
		network.outside_world ENETUNREACH
		files.host_file ENOENT
		files.above_root itself
		ipc.host_segment EINVAL
		ipc.host_posix_shm ENOENT
		ipc.host_queue ENOENT
		names.hostname own
		host.connections none
		host.secret unchanged
		host.typed_bytes none
		host.processes_left none
	ROWS
}

assert_promised() {
	local file rows missing
	file=$(world "$1")
	rows=$(row_lines "$file" | tr '\t' ' ')
	missing=$("$2" | grep -vxF "$rows" | leave_out_absent_tables "$file") || true
	[ -z "$missing" ] || {
		echo "promised, but not so:"
		echo "$missing"
		return 1
	}
}

@test "the promises hold by default" {
	assert_promised default promised
}

@test "there are at least sixty rows" {
	local file
	file=$(world default)
	[ "$(row_lines "$file" | wc -l)" -ge 60 ]
}

# --- every row, in every world -----------------------------------------------------------------------------

@test "default" {
	assert_posture default
}

@test "default, of the program as it is installed" {
	assert_posture default@product
}

# A second command has what the first has, neither more nor less: but for its number, and the first beside it.
assert_exec_like() {
	local differing
	differing=$(differing_rows "$(world "$1")" "$(world "$2")")
	[ "$(cut -f 1 <<<"$differing")" = $'process.pid\nprocess.count' ] || {
		echo "$1 and $2 differ:"
		echo "$differing"
		return 1
	}
}

@test "sandbox exec" {
	assert_exec_like default exec
}

@test "sandbox exec, where the first command has less than by default" {
	assert_exec_like options exec-options
}

@test "--userns=single" {
	assert_posture single
}

@test "-u nobody" {
	assert_posture nobody
}

@test "--nesting" {
	assert_posture nesting
}

@test "--cap-drop ALL" {
	assert_posture no-capabilities
}

@test "--cap-add SYS_ADMIN, NET_RAW and SYS_PTRACE" {
	assert_posture more-capabilities
}

@test "--ulimit nofile=64:128" {
	assert_posture limits
}

@test "--preserve-fds 1" {
	assert_posture descriptors
}

@test "--userns=keep-id" {
	assert_posture keep-id
}

@test "--init=false" {
	assert_posture pid-1
}

@test "--read-only" {
	assert_posture read-only
}

@test "--security-opt no-new-privileges=false" {
	assert_posture new-privileges
}

@test "--security-opt seccomp=unconfined takes the filter away, and nothing else" {
	assert_same_posture unconfined default/seccomp
}

# What the profile that container tools ship promises of a sandbox with the default capabilities, besides what no
# filter gives. Nested user namespaces it allows: then their limit holds.
promised_by_profile() {
	cat <<-'ROWS'
		seccomp.mode 2
		no_new_privs 1
		call.unknown ENOSYS
		call.bpf EPERM
		call.perf_event_open EPERM
		call.userfaultfd EPERM
		call.open_by_handle_at EPERM
		call.init_module EPERM
		call.kexec_load EPERM
		call.io_uring_setup ENOSYS
		call.personality_read_exec ENOSYS
		call.personality_linux32 ok
		nesting.unshare_user ENOSPC
		nesting.user_and_mount ENOSPC
		mounting.tmpfs EPERM
		mounting.fsopen EPERM
		socket.netlink_audit EINVAL
		i386.unknown ENOSYS
		i386.bpf EPERM
		i386.mount ENOENT
		i386.unshare_user ENOSPC
		i386.socketcall_unix ENOSYS
		i386.socketcall_alg ENOSYS
		i386.ipc ok
		x32.getpid ENOSYS
		x32.unshare_user ENOSYS
		host.secret unchanged
	ROWS
}

# The same with SYS_ADMIN in the bounding set, where its conditions make a difference.
promised_by_profile_with_admin() {
	cat <<-'ROWS'
		seccomp.mode 2
		call.bpf E2BIG
		call.fanotify_init ok
		call.init_module EPERM
		call.kcmp EPERM
		mounting.tmpfs ok
		mounting.fsopen ok
		i386.bpf E2BIG
		i386.init_module EPERM
		i386.socketcall_unix ENOSYS
	ROWS
}

@test "--security-opt seccomp= with the profile of container tools" {
	[ -r "$shipped_profile" ] || skip "golang-github-containers-common is not installed"
	assert_promised profile promised_by_profile
}

@test "the same profile opens by its conditions on capabilities" {
	[ -r "$shipped_profile" ] || skip "golang-github-containers-common is not installed"
	assert_promised profile-with-admin promised_by_profile_with_admin
}

@test "--security-opt unmask=ALL takes the masks away, and nothing else" {
	assert_same_posture unmasked default/mask-paths,readonly-paths
}

@test "--net=host takes the network namespace away, and nothing else" {
	assert_rows_change default/net-namespace host-network names.name_servers
}

# What the host has is as far away as ever.
@test "--net adds an interface, its routes and the name servers, and nothing else" {
	pasta_works || skip 'this user cannot connect a sandbox with pasta'
	assert_rows_change default pasta names.name_servers network.interfaces network.outside_world network.routes
}

# A busy machine may not let it answer in time: then the command has the number that it has without.
seen_through_holder() {
	rm -f "$BATS_FILE_TMPDIR/world-$2"
	differing_rows "$(world "$1")" "$(world "$2")" >"$BATS_TEST_TMPDIR/differing"
	grep -q $'^process\\.pid\t' "$BATS_TEST_TMPDIR/differing"
}

# As without one, in every row but the command's number: the thread that makes the network namespace is not needed. The
# first run starts the holder, the others go through it.
assert_posture_through_holder() {
	echo 'holder = 60s' >"$BATS_FILE_TMPDIR/holder"
	capture "$SANDBOX_SWITCHED" --debug --config "$BATS_FILE_TMPDIR/holder" run "${@:3}" "$POSTURE_TAR" true
	assert_stderr_has 'start a holder'
	wait_until seen_through_holder "$1" "$2"
	refute grep -v '^process\.pid' "$BATS_TEST_TMPDIR/differing"
	pkill -KILL -u "$(id -u)" -x sandbox-holder
}

@test "through a holder" {
	assert_posture_through_holder default holder
}

@test "through a holder with --userns=keep-id" {
	assert_posture_through_holder keep-id holder-keep-id --userns=keep-id:uid=1000,gid=1000
}

@test "all on a terminal" {
	assert_posture terminal
}

# --- every defence, removed --------------------------------------------------------------------------------

@test "without pid-namespace" {
	assert_defence "pid-namespace"
}

@test "without ipc-namespace" {
	assert_defence "ipc-namespace"
}

@test "without uts-namespace" {
	assert_defence "uts-namespace"
}

@test "without net-namespace" {
	assert_defence "net-namespace"
}

@test "without cgroup-namespace" {
	assert_defence "cgroup-namespace"
}

@test "without detach-old-root" {
	assert_defence "detach-old-root"
}

@test "without mask-paths" {
	assert_defence "mask-paths"
}

@test "without readonly-paths" {
	assert_defence "readonly-paths"
}

@test "without nosuid" {
	assert_defence "nosuid"
}

@test "without no-new-privs with seccomp" {
	assert_defence "no-new-privs with seccomp"
}

@test "without no-new-privs with nosuid,seccomp" {
	assert_defence "no-new-privs with nosuid,seccomp"
}

@test "without nosuid with no-new-privs,seccomp" {
	assert_defence "nosuid with no-new-privs,seccomp"
}

@test "without nosuid with no-new-privs,seccomp in nobody" {
	assert_defence "nosuid with no-new-privs,seccomp in nobody"
}

@test "without max-user-namespaces" {
	assert_defence "max-user-namespaces"
}

@test "without max-user-namespaces with namespace-calls" {
	assert_defence "max-user-namespaces with namespace-calls"
}

@test "without capabilities" {
	assert_defence "capabilities"
}

@test "without capabilities with namespace-calls" {
	assert_defence "capabilities with namespace-calls"
}

@test "without old-groups" {
	assert_defence "old-groups"
}

@test "without dumpable" {
	assert_defence "dumpable"
}

@test "without dumpable with capabilities" {
	assert_defence "dumpable with capabilities"
}

@test "without close-fds with close-inherited" {
	assert_defence "close-fds with close-inherited"
}

@test "without close-inherited with close-fds" {
	assert_defence "close-inherited with close-fds"
}

@test "without environment" {
	assert_defence "environment"
}

@test "without setsid" {
	assert_defence "setsid"
}

@test "without setsid with terminal,tiocsti" {
	assert_defence "setsid with terminal,tiocsti"
}

@test "without terminal" {
	assert_defence "terminal"
}

@test "without terminal in terminal" {
	assert_defence "terminal in terminal"
}

@test "without title" {
	assert_defence "title"
}

@test "without signals" {
	assert_defence "signals"
}

@test "without umask" {
	assert_defence "umask"
}

@test "without output" {
	assert_defence "output"
}

@test "without keyring with key-calls" {
	assert_defence "keyring with key-calls"
}

@test "without rlimits in limits" {
	assert_defence "rlimits in limits"
}

@test "without seccomp" {
	assert_defence "seccomp"
}

@test "without seccomp-compat" {
	assert_defence "seccomp-compat"
}

@test "without seccomp-unknown" {
	assert_defence "seccomp-unknown"
}

@test "without namespace-calls" {
	assert_defence "namespace-calls"
}

@test "without namespace-calls with max-user-namespaces" {
	assert_defence "namespace-calls with max-user-namespaces"
}

@test "without namespace-calls with capabilities" {
	assert_defence "namespace-calls with capabilities"
}

@test "without socket-families" {
	assert_defence "socket-families"
}

@test "without tiocsti" {
	assert_defence "tiocsti"
}

@test "without tiocsti with setsid,terminal" {
	assert_defence "tiocsti with setsid,terminal"
}

@test "without key-calls" {
	assert_defence "key-calls"
}

@test "without multiplexers" {
	assert_defence "multiplexers"
}

@test "without personality" {
	assert_defence "personality"
}

@test "without io-uring" {
	assert_defence "io-uring"
}

@test "without userfaultfd" {
	assert_defence "userfaultfd"
}

@test "without bpf" {
	assert_defence "bpf"
}

@test "without perf" {
	assert_defence "perf"
}

@test "without file-handles" {
	assert_defence "file-handles"
}

@test "without kernel-log" {
	assert_defence "kernel-log"
}

@test "without kernel-calls" {
	assert_defence "kernel-calls"
}

@test "without other-processes" {
	assert_defence "other-processes"
}

@test "without numa" {
	assert_defence "numa"
}

@test "without chroot in no-capabilities" {
	assert_defence "chroot in no-capabilities"
}

@test "without fanotify" {
	assert_defence "fanotify"
}

@test "without reboot with capabilities" {
	assert_defence "reboot with capabilities"
}

# --- controls -----------------------------------------------------------------------------------------------

# What the same probe finds when nothing protects it: the plants are there, and can be found.
found_outside() {
	cat <<-'ROWS'
		descriptors.planted ok
		descriptors.planted_folder ok
		descriptors.stdin host's terminal
		environment.host_secret visible
		files.host_file ok
		ipc.host_posix_shm ok
		ipc.host_queue ok
		ipc.host_segment ok
		keys.session_search ok
		keys.read_by_number ok
		keys.listed listed
		names.hostname the host's
		namespace.user the host's
		namespace.mount the host's
		nesting.unshare_user ok
		nesting.user_and_mount ok
		network.host_loopback ok
		network.host_abstract_socket ok
		network.host_path_socket ok
		process.host_pid ok
		process.host_environment ok
		process.umask 0027
		terminal.controlling ok
		i386.unshare_user ok
		host.connections tcp abstract path
		host.secret unchanged
	ROWS
}

@test "outside of any sandbox the probe finds what was planted" {
	local file rows missing
	file=$(world bare)
	rows=$(row_lines "$file" | tr '\t' ' ')
	missing=$(found_outside | grep -vxF "$rows" | leave_out_absent_tables "$file") || true
	[ -z "$missing" ] || {
		echo "planted, but not found:"
		echo "$missing"
		return 1
	}
}

# The world has so many other rows that the probe could not mistake it for ours.
assert_other_posture() {
	local ours theirs
	ours=$(world default)
	theirs=$(world "$1")
	[ "$(differing_rows "$ours" "$theirs" | wc -l)" -ge 60 ]
}

@test "unshare(1) has another posture" {
	assert_other_posture unshare
}

@test "bubblewrap has another posture" {
	command -v bwrap >/dev/null || skip "bubblewrap is not installed"
	assert_other_posture bubblewrap
}

# A row that is the same in every world says nothing about any. test/hostile/posture/constant names the few
# that must be, with the reason.
@test "every row can be different" {
	local ours name file
	ours=$(world default)
	row_lines "$ours" | grep -q '^i386\.getpid.ok$' || skip 'the list of constant rows is of kernels with i386 system calls'
	for name in single nobody nesting no-capabilities more-capabilities limits descriptors terminal bare \
		empty unshare careless; do
		world "$name" >/dev/null
	done
	for file in "$BATS_FILE_TMPDIR"/world-*; do
		differing_rows "$ours" "$file" | cut -f 1
	done | sort -u >"$BATS_TEST_TMPDIR/variable"
	row_lines "$ours" | cut -f 1 | sort | comm -23 - "$BATS_TEST_TMPDIR/variable" >"$BATS_TEST_TMPDIR/constant"
	sed '/^#/d; s/?$//' "$postures/constant" | sort | comm -13 - "$BATS_TEST_TMPDIR/constant" >"$BATS_TEST_TMPDIR/unknown"
	[ ! -s "$BATS_TEST_TMPDIR/unknown" ] || {
		echo "the same in every world, so they show nothing:"
		cat "$BATS_TEST_TMPDIR/unknown"
		return 1
	}
	sed '/^#/d; /?$/d' "$postures/constant" | sort | comm -23 - "$BATS_TEST_TMPDIR/constant" >"$BATS_TEST_TMPDIR/varied"
	[ ! -s "$BATS_TEST_TMPDIR/varied" ] || {
		echo "not constant after all, to be taken off the list:"
		cat "$BATS_TEST_TMPDIR/varied"
		return 1
	}
}
