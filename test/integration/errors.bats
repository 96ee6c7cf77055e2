# Failures that users meet have a stable name, a cause and a fix, and change nothing.

# shellcheck disable=SC2154  # bats sets stderr
load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

# Every image that sandbox knows, to compare.
store_listing() {
	find "$XDG_CACHE_HOME/sandbox" -maxdepth 2 | sort
}

@test "no such file or image" {
	sandbox run /no/such/file.tar true
	assert_error E_IMAGE_UNKNOWN
	assert_stderr_has /no/such/file.tar
	sandbox run no-such-image true
	assert_error E_IMAGE_UNKNOWN
}

@test "not an archive" {
	local before
	before=$(store_listing)
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/random"
	sandbox run "$BATS_TEST_TMPDIR/random" true
	assert_error E_ARCHIVE_FORMAT
	: >"$BATS_TEST_TMPDIR/empty"
	sandbox run "$BATS_TEST_TMPDIR/empty" true
	assert_error E_ARCHIVE_
	[ "$(store_listing)" = "$before" ] || fail_with "the store changed"
}

@test "an archive cut short, also exactly between two members" {
	local before
	before=$(store_listing)
	head -c 1000000 "$BUSYBOX_TAR" >"$BATS_TEST_TMPDIR/cut.tar"
	sandbox run "$BATS_TEST_TMPDIR/cut.tar" true
	assert_error E_ARCHIVE_TRUNCATED
	# The first two members are folders: a header of 512 bytes each.
	head -c 1024 "$BUSYBOX_TAR" >"$BATS_TEST_TMPDIR/boundary.tar"
	sandbox run "$BATS_TEST_TMPDIR/boundary.tar" true
	assert_error E_ARCHIVE_TRUNCATED
	[ "$(store_listing)" = "$before" ] || fail_with "the store changed"
}

@test "a compressed archive cut short" {
	gzip -1 -c "$BUSYBOX_TAR" | head -c 500000 >"$BATS_TEST_TMPDIR/cut.tar.gz"
	sandbox run "$BATS_TEST_TMPDIR/cut.tar.gz" true
	assert_error E_ARCHIVE_TRUNCATED
}

@test "options are checked before anything is done" {
	local option
	for option in --timeout=soon --userns=auto --overlay=ram --storage-size=huge --ulimit=nofile \
		--cap-add=no_such --preserve-fds=-1 --hostname=a/b; do
		sandbox run "$option" "$BUSYBOX_TAR" true
		assert_status 125
		assert_stderr_has "${option#*=}"
	done
}

@test "a value with a dash that is no number is an error about that value" {
	local option
	for option in oom-score-adj preserve-fds status-fd umask stop-timeout timeout shm-size storage-size memory memory-high \
		memory-swap cpus cpu-weight cpu-shares cpuset-cpus cpuset-mems pids-limit io-weight stop-signal; do
		sandbox run "--$option" -x "$BUSYBOX_TAR" true
		assert_status 125
		[[ $stderr == "sandbox: --$option"*'"-x"'* ]] || fail_with 'the value should be named'
		# Of no system call: there was none.
		[[ ${stderr%%$'\n'*} != *[a-z]': '[A-Z]* ]] || fail_with 'no error of the kernel is the reason'
		assert_stderr_has 'fix: '
	done
	sandbox stop --time -x nobody
	assert_status 125
	assert_stderr_has '"-x" is not a duration'
	sandbox logs --tail -x nobody
	assert_error '--tail "-x"'
}

@test "-i is refused where the image comes by standard input" {
	sandbox run -i - cat <"$BUSYBOX_TAR"
	assert_error 'standard input is the image'
	sandbox run -i=false - cat <"$BUSYBOX_TAR"
	assert_success ''
	# What a file says for all runs is no reason.
	mkdir -p "$XDG_CONFIG_HOME/sandbox"
	echo interactive >"$XDG_CONFIG_HOME/sandbox/config"
	sandbox run - cat <"$BUSYBOX_TAR"
	assert_success ''
	rm "$XDG_CONFIG_HOME/sandbox/config"
}

@test "a missing image operand shows the usage" {
	sandbox run
	assert_status 125
	assert_stderr_has 'usage: sandbox run'
}

