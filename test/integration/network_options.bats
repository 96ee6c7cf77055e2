# The options of networks, and networks beside other options.
# runs alone

# shellcheck disable=SC2154,SC2317  # bats sets stderr; network.bash sets the rest
load helper
load network

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

teardown() {
	stop_service
}

@test "without --net there is loopback alone" {
	run_busybox -- ls /sys/class/net
	assert_success lo
	run_busybox --net=none -- ls /sys/class/net
	assert_success lo
}

@test "options that need a network are errors without one" {
	run_busybox --dns 192.0.2.53 -- true
	assert_mistake
	run_busybox --dns-search example.org -- true
	assert_mistake
	run_busybox --net none -p 8080:80 -- true
	assert_mistake
	assert_stderr_has '--publish'
}

@test "a mode that there is not is an error, also in the words of other tools" {
	for mode in bridge slirp4netns container:web private ns:/run/netns/x; do
		run_busybox --net "$mode" -- true
		assert_mistake
		assert_stderr_has "$mode"
	done
	run_busybox --net=nonsense -- true
	assert_mistake
	run_busybox --net sandbox:web -- true
	assert_mistake
	assert_stderr_has 'cannot yet join'
}

@test "--net takes the next word only if that is a mode; --network is the same option" {
	need_pasta
	run_busybox --network none -- ls /sys/class/net
	assert_success lo
	run_busybox --net -- ls /sys/class/net
	assert_success $'lo\nuplink'
	run_busybox --net pasta -- ls /sys/class/net
	assert_success $'lo\nuplink'
	# The name of an image is not in the way: there is none of that name.
	sandbox run --net=none host true
	assert_error E_IMAGE_UNKNOWN
}

@test "--net works under every id map, and when the command is PID 1" {
	need_pasta
	start_service
	for options in --userns=single --userns=keep-id --userns=keep-id:uid=5,gid=6 --init=false --read-only; do
		# shellcheck disable=SC2086
		fetch "$outside" --net $options
		assert_success served
	done
}

@test "--net works where a holder keeps the user namespace around the sandbox's" {
	if is_sanitized; then
		skip "behind a holder init runs on the stage's stack, about which AddressSanitizer warns"
	fi
	need_pasta
	start_service
	mkdir -p "$XDG_CONFIG_HOME/sandbox"
	echo 'holder = 60s' >"$XDG_CONFIG_HOME/sandbox/config"
	for ((i = 0; i < 2; i++)); do
		fetch "$outside" --net
		assert_success served
	done
	pgrep -u "$(id -u)" -x sandbox-holder
	rm "$XDG_CONFIG_HOME/sandbox/config"
	pkill -KILL -u "$(id -u)" -x sandbox-holder
}

@test "--net works where nobody may gain privileges" {
	need_pasta
	start_service
	capture setpriv --no-new-privs "$SANDBOX" -q run --net -v "$HELPERS/talk:/talk:exec" "$BUSYBOX_TAR" \
		/talk tcp - "$outside" "$service_port" hello
	assert_success served
}

@test "--net=pasta:--map-gw makes the gateway stand for this machine" {
	need_pasta
	start_service
	fetch 192.0.2.1 --net=pasta:--map-gw
	assert_success served
}

@test "no port is forwarded in" {
	need_pasta
	start_sandbox --net 'nc -ll -p 18090 -e cat & until netstat -tln | grep -q :18090; do sleep 0.05; done; echo up; wait'
	for address in 127.0.0.1 192.0.2.2 "$outside"; do
		! answers "$address" 18090 || fail_with "the port is open on $address"
	done
	kill "$tool"
	wait "$tool" || true
}

@test "the options of pasta can be given, and others not" {
	need_pasta
	run_busybox --net=pasta:--mtu,1300,-4,--ns-ifname=wire -- sh -c \
		'cat /sys/class/net/wire/mtu; ip -6 address show wire | grep -c global'
	assert_output $'1300\n0'
	for options in --foreground --pid,/x --netns,/x --runas,0 --mtu -4=yes nonsense; do
		run_busybox "--net=pasta:$options" -- true
		assert_mistake
	done
}

