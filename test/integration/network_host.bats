# --net=host: loud, and what it shares is what it says.

# shellcheck disable=SC2034,SC2154,SC2317  # bats sets stderr; network.bash reads and sets the rest
load helper
load network

warning="sandbox: --net=host: the command can reach this machine's loopback services and abstract sockets (X11, D-Bus)"

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

teardown() {
	stop_service
}

@test "one line warns of it, in the plan, too, and --quiet keeps it away" {
	run_busybox --net=host -- readlink /proc/self/ns/net
	assert_status 0
	assert_output "$(readlink /proc/self/ns/net)"
	assert_stderr "$warning"
	sandbox -q run --net host "$BUSYBOX_TAR" true
	assert_success ''
	run_busybox --net=host --dry-run -- true
	assert_output_has 'abstract sockets (X11, D-Bus)'
	assert_stderr_empty
	sandbox -q run "$BUSYBOX_TAR" readlink /proc/self/ns/net
	[ "$output" != "$(readlink /proc/self/ns/net)" ]
}

@test "loopback services and abstract sockets are reached, and without it they are not" {
	start_service
	sandbox -q run --net=host -v "$HELPERS/talk:/talk:exec" "$BUSYBOX_TAR" /talk tcp - 127.0.0.1 "$service_port" hello
	assert_success served
	sandbox -q run -v "$HELPERS/talk:/talk:exec" "$BUSYBOX_TAR" /talk tcp - 127.0.0.1 "$service_port" hello
	[ "$status" != 0 ]
	assert_output ''
	stop_service
	python3 -c 'import signal, socket
abstract = socket.socket(socket.AF_UNIX)
abstract.bind(b"\0sandbox-test")
signal.pause()' 3>&- &
	service=$!
	wait_until grep -q '@sandbox-test' /proc/net/unix
	sandbox -q run --net=host "$BUSYBOX_TAR" grep -c @sandbox-test /proc/net/unix
	assert_success 1
	sandbox -q run "$BUSYBOX_TAR" grep -c @sandbox-test /proc/net/unix
	assert_output 0
}

@test "names are found as this machine finds them" {
	sandbox -q run --net=host "$BUSYBOX_TAR" cat /etc/resolv.conf
	assert_success "$(cat /etc/resolv.conf)"
	sandbox -q run --net=host -h box "$BUSYBOX_TAR" cat /etc/hosts
	assert_output_has "$(cat /etc/hosts)"
	assert_output_has $'127.0.1.1\tbox'
	sandbox -q run --net=host --dns 192.0.2.53 "$BUSYBOX_TAR" sh -c 'grep ^nameserver /etc/resolv.conf; >>/etc/resolv.conf'
	assert_output 'nameserver 192.0.2.53'
	[ "$(grep -c 192.0.2.53 /etc/resolv.conf)" = 0 ]
}

@test "/sys is the machine's, read-only with all that is mounted below it, and masked" {
	sandbox -q run --net=host "$BUSYBOX_TAR" sh -c 'ls /sys/class/net | grep -c lo
		awk "\$5 ~ /^\/sys/ && \$6 !~ /^ro,nosuid,nodev,noexec/" /proc/self/mountinfo
		ls -A /sys/firmware /sys/kernel/debug /sys/kernel/security /sys/kernel/tracing 2>/dev/null | grep -v :$
		echo 1 2>/dev/null >/sys/kernel/mm/ksm/run && echo written'
	assert_output 1
}

@test "the machine's network settings cannot be set" {
	run_busybox --net=host --sysctl net.ipv4.ip_forward=1 -- true
	assert_mistake
	assert_stderr_has net.ipv4.ip_forward
	before=$(cat /proc/sys/net/ipv4/ping_group_range)
	sandbox -q run --net=host "$BUSYBOX_TAR" sh -c 'echo 0 0 >/proc/sys/net/ipv4/ping_group_range'
	[ "$status" != 0 ]
	[ "$(cat /proc/sys/net/ipv4/ping_group_range)" = "$before" ]
	sandbox -q run --net=host --sysctl kernel.msgmax=4096 "$BUSYBOX_TAR" cat /proc/sys/kernel/msgmax
	assert_success 4096
}

@test "root inside has no power over the machine's network" {
	sandbox -q run --net=host --cap-add ALL "$BUSYBOX_TAR" sh -c 'ip link add d0 type bridge 2>&1
		ip link set lo mtu 1000 2>&1; hostname other && echo own name'
	assert_output_has 'own name'
	[ "$(hostname)" != other ]
	[ "$(cat /sys/class/net/lo/mtu)" != 1000 ]
	[ ! -e /sys/class/net/d0 ]
}

@test "it works under every id map, and when the command is PID 1" {
	for options in --userns=single --userns=keep-id --init=false --read-only --nesting; do
		sandbox -q run --net=host $options "$BUSYBOX_TAR" readlink /proc/self/ns/net
		assert_success "$(readlink /proc/self/ns/net)"
	done
}

@test "a port of the machine cannot be published to itself" {
	run_busybox --net=host -p 8080:80 -- true
	assert_mistake
	assert_stderr_has '--publish'
}
