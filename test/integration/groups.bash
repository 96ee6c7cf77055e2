# Loaded by the tests of control groups.
# shellcheck shell=bash

# All groups of sandboxes that there are, and all of systemd's scopes for them.
groups_snapshot() {
	find /sys/fs/cgroup -type d -regextype egrep -regex ".*/sandbox-([0-9a-f]{16}.*|callers)" 2>/dev/null | sort
}

assert_no_groups() {
	wait_until no_groups || fail_with "groups are left: $(groups_snapshot), and in them: $(members_of_groups)"
}

# PID, state, program and the system call in which it waits.
members_of_groups() {
	local group pid
	for group in $(groups_snapshot); do
		while read -r pid; do
			ps -o pid=,ppid=,stat=,wchan=,args= -p "$pid" || true
		done <"$group/cgroup.procs"
		grep populated "$group/cgroup.events" || true
	done
}

no_groups() {
	[ -z "$(groups_snapshot)" ]
}

# Systemd's own word for it; nothing where there is no manager.
scopes() {
	systemctl --user list-units --all --plain --no-legend 'sandbox-*.scope' 2>/dev/null || true
}

# Nothing is left of any sandbox: no group, no scope, and no record of one.
assert_nothing_of_groups() {
	assert_no_groups
	wait_until no_scopes || fail_with "scopes are left: $(scopes)"
	[ -z "$(ls "$XDG_RUNTIME_DIR/sandbox/groups" 2>/dev/null)" ] ||
		fail_with "records are left: $(ls "$XDG_RUNTIME_DIR/sandbox/groups")"
}

no_scopes() {
	[ -z "$(scopes)" ]
}

# Whether a group with limits can be had, which in the guests that are for this it must.
needs_limits() {
	! "$SANDBOX" run --dry-run -m 64m --pids-limit 99 "$BUSYBOX_TAR" true >/dev/null 2>&1 || return 0
	case ${SANDBOX_WORLD:-none} in
	systemd* | delegated) fail_with 'this world delegates groups' ;;
	esac
	skip 'nothing delegates a group to us here'
}
