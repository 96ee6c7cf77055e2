# The payload's own terminal and the caller's, which script(1) plays: modes, job control, size, and that all
# output arrives.

load helper

# Starts an interactive shell on a terminal; type_line writes to it, $log is what it shows, $tty its name.
start_shell() {
	log=$BATS_TEST_TMPDIR/log
	mkfifo "$BATS_TEST_TMPDIR/keys"
	(cd "$BATS_TEST_TMPDIR" && exec script -qfc 'exec bash --norc --noediting -i' "$log" <keys >/dev/null 2>&1 3>&-) &
	script=$!
	exec 9>"$BATS_TEST_TMPDIR/keys"
	type_line 'tty >tty.new && mv tty.new tty'
	wait_until test -e "$BATS_TEST_TMPDIR/tty"
	tty=$(<"$BATS_TEST_TMPDIR/tty")
}

type_line() {
	printf '%s\n' "$1" >&9
}

end_shell() {
	type_line exit
	exec 9>&-
	wait "$script" || true
}

shows() {
	grep -aq -- "$1" "$log"
}

is_raw() {
	[[ " $(stty -F "$tty" -a) " == *" -icanon "* ]]
}

is_cooked() {
	[[ " $(stty -F "$tty" -a) " == *" icanon "* ]] && [[ " $(stty -F "$tty" -a) " == *" echo "* ]]
}

# Its process group is the one that the terminal is for.
is_in_foreground() {
	ps -t "${tty#/dev/}" -o pgid=,tpgid=,args= | awk -v tool="$SANDBOX" '$1 == $2 && $3 == tool { found = 1 } END { exit !found }'
}

run_line() {
	printf '%q ' "$SANDBOX" run "$@"
}

teardown() {
	exec 9>&-
	[ -z "${script:-}" ] || kill "$script" 2>/dev/null || true
}

@test "the caller's terminal is raw while the command runs, and restored after it" {
	start_shell
	type_line "$(run_line "$BUSYBOX_TAR" sh -c 'stty size; tty; read line')"
	wait_until is_raw
	wait_until shows /dev/pts/0
	is_raw
	type_line ''
	wait_until is_cooked
	end_shell
}

@test "it is restored when the command is killed, times out, or cannot be executed" {
	start_shell
	type_line "$(run_line "$BUSYBOX_TAR" sh -c 'echo started; kill -KILL $$'); echo status \$?"
	wait_until shows 'status 137'
	is_cooked
	type_line "$(run_line --timeout 0.5 "$BUSYBOX_TAR" sleep 60); echo status \$?"
	wait_until shows 'status 124'
	is_cooked
	type_line "$(run_line "$BUSYBOX_TAR" /no/such/program); echo status \$?"
	wait_until shows 'status 127'
	is_cooked
	end_shell
}

@test "in the background it leaves modes and input to the shell" {
	start_shell
	type_line "$(run_line "$BUSYBOX_TAR" sh -c 'echo run""ning; read line; echo "got"" $line"') &"
	wait_until shows running
	is_cooked
	type_line 'echo for the shell >typed; jobs'
	wait_until test -s "$BATS_TEST_TMPDIR/typed"
	wait_until shows '\[1\]+  Running'
	is_cooked
	# In the foreground again it takes what is typed.
	type_line fg
	wait_until is_in_foreground
	type_line hello
	wait_until shows 'got hello'
	wait_until is_cooked
	end_shell
}

@test "stopping it gives the terminal back, continuing it takes it again" {
	start_shell
	type_line "$(run_line "$BUSYBOX_TAR" sleep 60)"
	wait_until is_raw
	pkill -TSTP -f "^$SANDBOX run $BUSYBOX_TAR" -t "${tty#/dev/}" -o
	wait_until shows 'Stopped'
	wait_until is_cooked
	type_line fg
	wait_until is_raw
	pkill -TERM -f "^$SANDBOX run $BUSYBOX_TAR" -t "${tty#/dev/}" -o
	wait_until is_cooked
	end_shell
}

@test "a new size of the window reaches the command" {
	start_shell
	stty -F "$tty" rows 31 cols 77
	type_line "$(run_line "$BUSYBOX_TAR" sh -c 'stty size; while [ "$(stty size)" != "13 55" ]; do sleep 0.1; done; echo resized')"
	wait_until shows '^31 77'
	stty -F "$tty" rows 13 cols 55
	wait_until shows '^resized'
	end_shell
}

@test "all that was written before the end arrives" {
	# An end of its input script(1) would type.
	mkfifo "$BATS_TEST_TMPDIR/keys"
	exec 9<>"$BATS_TEST_TMPDIR/keys"
	for init in true false; do
		script -qec "$(run_line --init=$init "$BUSYBOX_TAR" seq 1 20000)" /dev/null <&9 >"$BATS_TEST_TMPDIR/out"
		tr -d '\r' <"$BATS_TEST_TMPDIR/out" | cmp - <(seq 1 20000)
	done
}

@test "a command may close its terminal and open it again" {
	for init in true false; do
		start_shell
		type_line "$(run_line --init=$init "$BUSYBOX_TAR" sh -c 'exec </dev/null >/dev/null 2>&1; sleep 0.5; echo still here >/dev/tty; exit 7'); echo status \$?"
		wait_until shows 'status 7'
		shows '^still here'
		end_shell
		rm "$BATS_TEST_TMPDIR/tty" "$BATS_TEST_TMPDIR/keys"
	done
}

@test "without a terminal of its own it writes to a pipe" {
	start_shell
	type_line "$(run_line --no-tty "$BUSYBOX_TAR" sh -c 'tty; echo out"put"; echo er"ror" >&2; exit 6'); echo status \$?"
	wait_until shows 'status 6'
	shows '^not a tty'
	shows '^output'
	shows '^error'
	is_cooked
	end_shell
}
