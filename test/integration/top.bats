# sandbox top: what runs in a sandbox, with the numbers of inside.

load helper

teardown() {
	remove_sandboxes
}

# FIELD… of the process whose command line is COMMAND.
process() {
	"$SANDBOX" top --json box | python3 -c '
import json, sys
for process in json.load(sys.stdin):
    if process["command"] == sys.argv[1]:
        print(*(process[field] for field in sys.argv[2:]))' "$@"
}

@test "processes, users and parents are those of inside; the number outside is the process" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sleep 6411
	"$SANDBOX" exec -d -u 12:34 box sleep 6412
	[ "$(process 'sleep 6411' pid parent uid)" = '3 1 0' ] || [ "$(process 'sleep 6411' pid parent uid)" = '2 1 0' ]
	[ "$(process 'sleep 6412' parent uid)" = '1 12' ]
	"$SANDBOX" exec box sh -c "grep -q 6412 /proc/$(process 'sleep 6412' pid)/cmdline"
	host=$(process 'sleep 6412' host_pid)
	[ "$(tr '\0' ' ' <"/proc/$host/cmdline")" = 'sleep 6412 ' ]
	[ "$(process sandbox-init pid parent)" = '1 0' ]
	sandbox top box
	assert_output_has 'HOST PID'
	[ "${#lines[@]}" = 4 ] || fail_with 'there should be three processes and the headings'
}

@test "--init=false: the command is PID 1, and our init is not in there" {
	"$SANDBOX" run -d --init=false --name box "$BUSYBOX_TAR" sleep 6413
	[ "$(process 'sleep 6413' pid parent)" = '1 0' ]
	sandbox top box
	[ "${#lines[@]}" = 2 ] || fail_with 'there should be one process and the headings'
}

@test "none of another sandbox, nor of the host; what a process is called does no harm" {
	"$SANDBOX" run -d --name other "$BUSYBOX_TAR" sleep 6414
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c 'sleep 6415; :' $'\e[2J\nroot'
	sandbox top box
	assert_output_lacks "sleep 6414"
	assert_output_has '\x1b[2J'
	"$SANDBOX" run -d --rm --name third "$BUSYBOX_TAR" true
	sandbox top no-such-box
	assert_error E_SANDBOX_UNKNOWN
	"$SANDBOX" stop --time 0 box
	sandbox top box
	assert_error E_SANDBOX_STATE
}
