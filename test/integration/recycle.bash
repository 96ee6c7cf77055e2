# What the shells of recycled.bats have, each PID 1 of a pid namespace and its root.
# usage: . recycle.bash FOLDER: theirs
# shellcheck shell=bash

folder=$1
export XDG_STATE_HOME=$folder/state XDG_CACHE_HOME=$folder/cache XDG_CONFIG_HOME=$folder/config XDG_RUNTIME_DIR=$folder

wait_until() {
	local i
	for ((i = 0; i < 600; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "this did not become true: $*"
	return 1
}

is_gone() {
	[ ! -e "/proc/$1" ]
}

# Starts a process that has the number of a dead one: sleep(1), or another program.
# usage: recycle PID [PROGRAM]
recycle() {
	local tries
	wait_until is_gone "$1"
	# Not as long as it is that of a session, too, in which somebody lives.
	for ((tries = 0; tries < 600; tries++)); do
		echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
		"${2:-sleep}" 1000 &
		if [ $! = "$1" ]; then
			# A shell like its parent at first.
			wait_until lives "$1"
			return
		fi
		kill $!
		sleep 0.05
	done
	echo "number $1 is not given out again"
	return 1
}

# Who has that number is the one that recycle has started, and was never signalled.
lives() {
	[[ -e /proc/$1 && $(tr '\0' ' ' <"/proc/$1/cmdline") == *' 1000 ' ]] && ! grep -q '^State:.[ZX]' "/proc/$1/status"
}

supervisor_of() {
	pgrep -o -f "^[^ ]*sandbox run -d.* --name $1 "
}

start_box() {
	"${program:-$SANDBOX}" run -d "$@" --name box --pidfile "$folder/pid" "$BUSYBOX_TAR" sleep 6951 2>/dev/null
	init=$(<"$folder/pid")
	supervisor=$(supervisor_of box)
}

# The sandbox is killed, and others have the numbers of its supervisor and its init.
replace_box() {
	kill -KILL "$supervisor"
	wait_until is_gone "$init"
	recycle "$supervisor"
	recycle "$init"
}
