# Limits that the kernel holds, wherever a group is delegated to us; test/vm has the worlds where that is so.

# shellcheck disable=SC2154,SC2030,SC2031  # bats sets stderr; each test has a SANDBOX of its own
load helper
load groups

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
	# Who holds what here, as the plan has it: "systemd, below /sys/fs/cgroup/…".
	export CONTROLLERS=
	local controller option
	for controller in memory:--memory-high=1g pids:--pids-limit=100 cpu:--cpus=1 io:--device-read-bps=/:1g; do
		option=${controller#*:}
		! "$SANDBOX" run --dry-run "${option%%=*}" "${option#*=}" "$BUSYBOX_TAR" true >/dev/null 2>&1 ||
			CONTROLLERS+=" ${controller%%:*}"
	done
}

# In these worlds nothing may be left out.
needs() {
	local controller promised
	case ${SANDBOX_WORLD:-none} in
	systemd) promised='memory pids cpu' ;;
	systemd-full | delegated) promised='memory pids cpu io' ;;
	*) promised= ;;
	esac
	for controller; do
		[[ " $CONTROLLERS " != *" $controller "* ]] || continue
		[[ " $promised " != *" $controller "* ]] || fail_with "this world has the controller $controller"
		skip "nothing delegates the controller $controller to us here"
	done
}

# A bomb of so many megabytes: dd's buffer.
allocate() {
	echo "dd if=/dev/zero of=/dev/null bs=$1M count=1 2>/dev/null"
}

@test "the plan says who makes the group, and the limits" {
	needs memory
	run_busybox --dry-run -m 64m -- true
	assert_status 0
	assert_output_has 'memory.max = 67108864'
	assert_output_has 'held by the kernel'
	[[ $output =~ (delegated|systemd),\ below ]] || fail_with "the plan should name who makes the group"
}

@test "a sandbox sees its own limits, and no group but its own" {
	needs memory pids cpu
	run_busybox -m 64m --memory-swap 64m --pids-limit 99 --cpus 0.5 --cpu-weight 50 -- sh -c '
		cd /sys/fs/cgroup && cat memory.max pids.max cpu.max cpu.weight /proc/self/cgroup && ls -d */ 2>/dev/null'
	assert_output $'67108864\n99\n50000 100000\n50\n0::/'
	assert_no_groups
}

@test "a memory bomb ends the whole sandbox at the limit" {
	needs memory
	run_busybox -m 64m --memory-swap 64m -- sh -c "$(allocate 32) && echo small; $(allocate 300); echo survived"
	assert_status 137
	assert_output small
	assert_no_groups
}

# In a guest, which is thrown away.
make_swap() {
	sudo dd if=/dev/zero of=/swapfile bs=1M count=160 status=none
	sudo chmod 0600 /swapfile
	sudo mkswap /swapfile >/dev/null
	sudo swapon /swapfile
}

@test "swap is what was asked for, and no more; where nobody counts it memory is not promised either" {
	needs memory
	[ -n "${SANDBOX_WORLD:-}" ] || skip 'adding swap is for the guests'
	make_swap
	run_busybox -m 32m --memory-swap 96m -- sh -c "cat /sys/fs/cgroup/memory.swap.max; $(allocate 64); echo swapped"
	assert_success $'67108864\nswapped'
	run_busybox -m 32m --memory-swap 96m -- sh -c "$(allocate 120); echo survived"
	assert_status 137
	run_busybox -m 32m --memory-swap -1 -- sh -c "$(allocate 120); echo survived"
	assert_success survived
	run_busybox -m 32m --memory-swap 32m -- sh -c "$(allocate 48); echo survived"
	assert_status 137
	export SANDBOX_TEST_REMOVE=swap-accounting
	SANDBOX=$SANDBOX_SWITCHED
	run_busybox -m 32m -- true
	assert_error E_LIMIT_UNAVAILABLE
	run_busybox -m 32m --memory-swap 64m -- true
	assert_error E_LIMIT_UNAVAILABLE
	run_busybox -m 32m --memory-swap -1 -- true
	assert_success ''
	sudo swapoff /swapfile
	run_busybox -m 32m -- true
	assert_success ''
}

