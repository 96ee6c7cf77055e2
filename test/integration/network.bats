# --net: what can be reached and what cannot, and how it ends.
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

@test "--net reaches another machine over TCP and UDP, as root and as another user" {
	need_pasta
	start_service
	fetch "$outside" --net
	assert_success served
	fetch "$outside" --net -u nobody
	assert_success served
	run_busybox --net -v "$HELPERS/talk:/talk:exec" -- sh -c "
		/talk udp - $outside $service_port datagram && /talk tcp - $outside $service_port afterwards"
	assert_success served
	grep -qx 'udp datagram' "$service_log"
}

# The last words go to a permitted address: when they have arrived, earlier ones would have, too.
@test "this machine's loopback interface cannot be reached" {
	need_pasta
	start_service
	for address in 127.0.0.1 127.0.0.53 $loopback6 192.0.2.1; do
		fetch "$address" --net
		[ "$status" != 0 ] || fail_with "$address answered"
	done
	run_busybox --net -v "$HELPERS/talk:/talk:exec" -- sh -c "
		for address in 127.0.0.1 127.9.9.9 $loopback6; do
			/talk udp uplink \$address $service_port \"loopback \$address\" || exit
		done
		/talk tcp uplink $outside $service_port last"
	assert_success served
	! grep loopback "$service_log" || fail_with 'a datagram for a loopback address has arrived'
	[ "$(grep -c ^tcp "$service_log")" = 1 ] || fail_with 'a connection to a loopback address was made'
}

@test "control: without the guard on the tap this pasta passes them on" {
	need_pasta
	start_service
	capture env SANDBOX_TEST_REMOVE=tap-guard "$SANDBOX_SWITCHED" run --net -v "$HELPERS/talk:/talk:exec" \
		"$BUSYBOX_TAR" sh -c "for address in 127.0.0.1 $loopback6; do
			/talk udp uplink \$address $service_port \"sent \$address\" || exit
		done
		/talk tcp uplink $outside $service_port last"
	assert_success served
	grep -q '^udp sent 127.0.0.1$' "$service_log" || skip 'this version of pasta refuses loopback addresses itself'
	[ -z "$loopback6" ] || grep -qx "udp sent $loopback6" "$service_log"
}

# Past all rules of inside that keep loopback addresses local. usage: send_with_all_capabilities PROGRAM
send_with_all_capabilities() {
	capture timeout -k 5 180 "$1" run --net --cap-add ALL -v "$HELPERS/talk:/talk:exec" "$BUSYBOX_TAR" sh -c "
		ip route add 127.0.0.0/8 dev uplink table 77 && ip rule add to 127.0.0.0/8 table 77 priority 1 &&
		ip rule del priority 0 && /talk udp uplink 127.0.0.1 $service_port loopback &&
		ip rule add table local priority 0
		/talk tcp uplink $outside $service_port last"
	assert_output_has served
}

@test "not even with all capabilities" {
	need_pasta
	start_service
	send_with_all_capabilities "$SANDBOX"
	! grep loopback "$service_log" || fail_with 'a datagram for a loopback address has arrived'
}

@test "control: with all capabilities it is the guard that keeps them away" {
	need_pasta
	start_service
	export SANDBOX_TEST_REMOVE=tap-guard
	send_with_all_capabilities "$SANDBOX_SWITCHED"
	grep -q loopback "$service_log" || skip 'this version of pasta refuses loopback addresses itself'
}

@test "pasta's death is told in one line, and the sandbox goes on without a network" {
	need_pasta
	start_service
	mkdir "$BATS_TEST_TMPDIR/lent"
	start_sandbox --net -v "$BATS_TEST_TMPDIR/lent:/lent" -v "$HELPERS/talk:/talk:exec" "echo up; until [ -e /lent/go ]; do sleep 0.05; done
		/talk tcp - $outside $service_port hello; echo goes on; exit 7"
	kill -KILL "$(pgrep -P "$(keeper_of "$tool")")"
	wait_until grep . "$BATS_TEST_TMPDIR/err"
	touch "$BATS_TEST_TMPDIR/lent/go"
	capture wait "$tool"
	assert_status 7
	[ "$(<"$BATS_TEST_TMPDIR/out")" = $'up\ngoes on' ]
	grep -q '^sandbox: pasta was ended by signal 9 .*: the sandbox has no network any more$' "$BATS_TEST_TMPDIR/err"
}

@test "a ^C that the command survives is not the end of its network" {
	need_pasta
	start_service
	mkdir "$BATS_TEST_TMPDIR/lent"
	binary=$BATS_TEST_TMPDIR/in-a-group
	printf '#!/bin/sh\nexec env --default-signal=INT setsid "$SANDBOX" "$@"\n' >"$binary"
	chmod +x "$binary"
	start_sandbox --net -v "$BATS_TEST_TMPDIR/lent:/lent" -v "$HELPERS/talk:/talk:exec" "trap 'touch /lent/interrupted' INT
		echo up; until [ -e /lent/go ]; do sleep 0.05; done; /talk tcp - $outside $service_port hello"
	unset binary
	# What a terminal does: everybody of the process group gets the signal.
	kill -INT -- "-$tool"
	wait_until [ -e "$BATS_TEST_TMPDIR/lent/interrupted" ]
	touch "$BATS_TEST_TMPDIR/lent/go"
	capture wait "$tool"
	[ "$(<"$BATS_TEST_TMPDIR/out")" = $'up\nserved' ]
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

@test "killing any of the processes leaves none of them" {
	need_pasta
	for victim in tool init keeper pasta; do
		start_sandbox --net 'echo up; exec sleep 1000'
		keeper=$(keeper_of "$tool")
		mapfile -t family < <(family_of "$tool")
		[ "${#family[@]}" -ge 4 ]
		case $victim in
		tool) kill -KILL "$tool" ;;
		init) kill -KILL "$(pgrep -P "$tool" -x sandbox-init)" ;;
		keeper) kill -KILL "$keeper" ;;
		pasta) kill -KILL "$(pgrep -P "$keeper")" ;;
		esac
		case $victim in
		keeper | pasta)
			wait_until all_ended "$keeper"
			wait_until grep -q 'the sandbox has no network any more' "$BATS_TEST_TMPDIR/err"
			[ "$(wc -l <"$BATS_TEST_TMPDIR/err")" = 1 ] || fail_with "$(cat "$BATS_TEST_TMPDIR/err")"
			kill -0 "$tool"
			kill -TERM "$tool"
			;;
		esac
		wait "$tool" || true
		wait_until all_ended "${family[@]}"
	done
}
