# --security-opt and --sysctl: what each changes, what it leaves, and what is refused.
# shellcheck shell=bash

load helper

@test "by default the filter and no_new_privs are on, and the root is nosuid" {
	run_busybox -- sh -c 'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status; grep -c "^overlay / .*nosuid" /proc/mounts'
	assert_success $'NoNewPrivs:\t1\nSeccomp:\t2\n1'
}

@test "seccomp=unconfined takes the filter away, and nothing else" {
	run_busybox --security-opt seccomp=unconfined -- grep -E '^(NoNewPrivs|Seccomp|CapBnd):' /proc/self/status
	assert_success $'CapBnd:\t00000000800405fb\nNoNewPrivs:\t1\nSeccomp:\t0'
}

@test "no-new-privileges=false keeps the filter, and makes set-user-ID programs work" {
	run_busybox --security-opt no-new-privileges=false -- grep -E '^(NoNewPrivs|Seccomp|CapBnd):' /proc/self/status
	assert_success $'CapBnd:\t00000000800405fb\nNoNewPrivs:\t0\nSeccomp:\t2'
	local root=$BATS_TEST_TMPDIR/root archive=$BATS_TEST_TMPDIR/suid.tar
	mkdir "$root"
	tar -xf "$BUSYBOX_TAR" -C "$root"
	install -m 4755 "$HELPERS/ids" "$root/ids"
	tar --owner=0 --group=0 --mode=a+rX -cf "$archive" -C "$root" .
	sandbox run -u 1000 --security-opt no-new-privileges=false "$archive" /ids
	assert_success '1000 0'
	sandbox run -u 1000 "$archive" /ids
	assert_success '1000 1000'
}

# --- profiles of system calls --------------------------------------------------------------------------------

# The profile that container tools ship, as their package has it.
shipped=/usr/share/containers/seccomp.json

# A profile with these entries, all else allowed.
deny_profile() {
	printf '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [%s]}\n' "$1" >"$BATS_TEST_TMPDIR/profile.json"
}

@test "seccomp=default is what there is without it" {
	run_busybox --security-opt seccomp=unconfined --security-opt seccomp=default -- grep '^Seccomp:' /proc/self/status
	assert_success $'Seccomp:\t2'
	sandbox run --dry-run --security-opt seccomp=default "$BUSYBOX_TAR"
	assert_output_has 'all others refused; '
}

@test "seccomp=FILE takes the place of our own filter" {
	deny_profile '{"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"},
		{"names": ["symlink", "symlinkat"], "action": "SCMP_ACT_ERRNO", "errno": "EXDEV"}'
	cd "$BATS_TEST_TMPDIR"
	run_busybox --security-opt seccomp=profile.json -- sh -c 'grep "^Seccomp:" /proc/self/status; ln -s a b; ls b'
	assert_status 1
	assert_output $'Seccomp:\t2'
	assert_stderr_has 'cross-device link'
	run_busybox --security-opt seccomp="$PWD/profile.json" -- hostname other
	assert_status $((128 + 31))
	run_busybox -- hostname other
	assert_status 1
	sandbox run --dry-run --security-opt seccomp=profile.json "$BUSYBOX_TAR"
	assert_output_has 'profile profile.json: 3 rules in force, 0 of them by argument'
}

@test "a profile's conditions on capabilities look at the sandbox's own" {
	[ -r "$shipped" ] || skip "golang-github-containers-common is not installed"
	local run=(--security-opt "seccomp=$shipped")
	run_busybox "${run[@]}" -- sh -c 'id -u; ls / >/dev/null; grep "^Seccomp:" /proc/self/status; chroot / true'
	assert_success $'0\nSeccomp:\t2'
	run_busybox "${run[@]}" --cap-drop SYS_CHROOT -- chroot / true
	assert_status 1
	assert_stderr_has 'Operation not permitted'
	run_busybox "${run[@]}" -- mount -t tmpfs none /tmp
	assert_status 1
	run_busybox "${run[@]}" --cap-add SYS_ADMIN -- sh -c 'mount -t tmpfs none /tmp && grep -c "^none /tmp tmpfs" /proc/mounts'
	assert_success 1
}

@test "a profile that refuses to start anything says so" {
	deny_profile '{"names": ["execve", "execveat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}'
	run_busybox --security-opt seccomp="$BATS_TEST_TMPDIR/profile.json" -- true
	assert_status 126
	assert_stderr_has 'Operation not permitted'
}

@test "a profile that cannot be held is an error before anything is made" {
	private_folders_are_empty() {
		[ -z "$(find "$XDG_CACHE_HOME" "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR" -mindepth 1 2>/dev/null)" ]
	}
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/runtime
	mkdir -m 0700 "$XDG_RUNTIME_DIR"
	local profile=$BATS_TEST_TMPDIR/profile.json case
	for case in '{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}' '{"names": ["muont"], "action": "SCMP_ACT_ERRNO"}' \
		'{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "exclude": {}}' nonsense; do
		deny_profile "$case"
		run_busybox --security-opt seccomp="$profile" -- true
		assert_error E_SECCOMP_PROFILE
		assert_stderr_has "$profile"
		private_folders_are_empty
	done
	for case in /proc/none /etc /dev/zero; do
		run_busybox --security-opt seccomp="$case" -- true
		assert_error E_SECCOMP_PROFILE
		assert_stderr_has "$case"
	done
	head -c 2000000 /dev/zero | tr '\0' ' ' >"$profile"
	run_busybox --security-opt seccomp="$profile" -- true
	assert_error E_SECCOMP_PROFILE
	private_folders_are_empty
}

# --- masks, settings -------------------------------------------------------------------------------------------

@test "mask= hides files and folders of the image, and unmask= shows what is hidden" {
	run_busybox --security-opt mask=/etc/os-release:/home -- sh -c 'cat /etc/os-release; ls /home; echo end'
	assert_success end
	run_busybox -- sh -c 'head -c 1 /proc/timer_list | wc -c; touch /proc/sys/kernel/domainname'
	assert_status 1
	assert_output 0
	run_busybox --security-opt unmask=/proc/sys -- grep -c ' /proc/sys ' /proc/self/mounts
	assert_output 0
	run_busybox --security-opt unmask=ALL -- grep -c ' /proc/' /proc/self/mounts
	assert_output 0
	run_busybox -- grep -c ' /proc/' /proc/self/mounts
	[ "$output" -gt 3 ]
}

@test "mask= of what is not there is an error: nobody shall believe that it is hidden" {
	run_busybox --security-opt mask=/etc/os-release:/no/such/file -- true
	assert_error 'mask /no/such/file'
	assert_stderr_has 'security-opt mask='
}

@test "--sysctl sets what belongs to the sandbox, and nothing of the host" {
	run_busybox --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmni=77 -- \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni
	assert_success $'1\n77'
	local key
	for key in kernel.panic=1 vm.swappiness=1 net=1 net..x=1 net/../kernel/panic=1 kernel.shmmni; do
		run_busybox --sysctl "$key" -- true
		assert_status 125
		assert_stderr_has 'fix: '
	done
	run_busybox --sysctl net.no.such.key=1 -- true
	assert_error 'no such setting'
	assert_stderr_has /proc/sys/net/no/such/key
}

@test "options that are not known are refused" {
	local option
	for option in nonsense seccomp= no-new-privileges=maybe mask=relative unmask=/a/../b; do
		run_busybox --security-opt "$option" -- true
		assert_error "--security-opt \"$option\""
	done
}