@test "a bomb of many processes, too" {
	needs memory
	run_busybox -m 64m --memory-swap 64m -- sh -c "for i in 1 2 3 4 5 6 7 8; do $(allocate 16) & done; wait; echo survived" 
	[ "$output" = survived ] || assert_status 137
	run_busybox -m 32m --memory-swap 32m -- sh -c "(sleep 50; echo other-survived) & $(allocate 300); wait; echo survived"
	assert_status 137
	assert_output ''
}

@test "what is written to a tmpfs counts" {
	needs memory
	run_busybox -m 32m --memory-swap 32m --shm-size 200m -- sh -c 'head -c 100000000 /dev/zero >/dev/shm/bomb; echo survived'
	assert_status 137
}

@test "a fork bomb stops at the limit" {
	needs pids
	run_busybox --pids-limit 20 -- sh -c '
		for i in $(seq 40); do sleep 20 & done 2>/dev/null
		echo unreachable'
	assert_output ''
	[ "$status" != 0 ] || fail_with 'the shell cannot have forked'
	run_busybox --pids-limit 20 -- sh -c '(for i in $(seq 40); do sleep 20 & done) 2>/dev/null; cat /sys/fs/cgroup/pids.current
		sed -n "s/^max //p" /sys/fs/cgroup/pids.events'
	[ "${lines[0]}" -le 20 ] || fail_with 'there are too many processes'
	[ "${lines[1]:-1}" -ge 1 ] || fail_with 'the kernel should have refused some'
	assert_no_groups
}

@test "a fork bomb that never gives up stays below its limit, and who works beside it goes on" {
	needs pids cpu
	local before beside capped bomb options
	before=$("$HELPERS/latency" 200)
	for options in --cpu-weight=100 --cpus=0.2; do
		rm -f "$BATS_TEST_TMPDIR/ready"
		"$SANDBOX" run --summary="$BATS_TEST_TMPDIR/receipt" --pids-limit 64 "$options" --timeout 1m \
			-v "$HELPERS:/helpers:ro" -v "$BATS_TEST_TMPDIR:/lent" "$BUSYBOX_TAR" /helpers/bomb endless /lent/ready 3>&- &
		bomb=$!
		wait_until test -e "$BATS_TEST_TMPDIR/ready" || wait_until test -e "$BATS_TEST_TMPDIR/ready"
		capped=$beside
		beside=$("$HELPERS/latency" 200)
		kill -TERM "$bomb"
		wait "$bomb" || [ $? = 143 ]
		[ "$(jq -r '(.pids.peak // 64) <= 64 and .pids.limit_met > 0' "$BATS_TEST_TMPDIR/receipt")" = true ] ||
			fail_with "$(cat "$BATS_TEST_TMPDIR/receipt")"
	done
	echo "# measured: fork and wait, median and 99 of 100 in us: alone $before; beside a fork bomb at --pids-limit 64" \
		"$capped, with --cpus 0.2 besides $beside" >&3
	assert_no_groups
}

@test "a fifth of a processor is a fifth of a processor" {
	needs cpu
	# Microseconds of processor and of time, and how often it was held up. Not from the beginning: starting takes some as well.
	run_busybox --cpus 0.2 -- sh -c '
		look() {
			read -r up idle </proc/uptime
			awk -v up="$up" "
				/^usage_usec/ { used = \$2 }
				/^nr_throttled/ { throttled = \$2 }
				END { print used, up * 1000000, throttled }" /sys/fs/cgroup/cpu.stat
		}
		look
		timeout 5 sh -c "while :; do :; done"
		look'
	# An emulated machine keeps time coarsely: without the limit it would be 1.
	awk 'NR == 1 { used = $1; wall = $2; throttled = $3 }
		NR == 2 {
			share = ($1 - used) / ($2 - wall)
			print "# measured: --cpus 0.2 gives " share " of a processor"
			held = $3 - throttled > 5 && share < 0.3
		}
		END { exit !held }' <<<"$output" >&3 || fail_with 'the limit should be held'
}

