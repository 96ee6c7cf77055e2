# World "systemd-full": the drop-in gives the user manager every controller of the kernel.

load works

manager=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

@test "every controller of cpu, cpuset, io, memory and pids is delegated" {
	# user-mode-linux has one processor and no cpuset.
	wanted=$(grep -owE 'cpu|cpuset|io|memory|pids' /sys/fs/cgroup/cgroup.controllers | sort)
	[ "$(tr ' ' '\n' <"$manager/cgroup.controllers" | sort)" = "$wanted" ]
	grep -qw io "$manager/cgroup.controllers"
	[ -d /sys/module/virtio_blk ] || return 0
	grep -qw cpuset "$manager/cgroup.controllers"
}

@test "a scope of the user manager can limit io" {
	systemd-run --user --scope --quiet --property Delegate=yes bash -euc '
		cgroup=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
		mkdir "$cgroup/supervisor" "$cgroup/payload"
		echo $$ >"$cgroup/supervisor/cgroup.procs"
		echo "+io +memory" >"$cgroup/cgroup.subtree_control"
		device=$(stat -c "%Hd:%Ld" "$HOME")
		echo "$device wbps=1048576" >"$cgroup/payload/io.max"
		(echo $BASHPID >"$cgroup/payload/cgroup.procs" &&
			exec dd if=/dev/zero of="$HOME/written" bs=256k count=12 oflag=direct status=none)
		rm "$HOME/written"
		grep -q "^$device .*wbytes=3145728" "$cgroup/payload/io.stat"'
}

@test "sandbox runs" {
	run_busybox -- echo works
	assert_success works
}