@test "control bytes of names are escaped in errors" {
	run_busybox -- $'/bin/\e[2Jevil'
	assert_status 127
	[[ $stderr != *$'\e'* ]] || fail_with "an escape byte was printed"
	assert_stderr_has '\x1b'
}

@test "every name of an error has a help topic" {
	local name names
	sandbox help
	assert_status 0
	names=$(grep -o '^E_[A-Z_]*' <<<"$output")
	for name in E_SUBID_MISSING E_NNP E_ARCHIVE_TRUNCATED E_KEY_QUOTA; do
		grep -qx "$name" <<<"$names" || fail_with "$name should be listed"
	done
	# What it is in a line, a blank one, and what to do.
	for name in $names; do
		sandbox help "$name"
		assert_success
		[[ $output == "$name: "[A-Za-z]*$'\n\n'?* ]] || fail_with 'a summary and a text'
		assert_output_lacks null
	done
}

@test "what cannot be held is refused, not passed over" {
	run_busybox --rm=false -- true
	assert_error 'leaves nothing behind'
	# To tmpfs 0 means without limit.
	run_busybox --shm-size 0 -- true
	assert_error 'no limit at all'
	run_busybox --storage-size 0 -- true
	assert_status 125
	assert_stderr_has '64 KiB'
	run_busybox --storage-size 1k -- true
	assert_error '64 KiB'
	run_busybox --storage-size 64k -- true
	if tmpfs_holds_layers; then
		assert_success
	else
		assert_error E_LIMIT_UNAVAILABLE
	fi
	run_busybox --preserve-fds 4294967295 -- true
	assert_error '1024 descriptors at most'
}

# Where XDG_STATE_HOME and ./full are small file systems, a sandbox is kept and no byte is left: on_full_disks ARG...
on_full_disks() {
	capture as_layer_root unshare -m bash -c '
		export XDG_STATE_HOME=$PWD/state
		mkdir -p state full
		for place in state full; do
			mount -t tmpfs -o size=256k,mode=0700 tmpfs "$place" || exit 9
		done
		"$SANDBOX" --root store create --userns=single --name kept "$BUSYBOX_TAR" true >/dev/null || exit 9
		for place in state full; do
			! head -c 1m /dev/zero >"$place/filler" 2>/dev/null || exit 9
		done
		exec "$SANDBOX" --root store "$@"' bash "$@"
	assert_error E_NO_SPACE
}

@test "full disks other than the store's" {
	cd "$BATS_TEST_TMPDIR"
	on_full_disks create --userns=single "$BUSYBOX_TAR" true
	assert_stderr_has '--state DIR'
	on_full_disks run --userns=single --name other "$BUSYBOX_TAR" true
	assert_stderr_has '--state DIR'
	on_full_disks run --userns=single -d "$BUSYBOX_TAR" true
	assert_stderr_has '--state DIR'
	on_full_disks run --userns=single --summary=full/receipt "$BUSYBOX_TAR" true
	assert_stderr_has 'name another file'
	on_full_disks save -o full/saved.tar "$BUSYBOX_TAR"
	assert_stderr_has 'write it elsewhere'
	on_full_disks export -o full/exported.tar kept
	assert_stderr_has 'write it elsewhere'
	on_full_disks cp kept:/bin full
	assert_stderr_has 'free some space there'
}

@test "a full writable layer is named at the end" {
	tmpfs_holds_layers || skip 'a writable layer on disk has no size of its own'
	sandbox run --storage-size 64k "$BUSYBOX_TAR" dd if=/dev/zero of=/file bs=1k count=200
	assert_status 1
	assert_stderr_has 'the writable layer ran full'
}

@test "what cannot be made in the kernel's file systems is not blamed on the image" {
	local path
	for path in /proc/x /sys/x/y; do
		run_busybox -w "$path" -- true
		assert_error E_ROOT_LAYOUT
		assert_stderr_has "nothing can be made in /proc and /sys"
		assert_stderr_has 'fix:   choose another place'
		run_busybox --tmpfs "$path" -- true
		assert_status 125
		assert_stderr_has /proc
	done
	run_busybox -w /proc/1/cwd -- true
	assert_status 125
	run_busybox -w /proc/self/net -- true
	assert_success
}