# Uses the processor for five seconds, once both are there, and tells how much of it it had.
burn() {
	local name=$1 weight=$2
	"$SANDBOX" run --cpu-weight "$weight" -v "$BATS_TEST_TMPDIR:/lent" "$BUSYBOX_TAR" sh -c "
		used() { sed -n 's/^usage_usec //p' /sys/fs/cgroup/cpu.stat; }
		: >/lent/$name.ready
		until [ -e /lent/go ]; do sleep 0.1; done
		before=\$(used)
		timeout 5 sh -c 'while :; do :; done' 2>/dev/null
		echo \$((\$(used) - before)) >/lent/$name" 3>&-
}

are_ready() {
	[ -e "$BATS_TEST_TMPDIR/light.ready" ] && [ -e "$BATS_TEST_TMPDIR/heavy.ready" ]
}

@test "processors are shared by weight" {
	needs cpu
	[ "$(nproc)" = 1 ] || skip 'there is more than one processor to share'
	burn light 100 &
	burn heavy 400 &
	wait_until are_ready
	touch "$BATS_TEST_TMPDIR/go"
	wait
	awk '{ used[NR] = $1 } END { share = used[1] / (used[1] + used[2])
		print "# measured: weights of 400 and 100 share as " share " to " 1 - share; exit !(share > 0.7 && share < 0.88) }' "$BATS_TEST_TMPDIR"/heavy "$BATS_TEST_TMPDIR"/light >&3
}

@test "writes to the disk take as long as they should" {
	needs io
	local start=$EPOCHREALTIME taken
	run_busybox --device-write-bps "$HOME:2m" -v "$HOME:/lent" -- \
		sh -c 'dd if=/dev/zero of=/lent/written bs=1M count=8 oflag=direct 2>/dev/null && cat /sys/fs/cgroup/io.max'
	rm -f "$HOME/written"
	assert_status 0
	assert_output_has wbps=2097152
	taken=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	echo "# measured: 8 MiB at 2 MiB/s, with the start and the end of the sandbox, in $taken ms" >&3
	[ "$taken" -ge 3000 ] || fail_with '8 MB at 2 MB/s in less than 3 s'
}

# As root inside, who is the user outside and owns the files.
lift='
	for file in $(find /sys/fs/cgroup "$@" -name "*.max" -o -name "*.high"); do
		echo max >$file
	done 2>/dev/null
	'

@test "no file inside lifts a limit" {
	needs memory
	run_busybox -m 48m --memory-swap 48m -- sh -c "$lift $(allocate 300); echo survived"
	assert_status 137
	assert_output ''
}

@test "nor does mounting cgroup2 oneself" {
	needs memory
	run_busybox --nesting --cap-add SYS_ADMIN -m 48m --memory-swap 48m -- sh -c "
		mkdir /tmp/groups && mount -t cgroup2 none /tmp/groups && echo mounted
		set -- /tmp/groups; $lift cat /tmp/groups/memory.max; $(allocate 300); echo survived"
	assert_status 137
	assert_output_has mounted
	assert_output_lacks survived
}

@test "the receipt tells of the OOM killer, and of what was used" {
	needs memory pids cpu
	run_busybox --summary="$BATS_TEST_TMPDIR/receipt" -m 48m --memory-swap 48m --pids-limit 99 --cpus 1 -- sh -c "$(allocate 300)"
	assert_status 137
	[ "$(jq -r '"\(.cause) \(.status) \(.memory.oom_killed > 0) \(.pids.limit_met) \(.cpu.usage_us > 0)"' "$BATS_TEST_TMPDIR/receipt")" = \
		'oom 137 true 0 true' ] || fail_with "$(cat "$BATS_TEST_TMPDIR/receipt")"
	[ "$(jq -r '.limits[] | .name + " " + .effective' "$BATS_TEST_TMPDIR/receipt")" = $'memory hard\ncpus hard\npids-limit hard\nmemory-swap hard' ]
	run_busybox --summary="$BATS_TEST_TMPDIR/receipt" -m 48m -- sh -c 'kill -9 $$'
	[ "$(jq -r .cause "$BATS_TEST_TMPDIR/receipt")" = signal ] || fail_with 'no memory was short'
}

