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
	assert_status 125
	assert_stderr_has /proc/sys/net/no/such/key
}

@test "options that are not known are refused" {
	local option
	for option in nonsense seccomp= no-new-privileges=maybe mask=relative unmask=/a/../b; do
		run_busybox --security-opt "$option" -- true
		assert_status 125
		assert_stderr_has 'fix: '
	done
}
