# What the command starts with: variables, umask, OOM score; and whose /proc it sees.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2030,SC2031  # helper.bash sets status and so on; each test has variables of its own

load helper

teardown() {
	[ -z "${neighbour:-}" ] || kill "$neighbour" 2>/dev/null || true
}

@test "--env-host takes all variables but those that are wrong inside" {
	export MINE=1 EMPTY='' ODD='a b=c'
	run_busybox --env-host -- sh -c 'echo "$MINE|${EMPTY-unset}|$ODD|$HOME|$PATH|$XDG_RUNTIME_DIR"'
	assert_success '1||a b=c|/root|/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|'
	run_busybox -- sh -c 'echo "${MINE-unset}"'
	assert_success unset
	# What is said by name wins over it.
	echo MINE=2 >"$BATS_TEST_TMPDIR/file"
	run_busybox --env-host --env-file "$BATS_TEST_TMPDIR/file" -e ODD=3 -- sh -c 'echo "$MINE $ODD"'
	assert_success '2 3'
}

@test "--unsetenv: the variable is not there, wherever it would come from" {
	export MINE=1
	run_busybox --env-host -e OTHER=1 --unsetenv MINE --unsetenv OTHER --unsetenv HOSTNAME --unsetenv HOME \
		--unsetenv ABSENT -- env
	assert_status 0
	for name in MINE OTHER HOSTNAME HOME ABSENT; do
		assert_output_lacks "$name="
	done
	assert_output_has PATH=
	run_busybox --unsetenv PATH -- /bin/busybox env
	assert_status 0
	assert_output_lacks PATH=
}

@test "--umask is the command's, not that of what is made for it" {
	run_busybox --umask 077 -w /made -- sh -c 'touch x && stat -c %a x . /tmp'
	assert_success $'600\n755\n1777'
	run_busybox --umask 0 -- sh -c 'touch /x && stat -c %a /x'
	assert_success 666
	(
		umask 077
		run_busybox -- sh -c 'touch /x && stat -c %a /x'
		assert_success 644
	)
}

@test "--oom-score-adj is the whole sandbox's, and cannot be less than the caller's" {
	local own
	own=$(cat /proc/self/oom_score_adj)
	run_busybox --oom-score-adj $((own + 100)) -- cat /proc/1/oom_score_adj /proc/self/oom_score_adj
	assert_success "$((own + 100))"$'\n'"$((own + 100))"
	run_busybox --init=false --oom-score-adj $((own + 100)) -- cat /proc/self/oom_score_adj
	assert_success "$((own + 100))"
	run_busybox --oom-score-adj $((own - 1)) -- true
	assert_error 'only privileged users'
	for number in -- 1e2 -1001 99999999999 ''; do
		run_busybox "--oom-score-adj=$number" -- true
		assert_error "\"$number\""
	done
}

@test "--proc=host shows the processes outside, and nothing of what is theirs" {
	local file
	SECRET=x sleep 60 3>&- &
	neighbour=$!
	# A shell like its parent at first.
	wait_until grep -qx sleep "/proc/$neighbour/comm"
	run_busybox --proc=host -- sh -c "tr '\\0' ' ' </proc/$neighbour/cmdline; cat /proc/self/comm"
	assert_status 0
	assert_output $'sleep 60 cat'
	assert_stderr_has 'sees all processes'
	for file in environ maps mem root/etc/passwd cwd/. fd/0 exe; do
		run_busybox --proc=host -- cat "/proc/$neighbour/$file"
		assert_status 1
		[[ $stderr == *'ermission denied'* ]] || fail_with "/proc/PID/$file"
	done
	for file in oom_score_adj coredump_filter comm; do
		run_busybox --proc=host -- sh -c "echo 1 >/proc/$neighbour/$file"
		assert_status 1
		assert_stderr_has 'Read-only file system'
	done
	run_busybox --proc=host -- kill "$neighbour"
	assert_status 1
	# Without the protection its score could be raised.
	SANDBOX_TEST_REMOVE=readonly-paths capture "$SANDBOX_SWITCHED" run --proc=host "$BUSYBOX_TAR" \
		sh -c "echo 1000 >/proc/$neighbour/oom_score_adj"
	assert_status 0
}

@test "--proc=host: kernel settings are set, and then protected as ever" {
	run_busybox --proc=host --sysctl kernel.shmmni=77 -- cat /proc/sys/kernel/shmmni /proc/sys/user/max_user_namespaces
	assert_status 0
	assert_output $'77\n0'
	run_busybox --proc=host -- sh -c 'head -c 1 /proc/keys | wc -c; echo 1 >/proc/sys/user/max_user_namespaces'
	assert_status 1
	assert_output 0
	run_busybox --proc=host --nesting -- sh -c 'echo 1 >/proc/self/oom_score_adj'
	assert_status 1
	assert_stderr_has 'Read-only file system'
}
