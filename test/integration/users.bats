# Who the payload is, and who owns what: inside, and on the host.

load helper

setup_file() {
	private_folders
	first_subuid=$(awk -F : -v user="$(id -un)" '$1 == user { print $2; exit }' /etc/subuid)
	export first_subuid
	"$SANDBOX" run "$BUSYBOX_TAR" true
	layer=$(echo "$XDG_CACHE_HOME"/sandbox/layers/*/root)
	export layer
}

# The host's id of an id inside, under the default map: root is the caller, 1 and up the subordinate range.
host_id() {
	if [ "$1" = 0 ]; then
		id -u
	else
		echo $((first_subuid + $1 - 1))
	fi
}

@test "root by default, with no other groups" {
	run_busybox -- id
	assert_success 'uid=0(root) gid=0(root)'
}

@test "-u takes a name of the image, with its groups" {
	run_busybox -u user -- id
	assert_success 'uid=1000(user) gid=1000(user) groups=50(staff)'
}

@test "-u takes numbers, also such as have no name" {
	run_busybox -u 5:6 -- sh -c 'id -u; id -g'
	assert_success $'5\n6'
	run_busybox -u 12345 -- id -u
	assert_success 12345
}

@test "-u takes USER:GROUP by name" {
	run_busybox -u daemon:staff -- id
	assert_status 0
	assert_output_has 'uid=1(daemon) gid=50(staff)'
}

@test "a user that the image does not have is an error" {
	run_busybox -u no-such-user -- true
	assert_error E_USER_UNKNOWN
	assert_stderr_has no-such-user
	run_busybox -u root:no-such-group -- true
	assert_error E_USER_UNKNOWN
}

@test "numbers that are no ids are refused" {
	local number
	for number in -1 4294967295 4294967296 99999999999 0x10 '1 '; do
		run_busybox -u "$number" -- true
		assert_status 125
		assert_stderr_has E_USER_UNKNOWN
		assert_stderr_has "$number"
	done
}

@test "an id beyond the map is an error of its own" {
	run_busybox -u 4000000000 -- true
	assert_error E_ID_UNMAPPED
	run_busybox --userns single -u 1000 -- true
	assert_error E_ID_UNMAPPED
}

@test "a user who may not read a file does not" {
	run_busybox -u user -- ls /root
	[ "$status" != 0 ] || fail_with "a 0700 folder of root's was readable"
	run_busybox -- ls /root
	assert_status 0
}

@test "--userns=single maps root alone, onto the caller" {
	run_busybox --userns single -- sh -c 'cat /proc/self/uid_map | xargs; id -u'
	assert_success "0 $(id -u) 1"$'\n0'
	run_busybox --userns single -- sh -c 'touch /tmp/f && chown 1 /tmp/f'
	[ "$status" != 0 ] || fail_with "chown to an unmapped id worked"
}

@test "the host's root is never mapped" {
	run_busybox -- cat /proc/self/uid_map /proc/self/gid_map
	assert_status 0
	[ "${#lines[@]}" -ge 4 ] || fail_with "there should be two maps"
	awk '$2 == 0 { exit 1 }' <<<"$output" || fail_with "host id 0 is mapped"
}

@test "the unpacked tree has the archive's owners, as the host's ids" {
	[ "$(stat -c %u "$layer/bin/busybox")" = "$(host_id 0)" ]
	[ "$(stat -c %u "$layer/home/user")" = "$(host_id 1000)" ]
}

@test "with a single id the archive's owners are kept in an attribute" {
	local single
	single=$(find "$XDG_CACHE_HOME/sandbox/layers" -mindepth 1 -maxdepth 1 ! -path "${layer%/root}")/root
	[ "$(stat -c %u "$single/home/user")" = "$(id -u)" ]
	[[ $(getfattr --only-values -n user.containers.override_stat "$single/home/user") == 1000:1000:* ]]
	# Control: what is the caller's own needs no note.
	run ! getfattr --only-values -n user.containers.override_stat "$single/bin/busybox"
}

@test "files made inside have the right owners inside and on the host" {
	"$SANDBOX" run "$BUSYBOX_TAR" sh -c '
		cd /tmp
		touch root; touch user nobody; chown user:staff user; chown nobody:nogroup nobody
		stat -c "%n %u:%g" root user nobody
		exec sleep 8642' >"$BATS_TEST_TMPDIR/inside" 3>&- &
	local pid=$! payload
	wait_until pgrep -u "$(id -u)" -f '^sleep 8642'
	payload=$(pgrep -u "$(id -u)" -f '^sleep 8642')
	capture stat -c '%n %u' "/proc/$payload/root/tmp/"{root,user,nobody}
	kill "$pid"
	wait "$pid" || true
	assert_status 0
	[ "$(cat "$BATS_TEST_TMPDIR/inside")" = $'root 0:0\nuser 1000:50\nnobody 65534:65534' ]
	[ "$(awk '{ print $2 }' <<<"$output" | xargs)" = "$(host_id 0) $(host_id 1000) $(host_id 65534)" ] ||
		fail_with "other owners on the host"
}
