# For tests of --net: services on this machine's addresses, and the processes of a sandbox's network.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # status, output and stderr are those of the helper; variables are the tests'

# The "network" that test/scripts/driver-inside makes: an address of this machine that stands for any other machine's.
outside=198.51.100.1

# The loopback address of IPv6, where the kernel has that.
loopback6=$([ ! -e /proc/net/if_inet6 ] || echo ::1)

# Why pasta cannot be tested here, unless it can.
need_pasta() {
	[ -x /usr/bin/pasta ] || skip 'pasta (package passt) is not installed'
	(: <>/dev/net/tun) 2>/dev/null || skip 'this user may not open /dev/net/tun'
	ip -4 address show | grep -qF "$outside/" || skip "this machine has no address $outside: test/driver makes one, as root"
}

# Starts what tells everything that arrives on a port of all this machine's addresses: each connection is a line "tcp
# PEER" in $service_log and gets "served" for its first words; each datagram is a line "udp TEXT". Sets service_port.
start_service() {
	local words
	service_log=$BATS_TEST_TMPDIR/service.log
	# A kernel may lack IPv6.
	exec {words}< <(exec python3 - "$service_log" 3>&- <<-'PYTHON'
		import select, socket, sys
		both = socket.has_dualstack_ipv6()
		address, family = ("::", socket.AF_INET6) if both else ("0.0.0.0", socket.AF_INET)
		tcp = socket.create_server((address, 0), family=family, dualstack_ipv6=both)
		udp = socket.socket(family, socket.SOCK_DGRAM)
		if both:
		    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		udp.bind((address, tcp.getsockname()[1]))
		log = open(sys.argv[1], "w", buffering=1)
		print(tcp.getsockname()[1], flush=True)
		while True:
		    for ready in select.select([tcp, udp], [], [])[0]:
		        if ready is udp:
		            print("udp", udp.recv(2000).decode(), file=log)
		            continue
		        connection, peer = tcp.accept()
		        print("tcp", peer[0], file=log)
		        connection.recv(2000)
		        connection.sendall(b"served\n")
		        connection.close()
	PYTHON
	)
	service=$!
	read -r service_port <&"$words"
	exec {words}<&-
}

stop_service() {
	[ -z "${service:-}" ] || kill "$service" 2>/dev/null || true
	[ -z "${service:-}" ] || wait "$service" 2>/dev/null || true
	service=
}

# Starts `sandbox run OPTION… IMAGE sh -c SCRIPT` in the background and waits for its first line of output. Sets tool.
start_sandbox() {
	local script=${*: -1}
	rm -f "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err"
	"${binary:-$SANDBOX}" run "${@:1:$#-1}" "$BUSYBOX_TAR" sh -c "$script" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	tool=$!
	wait_until grep -qs . "$BATS_TEST_TMPDIR/out" || { cat "$BATS_TEST_TMPDIR/err"; return 1; }
}

keeper_of() {
	pgrep -P "$1" -x sandbox-net
}

# What the tool has started: init, the keeper, pasta, and the command, one pid a line.
family_of() {
	local pid
	for pid in $(pgrep -P "$1"); do
		echo "$pid"
		family_of "$pid"
	done
}

# None of these processes is there any more, but perhaps as a zombie whose parent we are.
all_ended() {
	local pid
	for pid in "$@"; do
		! kill -0 "$pid" 2>/dev/null || [ "$(ps -o stat= -p "$pid" | cut -c 1)" = Z ] || return 1
	done
}

# The error is a mistake in the command line, and says what would be right.
assert_mistake() {
	assert_status 125
	assert_stderr_has 'cause: '
	assert_stderr_has 'fix: '
}

# "served", or why not, from inside: a connection to ADDRESS at the service's port.
fetch() {
	local address=$1
	shift
	run_busybox "$@" -v "$HELPERS/talk:/talk:exec" -- /talk tcp - "$address" "$service_port" hello
}

# Whether what listens at ADDRESS PORT says again what it is told.
answers() {
	[ "$("$HELPERS/talk" tcp - "$1" "$2" again)" = again ]
}

logs_say() {
	"$SANDBOX" logs "$1" 2>&1 | grep -qF "$2"
}
