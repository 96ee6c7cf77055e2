# The exit status tells how the payload ended, and whose failure it was (sandbox(1)).

load helper

@test "the payload's own status is handed on" {
	local expected
	for expected in 0 1 3 77 255; do
		run_busybox -- sh -c "exit $expected"
		assert_status "$expected"
		assert_stderr_empty
	done
}

@test "a payload ended by signal n gives 128+n" {
	run_busybox -- sh -c 'kill -KILL $$'
	assert_status 137
	run_busybox -- sh -c 'kill -TERM $$'
	assert_status 143
	run_busybox -- sh -c 'kill -SEGV $$'
	assert_status 139
}

@test "without our init the status is the same" {
	run_busybox --init=false -- sh -c 'exit 9'
	assert_status 9
	run_busybox --init=false -- sh -c 'echo $$; cat /proc/1/comm'
	assert_success $'1\ncat'
}

@test "a missing command is 127" {
	run_busybox -- no-such-command
	assert_error E_COMMAND_NOT_FOUND 127
	assert_stderr_has no-such-command
	run_busybox -- /bin/no-such-command
	assert_error E_COMMAND_NOT_FOUND 127
}

@test "a missing command is 127 even when a folder in PATH cannot be read" {
	run_busybox -u user -e PATH=/root:/bin -- no-such-command
	assert_error E_COMMAND_NOT_FOUND 127
}

@test "what cannot be executed is 126" {
	local file
	for file in /etc/passwd /etc; do
		run_busybox -- "$file"
		assert_status 126
		assert_stderr_has E_COMMAND_NOT_EXECUTABLE
		assert_stderr_has 'fix: '
		assert_stderr_has "$file"
	done
}

@test "our own failures are 125" {
	sandbox run --no-such-option "$BUSYBOX_TAR" true
	assert_status 125
	assert_stderr_has no-such-option
	sandbox run /no/such/archive.tar true
	assert_status 125
	sandbox no-such-command
	assert_status 125
	assert_stderr_has no-such-command
}

@test "the default command is the image's shell" {
	sandbox run "$BUSYBOX_TAR" <<<'echo "shell of $(id -un)"; exit 4'
	assert_status 4
	assert_output 'shell of root'
}

# Within the time that `sandbox` waits.
@test "processes that the payload leaves end with it, at once" {
	run_busybox -- sh -c 'sleep 600 & sleep 600 & exit 5'
	assert_status 5
}

@test "init reaps orphans" {
	run_busybox -- sh -c '(sleep 0.05 &) ; (sleep 0.05 &); sleep 0.5
		for i in $(seq 300); do ps -o stat | grep -q "^Z" || break; sleep 0.1; done; ps -o stat,comm | grep -c "^Z" || true'
	assert_success 0
}

@test "--timeout ends the payload with 124" {
	local start=$SECONDS
	run_busybox --timeout 1s -- sleep 600
	assert_status 124
	# Else it was the timeout of `sandbox`.
	[ $((SECONDS - start)) -lt 50 ]
}

@test "--timeout also ends a payload that ignores TERM" {
	run_busybox --timeout 500ms -- sh -c 'trap "" TERM INT HUP; while :; do sleep 1; done'
	assert_status 124
}

@test "--timeout does not touch a payload that is done before" {
	run_busybox --timeout 30s -- sh -c 'exit 6'
	assert_status 6
}