@test "above memory.high it is slowed down, and not ended" {
	needs memory
	run_busybox --summary="$BATS_TEST_TMPDIR/receipt" --memory-high 24m -- sh -c "$(allocate 26); echo survived"
	assert_success survived
	[ "$(jq -r '.memory.slowed_down > 0' "$BATS_TEST_TMPDIR/receipt")" = true ] || fail_with "$(cat "$BATS_TEST_TMPDIR/receipt")"
}

@test "a receipt asks for a group also without limits, and --require is satisfied by a limit" {
	needs memory
	run_busybox --summary="$BATS_TEST_TMPDIR/receipt" -- true
	assert_success ''
	[ "$(jq -r '.group.by != null and (.memory | has("oom_killed"))' "$BATS_TEST_TMPDIR/receipt")" = true ]
	run_busybox --require memory -m 64m -- true
	assert_success ''
	run_busybox --require memory -- true
	assert_error E_REQUIRED
}

# By the path at which the host sees the own group.
lift_outside="
	mount -o remount,bind,rw /sys/fs/cgroup
	group=/sys/fs/cgroup\$(sed s/0::// /proc/self/cgroup)
	echo max >\$group/memory.swap.max
	echo max >\$group/memory.max && echo lifted
	$(allocate 300)
	echo survived"

@test "with a cgroup namespace and a group above, nothing outside is within reach; without, the limit is lifted" {
	needs memory
	run_busybox --nesting --cap-add SYS_ADMIN -m 48m --memory-swap 48m -- sh -c "$lift_outside"
	assert_status 137
	assert_output_lacks survived
	SANDBOX=$SANDBOX_SWITCHED
	SANDBOX_TEST_REMOVE=cgroup-child,cgroup-namespace \
		run_busybox --nesting --cap-add SYS_ADMIN -m 48m --memory-swap 48m -- sh -c "$lift_outside"
	assert_output $'lifted\nsurvived'
}

# Changes the group that it finds; and ends all that is in it, where the hierarchy is mounted without nsdelegate.
changes_its_group='mkdir /tmp/groups; mount -t cgroup2 none /tmp/groups && mkdir /tmp/groups/planted && echo planted
	echo 1 >/tmp/groups/cgroup.kill'

# In a group of the caller's own, as that of a terminal in a session of systemd is. Tells what has come of that.
with_others() {
	# shellcheck disable=SC2016
	local run=(bash -c 'own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); "$@"
		[ ! -d "$own/planted" ] || { rmdir "$own/planted"; echo changed; }
		echo "others live"' with-others "$@")
	[[ ${SANDBOX_WORLD:-} != systemd* ]] || run=(systemd-run --user --scope --quiet "${run[@]}")
	capture timeout -k 5 60 "${run[@]}"
}

@test "also without limits: who may mount cgroup2 stands in no group of others" {
	needs memory
	with_others "$SANDBOX" run --nesting --cap-add SYS_ADMIN "$BUSYBOX_TAR" sh -c "$changes_its_group"
	assert_output $'planted\nothers live'
	assert_no_groups
	with_others "$SANDBOX" run --cgroups none --nesting "$BUSYBOX_TAR" true
	assert_stderr_has E_CGROUP_MISSING
	SANDBOX_TEST_REMOVE=cgroup-apart \
		with_others "$SANDBOX_SWITCHED" run --nesting --cap-add SYS_ADMIN "$BUSYBOX_TAR" sh -c "$changes_its_group"
	assert_output $'planted\nchanged\nothers live'
}

@test "a sandbox that makes groups in its own leaves none behind" {
	needs memory
	run_busybox --nesting --cap-add SYS_ADMIN -m 48m -- sh -c '
		mkdir /tmp/groups && mount -t cgroup2 none /tmp/groups && mkdir -p /tmp/groups/a/b/c && echo $$ >/tmp/groups/a/b/c/cgroup.procs &&
			cat /proc/self/cgroup'
	assert_output 0::/a/b/c
	assert_no_groups
}

@test "a sandbox whose tool was killed leaves a group that the next command removes" {
	needs memory
	SANDBOX=$SANDBOX_SWITCHED
	local point points=(group.named group.recorded cgroup.group-made cgroup.enabled group.made launch.cloned launch.started container.ended)
	[[ ${SANDBOX_WORLD:-} != systemd* ]] || points+=(scope.made)
	for point in "${points[@]}"; do
		SANDBOX_TEST_KILL_AT=$point run_busybox -m 64m -- true
		[ "$status" = 137 ] || fail_with "$point: this should have killed it"
	done
	run_busybox -- true
	assert_no_groups
	[ -z "$(ls "$XDG_RUNTIME_DIR/sandbox/groups")" ] || fail_with 'records are left'
}

@test "many runs at once leave nothing" {
	needs memory
	local i
	for i in 1 2 3 4 5 6; do
		"$SANDBOX" run -m 64m "$BUSYBOX_TAR" cat /sys/fs/cgroup/memory.max >"$BATS_TEST_TMPDIR/$i" 3>&- &
	done
	wait
	[ "$(cat "$BATS_TEST_TMPDIR"/? | sort | uniq -c | tr -s ' ')" = ' 6 67108864' ]
	assert_no_groups
}

@test "the own processes are in the group where they were, afterwards" {
	needs memory
	[ "${SANDBOX_WORLD:-}" = delegated ] || skip 'only where the group of the caller is divided'
	local before
	before=$(cat /proc/self/cgroup)
	run_busybox -m 64m -- true
	assert_success ''
	[ "$(cat /proc/self/cgroup)" = "$before" ]
}

@test "the group is below the parent that was named" {
	needs memory
	case ${SANDBOX_WORLD:-} in
	systemd*)
		sandbox --debug run --cgroup-parent boxes.slice -m 64m "$BUSYBOX_TAR" cat /sys/fs/cgroup/memory.max
		assert_output 67108864
		assert_stderr_has /boxes.slice/sandbox-
		;;
	delegated)
		# Nobody has enabled anything for this one, and the error names who could.
		local own
		own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
		mkdir "$own/given"
		run_busybox --cgroup-parent "$own/given" -m 64m -- true
		rmdir "$own/given"
		assert_error E_CGROUP_CONTROLLER
		assert_stderr_has "$own has it and does not pass it on"
		# Once they are (another sandbox has them enabled), it holds, by either way to write it.
		"$SANDBOX" run -d --name other -m 64m "$BUSYBOX_TAR" sleep 60
		mkdir "$own/given"
		run_busybox --cgroup-parent "${own#/sys/fs/cgroup}/given" -m 48m --memory-swap 48m -- sh -c "$(allocate 300)"
		assert_status 137
		sandbox --debug run --cgroup-parent "$own/given" -m 64m "$BUSYBOX_TAR" cat /sys/fs/cgroup/memory.max
		rmdir "$own/given"
		"$SANDBOX" rm --force other
		assert_output 67108864
		assert_no_groups
		;;
	*) skip 'for the worlds of the guests' ;;
	esac
}

