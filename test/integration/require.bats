# --require: what each name promises, whether it is in force, and that nothing runs where it is not.
# shellcheck shell=bash
# shellcheck disable=SC2154  # bats sets stderr

load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

# NAME | options with which it is in force | options with which it is not
table() {
	cat <<-'TABLE'
		userns-map           |                                     | --userns=single
		seccomp              |                                     | --security-opt seccomp=unconfined
		seccomp-default      | --nesting                           | --security-opt seccomp=unconfined
		seccomp-default      | --security-opt seccomp=default      | --security-opt seccomp=profile.json
		seccomp              | --security-opt seccomp=profile.json | --security-opt seccomp=unconfined
		no-new-privileges    | --security-opt no-new-privileges    | --security-opt no-new-privileges=false
		no-new-privileges    | --security-opt no-new-privileges=false --security-opt no-new-privileges=true | --security-opt no-new-privileges=true --security-opt no-new-privileges=false
		default-capabilities | --cap-drop CHOWN                    | --cap-add SYS_ADMIN
		no-capabilities      | --cap-drop ALL                      | --cap-drop CHOWN
		no-nesting           |                                     | --nesting
		masks                | --security-opt mask=/etc/os-release   | --nesting
		masks                |                                     | --security-opt unmask=ALL
		masks                |                                     | --security-opt unmask=/proc/keys
		own-processes        | --nesting                           | --proc=host
		own-network          |                                     | --net=host
		no-network           | --net=none                          | --net=host
		read-only            | --read-only                         | --tmpfs /x
		nothing-lent         | --tmpfs /x                          | -v ./lent:/lent
		nothing-lent         | --mount type=tmpfs,target=/x        | --mount type=bind,source=/etc,target=/x
		no-devices           | -v ./lent:/lent                     | --device /dev/null:/dev/other
	TABLE
}

@test "every name is in force with some options, and refused with others" {
	local name held broken count=0
	cd "$BATS_TEST_TMPDIR"
	mkdir lent
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >profile.json
	while IFS='|' read -r name held broken; do
		name=${name// /}
		# shellcheck disable=SC2086  # the options are words
		run_busybox --require "$name" $held -- echo ran
		assert_success ran
		# shellcheck disable=SC2086
		run_busybox --require "$name" $broken -- echo ran
		assert_error E_REQUIRED
		assert_stderr_has "--require $name"
		assert_output ''
		count=$((count + 1))
	done < <(table)
	# Had one of them read what the loop reads, the others would be missing.
	[ "$count" = "$(table | wc -l)" ]
}

@test "tmpfs-overlay is in force where the kernel can, and refused on disk" {
	run_busybox --require tmpfs-overlay --overlay=disk -- echo ran
	assert_error E_REQUIRED
	run_busybox --require tmpfs-overlay -- echo ran
	if tmpfs_holds_layers; then
		assert_success ran
	else
		assert_error E_REQUIRED
	fi
}

@test "userns-map is refused where there is no range, instead of a notice" {
	if is_sanitized; then
		skip "setpriv does not start it"
	fi
	capture setpriv --no-new-privs "$SANDBOX" run --require userns-map "$BUSYBOX_TAR" echo ran
	assert_error E_REQUIRED
	assert_output ''
}

@test "several names are all required, in one list or many, and in a plan, too" {
	run_busybox --require seccomp,no-nesting --require read-only --read-only -- echo ran
	assert_success ran
	run_busybox --require seccomp,read-only,no-nesting -- echo ran
	assert_error E_REQUIRED
	run_busybox --require seccomp --require read-only -- echo ran
	assert_error E_REQUIRED
	run_busybox --dry-run --require read-only
	assert_error E_REQUIRED
}

@test "every name is in the manual, and what is not a name is refused with the names" {
	local name names
	for name in '' ',' 'seccomp,' nonsense Seccomp 'read only'; do
		run_busybox --require "$name" -- echo ran
		assert_error 'it is not one of the protections'
		assert_stderr_has 'seccomp-default'
	done
	names=$(sed -n 's/^  fix: *name some of //p' <<<"$stderr" | tr -d ,)
	[ "$(wc -w <<<"$names")" -gt 10 ]
	for name in $names; do
		sed -n '/^# REQ/,$p' contrib/man/sandbox-run.1.scd | grep -q "^[[|].*\*$name\*" ||
			fail_with "the manual should have $name"
		grep -q "$name" <(table; echo tmpfs-overlay memory pids cpus) || fail_with "the table should have $name"
	done
}

@test "a configuration can require what the command line then cannot take away" {
	echo 'require = no-nesting' >"$BATS_TEST_TMPDIR/config"
	capture "$SANDBOX" --config "$BATS_TEST_TMPDIR/config" run "$BUSYBOX_TAR" echo ran
	assert_success ran
	capture "$SANDBOX" --config "$BATS_TEST_TMPDIR/config" run --nesting --require seccomp "$BUSYBOX_TAR" echo ran
	assert_error E_REQUIRED
}
