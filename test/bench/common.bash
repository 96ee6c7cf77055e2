# shellcheck shell=bash
# What the benches share.

# crun refuses to run at all on a machine with control groups of both versions, even when told not to use
# any. Here it sees version 2 alone.
hide_old_control_groups() {
	if [ -d /sys/fs/cgroup/unified ]; then
		mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
	fi
}

# Once more from the beginning, as the ordinary user.
become_user() {
	exec setpriv --reuid="$SANDBOX_TEST_USER" --regid="$(id -g "$SANDBOX_TEST_USER")" --init-groups --inh-caps=-all \
		test/scripts/with-session-keyring "$0" "$@"
}