# Where the user manager cannot be asked. (Being in a group of its own making is not enough: it may take that back.)
@test "inherited: a group above that is ours, although nobody has left it to us" {
	needs memory
	[[ ${SANDBOX_WORLD:-} = systemd* ]] || skip 'for the worlds with a user manager'
	capture systemd-run --user --scope --quiet "$SANDBOX" run --cgroups delegated --summary="$BATS_TEST_TMPDIR/receipt" \
		-m 48m --memory-swap 48m "$BUSYBOX_TAR" sh -c "cat /sys/fs/cgroup/memory.max; $(allocate 300); echo survived"
	assert_status 137
	assert_output 50331648
	[ "$(jq -r '.group.by + " " + .cause' "$BATS_TEST_TMPDIR/receipt")" = 'inherited oom' ] ||
		fail_with "$(cat "$BATS_TEST_TMPDIR/receipt")"
	assert_no_groups
}

@test "root's sandboxes are in scopes of the system's own manager" {
	[[ ${SANDBOX_WORLD:-} = systemd* ]] || skip 'for the worlds with systemd'
	capture sudo env -i HOME=/root PATH="$PATH" "$SANDBOX" run --summary="$BATS_TEST_TMPDIR/receipt" \
		-m 48m --memory-swap 48m --pids-limit 99 "$BUSYBOX_TAR" sh -c "cat /sys/fs/cgroup/memory.max; $(allocate 300); echo survived"
	assert_status 137
	assert_output 50331648
	[ "$(sudo jq -r '.group.by + " " + .cause' "$BATS_TEST_TMPDIR/receipt")" = 'systemd oom' ] ||
		fail_with "$(sudo cat "$BATS_TEST_TMPDIR/receipt")"
	assert_no_groups
	[ -z "$(systemctl list-units --all --plain --no-legend 'sandbox-*.scope')" ] || fail_with 'a scope is left'
}