@test "-p leads a port of this machine to one inside, and brings the network along" {
	need_pasta
	start_sandbox -p 127.0.0.1:18091:80 'echo up; exec nc -ll -p 80 -e cat'
	# What listens inside may need a moment more.
	wait_until answers 127.0.0.1 18091
	! answers 192.0.2.2 18091 || fail_with 'it is open on other addresses, too'
	kill "$tool"
	wait "$tool" || true
}

@test "-p without an address is open on all of them; UDP needs to be named" {
	need_pasta
	start_sandbox -p 18092:80 -p 18093-18094:90-91/udp 'echo up; exec nc -ll -p 80 -e cat'
	wait_until answers 192.0.2.2 18092
	[ "$(ss -Huln | grep -c ':1809[34] ')" -ge 2 ]
	! ss -Huln | grep -q ':18092 ' || fail_with 'the TCP port was opened for UDP, too'
	! ss -Htln | grep -q ':1809[34] ' || fail_with 'the UDP ports were opened for TCP, too'
	kill "$tool"
	wait "$tool" || true
}

@test "a port that is taken is an error, and the command does not run" {
	need_pasta
	start_service
	run_busybox -p "$service_port:80" -- echo ran
	assert_error E_PASTA_FAILED
	assert_output ''
}

@test "ports that are none are errors" {
	for port in 80 0:80 80:0 70000:80 80-81:80 81-80:81-80 80:80/sctp x:80 1.2.3:80:80 '[::1:80:80' ::1:80:80; do
		run_busybox --publish "$port" -- true
		assert_mistake
		assert_stderr_has "--publish \"$port\""
	done
}

@test "/etc/resolv.conf and /etc/hosts say what the options say" {
	need_pasta
	run_busybox --net --dns 192.0.2.53 --dns 2001:db8::53 --dns-search a.example --dns-search b.example -- cat /etc/resolv.conf
	assert_success $'search a.example b.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53'
	run_busybox --add-host mirror:192.0.2.7 --add-host six:2001:db8::7 --add-host 'seven=[2001:db8::8]' -- head -n 3 /etc/hosts
	assert_success $'192.0.2.7\tmirror\n2001:db8::7\tsix\n2001:db8::8\tseven'
	for host in mirror mirror: mirror:here :192.0.2.1 'a b:192.0.2.1' mirror:host-gateway; do
		run_busybox --add-host "$host" -- true
		assert_mistake
	done
	run_busybox --add-host mirror:192.0.2.7 --no-hosts -- true
	assert_mistake
	run_busybox --net --dns 127.0.0.53 -- true
	assert_mistake
	assert_stderr_has loopback
}

keepers_are() {
	[ "$(pgrep -c -u "$(id -u)" -x sandbox-net)" = "$1" ]
}

@test "in the background: the network is there as long as the sandbox, and its loss is in the log" {
	need_pasta
	start_service
	mkdir "$BATS_TEST_TMPDIR/lent"
	sandbox run -d --name behind --net -v "$BATS_TEST_TMPDIR/lent:/lent" -v "$HELPERS/talk:/talk:exec" "$BUSYBOX_TAR" \
		sh -c "until [ -e /lent/go ]; do sleep 0.05; done; /talk tcp - $outside $service_port hello"
	assert_status 0
	touch "$BATS_TEST_TMPDIR/lent/go"
	"$SANDBOX" wait behind
	sandbox logs behind
	assert_output served
	sandbox rm behind
	wait_until keepers_are 0
	sandbox run -d --name behind --net "$BUSYBOX_TAR" sleep 1000
	keepers_are 1
	kill -KILL "$(pgrep -P "$(pgrep -u "$(id -u)" -x sandbox-net)")"
	wait_until logs_say behind 'sandbox: pasta was ended by signal 9'
	sandbox rm --force behind
	wait_until keepers_are 0
}
