# The number of a process that has ended is given out again some time, and then whoever was written down by it is another.
# Nobody is: what is asked of a sandbox goes to a socket whose supervisor lives, and who signals his own children knows that
# he has not reaped them. Here numbers are given out again at once, by root of a pid namespace.

load helper

setup() {
	[ -e /proc/sys/kernel/ns_last_pid ] || skip 'this kernel gives out no number that is asked for'
}

# Runs a text in such a namespace, as its PID 1; what it says is "lives" or "dies".
in_pid_namespace() {
	capture timeout -k 5 300 unshare --user --map-root-user --map-auto --pid --fork --kill-child --mount --mount-proc \
		bash -euc ". test/integration/recycle.bash; $1" - "$BATS_TEST_TMPDIR"
	[ "$status" = 0 ] || fail_with 'the preparations have failed'
}

says_who_lives='for pid in "$supervisor" "$init"; do if lives "$pid"; then echo lives; else echo dies; fi; done'

@test "control: who goes by the number that was written down hits another" {
	in_pid_namespace "start_box; replace_box; kill \$(<\"\$folder/pid\"); wait_until is_gone \"\$init\"; $says_who_lives"
	[ "${lines[-2]} ${lines[-1]}" = 'lives dies' ]
}

@test "no command signals a process that has the number of a dead supervisor or init" {
	local command
	for command in 'stop box' 'kill box' 'exec box true' 'exec -d box true' 'wait box' 'top box' 'logs -f box' 'attach box' \
		'ps -a' 'pause box' 'restart --time 0 box' 'start box' 'rm box' 'rm -f box' 'rename box other' 'prune -f' 'gc' \
		'run --name box --replace IMAGE true' 'rm -f --all'; do
		in_pid_namespace "start_box; replace_box
			timeout 60 \"\$SANDBOX\" ${command/IMAGE/$BUSYBOX_TAR} >/dev/null 2>&1 || [ \$? = 125 ]
			$says_who_lives
			\"\$SANDBOX\" rm -f --all >/dev/null
			$says_who_lives"
		[ "${lines[*]: -4}" = 'lives lives lives lives' ] || fail_with "$command"
	done
}

@test "nor does the sweep of what was to leave nothing, and of a store" {
	in_pid_namespace "start_box --rm --overlay=disk -p 127.0.0.1:6951:80; replace_box
		\"\$SANDBOX\" run --overlay=disk \"\$BUSYBOX_TAR\" true 2>/dev/null
		[ -z \"\$(\"\$SANDBOX\" ps -aq)\" ]
		\"\$SANDBOX\" reset
		$says_who_lives"
	[ "${lines[*]: -2}" = 'lives lives' ] || fail_with 'something was signalled'
}

# --- exec -----------------------------------------------------------------------------------------------------------

# The caller of an exec is stopped when the command ends, and gets a signal for it while another process in there has its
# number already.
# shellcheck disable=SC2016
signal_late='
	start_box
	"$SANDBOX" exec box sleep 6952 &
	client=$!
	runs() { pgrep -f "^sleep 6952" >/dev/null; }
	wait_until runs
	command=$(pgrep -f "^sleep 6952")
	number=$(awk "/^NSpid:/ { print \$NF }" "/proc/$command/status")
	kill -STOP "$client"
	kill -KILL "$command"
	wait_until is_gone "$command"
	nsenter --pid="/proc/$init/ns/pid" bash -euc "
		for ((i = 0; i < 600; i++)); do
			echo $((number - 1)) >/proc/sys/kernel/ns_last_pid
			sleep 1000 &
			[ \$! != $number ] || exit 0
			kill \$!
			sleep 0.05
		done
		exit 1"
	has_started() { other=$(pgrep -n -f "^sleep 1000"); }
	wait_until has_started
	[ "$(awk "/^NSpid:/ { print \$NF }" "/proc/$other/status")" = "$number" ]
	kill -TERM "$client"
	kill -CONT "$client"'

@test "a signal that exec passes on does not reach who has the number of its command" {
	# Its end is the command's, or that of the signal, which may still find the caller.
	in_pid_namespace "$signal_late
		wait \"\$client\" || [[ \$? = 1[34][37] ]]
		\"\$SANDBOX\" exec box true
		! lives \"\$other\" || echo lives
		\"\$SANDBOX\" rm -f box"
	assert_output_has lives
}

@test "it would, if init did not forget whom it has reaped" {
	in_pid_namespace "export SANDBOX_TEST_REMOVE=session-forgotten program=\$SANDBOX_SWITCHED
		$signal_late
		wait_until is_gone \"\$other\"
		echo dies
		\"\$SANDBOX\" rm -f box"
	assert_output_has dies
}

# --- the holder of a user namespace ---------------------------------------------------------------------------------

# One that listens as a holder does; with "parent" it was started by a process that has ended, and does not listen itself.
# It says whom a connection tells of.
# shellcheck disable=SC2016
holder='
	cat >"$folder/holder" <<-END
		import os, socket, sys, time
		listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		listener.bind(sys.argv[1])
		listener.listen()
		open("/proc/self/comm", "w").write("sandbox-holder")
		open(sys.argv[1] + ".pid", "w").write(str(os.getpid()))
		sys.argv[2] == "parent" and os.fork() and sys.exit()
		time.sleep(1000)
	END
	rm -rf "$folder/sandbox"
	mkdir -m 700 "$folder/sandbox" "$folder/sandbox/holders"
	start_holder() {
		python3 "$folder/holder" "$folder/sandbox/.holder" "$1" &
		wait_until test -s "$folder/sandbox/.holder.pid"
		mv "$folder/sandbox/.holder" "$folder/sandbox/holders/holder"
		number=$(<"$folder/sandbox/.holder.pid")
	}
	is_stopped() { grep -q "^State:.T" "/proc/$reset/status"; }
	# The holder ends when it was found, and another has its number before it is signalled.
	reset_late() {
		start_holder alone
		SANDBOX_TEST_STOP_AT=holder.found "$SANDBOX_SWITCHED" reset &
		reset=$!
		wait_until is_stopped
		kill -KILL "$number"
		recycle "$number" "$@"
		kill -CONT "$reset"
		wait "$reset"
	}
	# Who has started it has ended.
	reset_early() {
		start_holder parent
		recycle "$number" "$@"
		"$SANDBOX_SWITCHED" reset
	}
	cp /bin/sleep "$folder/sandbox-holder"
	say() { if lives "$number"; then echo lives; else echo dies; fi; }
'

@test "a holder that has ended when it is to be ended is not signalled by its number" {
	in_pid_namespace "$holder reset_late; say"
	assert_output lives
	in_pid_namespace "$holder reset_late \"\$folder/sandbox-holder\"; say"
	assert_output lives
}

@test "nor is one who has the number of its starter" {
	in_pid_namespace "$holder reset_early; say"
	assert_output lives
}

@test "both would be, without that defence" {
	in_pid_namespace "export SANDBOX_TEST_REMOVE=holder-number; $holder reset_late; wait_until is_gone \"\$number\"; say"
	assert_output dies
	in_pid_namespace "export SANDBOX_TEST_REMOVE=holder-number; $holder reset_early; wait_until is_gone \"\$number\"; say"
	assert_output dies
}