@test "disks are shared by weight where something does that" {
	needs io
	local disk
	[ -n "${SANDBOX_WORLD:-}" ] && sudo modprobe bfq 2>/dev/null || skip 'choosing a scheduler is for the guests'
	for disk in /sys/block/ubda /sys/block/vda; do
		[ ! -e "$disk" ] || sudo sh -c "echo bfq >$disk/queue/scheduler"
	done
	run_busybox --io-weight 5050 -- cat /sys/fs/cgroup/io.bfq.weight
	for disk in /sys/block/ubda /sys/block/vda; do
		[ ! -e "$disk" ] || sudo sh -c "echo none >$disk/queue/scheduler"
	done
	if [ -n "$(find /sys/fs/cgroup -maxdepth 2 -name io.bfq.weight -print -quit)" ]; then
		assert_success 'default 550'
	else
		assert_error E_LIMIT_UNAVAILABLE
	fi
}

@test "disks that nobody shares by weight cannot be" {
	needs io
	! grep -qF '[bfq]' /sys/block/*/queue/scheduler || skip 'bfq shares a disk here'
	! grep -qs enable=1 /sys/fs/cgroup/io.cost.qos || skip 'io.cost.qos shares a disk here'
	run_busybox --io-weight 50 -- true
	assert_error E_LIMIT_UNAVAILABLE
}

@test "what Debian does not delegate is named, with the drop-in" {
	[ "${SANDBOX_WORLD:-}" = systemd ] || skip "for the world of Debian's own delegation"
	run_busybox --device-write-bps /:2m -- true
	assert_error E_CGROUP_CONTROLLER
	assert_stderr_has 'controller io'
	assert_stderr_has 'user-delegate.conf'
	assert_stderr_has '/etc/systemd/system/user@.service.d'
}

@test "where nothing is delegated a limit is an error, and everything else runs" {
	[ -z "$CONTROLLERS" ] || skip 'something is delegated here'
	local option
	for option in '--memory 64m' '--cpus 1' '--pids-limit 100' '--cpuset-cpus 0'; do
		# shellcheck disable=SC2086
		run_busybox $option -- true
		assert_error E_CGROUP_MISSING
		assert_stderr_has "${option%% *}"
	done
	run_busybox --cgroups systemd -- true
	assert_error E_CGROUP_MISSING
	run_busybox -- true
	assert_success ''
}
