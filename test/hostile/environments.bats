#!/usr/bin/env bats
# Machines, containers and shells that a careful program does not expect (further ones, which need no
# namespace to make, are in integration/odd_environments.bats). In each the sandbox works, or ends within
# a minute with one error that names the cause and the fix.

# shellcheck disable=SC2030,SC2031,SC2154  # bats: every test is a subshell; capture sets stderr

load ../integration/helper

setup_file() {
	# The leak check of a sanitized build is a tracer itself, and wants processes, memory and /proc.
	export ASAN_OPTIONS=detect_leaks=0
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
	"$SANDBOX" run --userns=single "$BUSYBOX_TAR" true
}

# altered SETUP COMMAND [ARG…]: in a user and a mount namespace of its own, where the shell text SETUP may
# mount and limit what it likes; the command has no privilege there. Nobody but the user himself exists in
# there, so the ids of a sandbox are single, unless SETUP is about that.
altered() {
	local setup=$1
	shift
	within_a_minute unshare --user --map-current-user --keep-caps --mount sh -c "set -e; $setup
		exec setpriv --ambient-caps=-all --inh-caps=-all \"\$@\"" sh "$@"
}

single=(run --userns=single "$BUSYBOX_TAR" echo works)

# The same on an empty store, for what only a first run meets.
setup() {
	cold=(--root "$BATS_TEST_TMPDIR/store" "${single[@]}")
}

# It works, or there is one error of ours, with an id and a cause.
assert_works_or_explained() {
	if [ "$status" = 0 ]; then
		assert_output works
		return
	fi
	assert_status 125
	[ "$(grep -c '^  cause: ' <<<"$stderr")" = 1 ] || fail_with "there should be one error, with a cause"
	[[ $stderr == *'  fix: '* || $stderr == *'sandbox help E_'* ]] || fail_with "there should be a fix or a topic"
}

# --- the home ------------------------------------------------------------------------------------------------

@test "a read-only home: what is in the store still runs, and an import says what is wrong" {
	local read_only='mount --bind "$XDG_CACHE_HOME" "$XDG_CACHE_HOME"; mount -o remount,bind,ro "$XDG_CACHE_HOME"'
	altered "$read_only" "$SANDBOX" "${single[@]}"
	assert_success works
	cp "$BUSYBOX_TAR" "$BATS_TEST_TMPDIR/new.tar"
	altered "$read_only" "$SANDBOX" import --userns=single "$BATS_TEST_TMPDIR/new.tar"
	assert_error E_HOME_UNUSABLE
	mkdir "$BATS_TEST_TMPDIR/empty"
	altered 'mount --bind "$BATS_TEST_TMPDIR/empty" "$XDG_CACHE_HOME"; mount -o remount,bind,ro "$XDG_CACHE_HOME"' \
		"$SANDBOX" "${single[@]}"
	assert_error E_HOME_UNUSABLE
}

@test "a full home: bytes, and then inodes" {
	local options
	for options in size=256k nr_inodes=12; do
		altered "mount -t tmpfs -o mode=0777,$options tmpfs \"\$XDG_CACHE_HOME\"" sh -c '
			"$@"; status=$?
			find "$XDG_CACHE_HOME/sandbox" -mindepth 2 ! -name "*lock*"
			exit $status' sh "$SANDBOX" "${single[@]}"
		assert_error E_NO_SPACE
		assert_output ''
	done
}

@test "a home that allows no programs" {
	altered 'mount -t tmpfs -o mode=0777,noexec,nosuid,nodev tmpfs "$XDG_CACHE_HOME"' "$SANDBOX" "${single[@]}"
	assert_success works
}

@test "a store whose path holds what separates mount options" {
	local name
	for name in 'a:b,c' 'back\slash' 'new
line' "$(printf 'long-%0240d' 1)" 'sp ace'; do
		mkdir -p "$BATS_TEST_TMPDIR/$name"
		within_a_minute env XDG_CACHE_HOME="$BATS_TEST_TMPDIR/$name" "$SANDBOX" "${single[@]}"
		assert_success works
	done
}

@test "HOME and the XDG folders are nonsense" {
	local value
	for value in '' relative/path /dev/null /proc/self/mem /proc/none/folder "$(printf '/%05000d' 1)"; do
		within_a_minute env -u XDG_CACHE_HOME -u XDG_RUNTIME_DIR HOME="$value" "$SANDBOX" "${cold[@]}"
		assert_status 0
		assert_output works
		within_a_minute env XDG_CACHE_HOME="$value" HOME="$BATS_TEST_TMPDIR" "$SANDBOX" "${single[@]}"
		case $value in
		# What is no absolute path does not count.
		/*) assert_error E_HOME_UNUSABLE ;;
		*) assert_success works ;;
		esac
	done
}

# --- ids -----------------------------------------------------------------------------------------------------

@test "no subordinate ids: one id with a notice; a range that was asked for is an error" {
	: >"$BATS_TEST_TMPDIR/none"
	local none='mount --bind "$BATS_TEST_TMPDIR/none" /etc/subuid; mount --bind "$BATS_TEST_TMPDIR/none" /etc/subgid'
	altered "$none" "$SANDBOX" run "$BUSYBOX_TAR" echo works
	assert_status 0
	assert_output works
	assert_stderr_has E_SUBID_MISSING
	altered "$none" "$SANDBOX" run --userns=map "$BUSYBOX_TAR" echo works
	assert_error E_SUBID_MISSING
}

@test "the files of subordinate ids are masked, or nonsense" {
	local text
	altered 'mount --bind /dev/null /etc/subuid; mount --bind /dev/null /etc/subgid' "$SANDBOX" run "$BUSYBOX_TAR" echo works
	assert_error E_SUBID_INVALID
	for text in "$(id -un):0:65536" "$(id -un):4294967295:1" "$(id -un):1:99999999999999999999" "$(id -un):-1:5" \
		"$(id -un):100000" "$(id -un):100000:65536:x" ":::" "$(id -un):$(id -u):1"; do
		echo "$text" >"$BATS_TEST_TMPDIR/ids"
		altered 'mount --bind "$BATS_TEST_TMPDIR/ids" /etc/subuid; mount --bind "$BATS_TEST_TMPDIR/ids" /etc/subgid' \
			"$SANDBOX" run --userns=map "$BUSYBOX_TAR" echo works
		assert_status 125
		assert_stderr_has 'sandbox help E_'
	done
}

@test "no newuidmap: one id with a notice; a range that was asked for is an error" {
	local removed='mkdir -p "$BATS_TEST_TMPDIR/over"; mount -t tmpfs tmpfs "$BATS_TEST_TMPDIR/over"; cd "$BATS_TEST_TMPDIR/over"
		mkdir upper work; mount -t overlay -o userxattr,lowerdir=/usr/bin,upperdir=upper,workdir=work overlay /usr/bin
		rm /usr/bin/newuidmap /usr/bin/newgidmap; cd /'
	altered "$removed" "$SANDBOX" run "$BUSYBOX_TAR" echo works
	assert_status 0
	assert_output works
	assert_stderr_has E_NEWIDMAP_MISSING
	altered "$removed" "$SANDBOX" run --userns=map "$BUSYBOX_TAR" echo works
	assert_error E_NEWIDMAP_MISSING
}

@test "newuidmap without its power, and under a tracer" {
	altered : "$SANDBOX" run --userns=map "$BUSYBOX_TAR" echo works
	assert_error E_NEWIDMAP_REFUSED
	within_a_minute strace -f -o /dev/null "$SANDBOX" run --userns=map "$BUSYBOX_TAR" echo works
	assert_error E_NEWIDMAP_REFUSED
	within_a_minute strace -f -o /dev/null "$SANDBOX" "${single[@]}"
	assert_success works
}

nobody_sleeps() {
	! pgrep -u "$(id -u)" -f '^sleep 6955'
}

# Where newuidmap and newgidmap are a script of these words.
run_with_liar() {
	printf '#!/bin/sh\n%s\n' "$1" >"$BATS_TEST_TMPDIR/liar"
	chmod 0755 "$BATS_TEST_TMPDIR/liar"
	altered 'mount --bind "$BATS_TEST_TMPDIR/liar" /usr/bin/newuidmap; mount --bind "$BATS_TEST_TMPDIR/liar" /usr/bin/newgidmap' \
		timeout 5 "$SANDBOX" run --userns=map "$BUSYBOX_TAR" echo works
}

@test "a newuidmap that does nothing, or never ends" {
	run_with_liar 'exit 0'
	assert_status 125
	assert_stderr_has 'check uid_map: it is not what was asked for'
	assert_output ''
	# Nothing bounds it but who started us; then it ends with us.
	run_with_liar 'exec sleep 6955'
	assert_status 124
	assert_output ''
	wait_until nobody_sleeps
}

@test "user namespaces are used up, or switched off" {
	altered 'echo 0 >/proc/sys/user/max_user_namespaces' "$SANDBOX" "${single[@]}"
	assert_error E_USERNS_LIMIT
	altered 'echo 0 >/proc/sys/user/max_mnt_namespaces' "$SANDBOX" "${single[@]}"
	assert_error E_USERNS_LIMIT
	within_a_minute "$HELPERS/refuse" newuser:EPERM "$SANDBOX" "${single[@]}"
	assert_error E_USERNS_FILTERED
}

# --- the kernel, and what is mounted -------------------------------------------------------------------------------

@test "an outer container masks its /proc" {
	altered 'mount --bind /dev/null /proc/interrupts' "$SANDBOX" "${single[@]}"
	assert_error E_PROC_MASKED
}

@test "an outer container covers its /sys" {
	altered 'mount -t tmpfs -o ro tmpfs /sys/kernel' "$SANDBOX" "${single[@]}"
	assert_error E_USERNS_FILTERED
}

@test "nothing is mounted on /proc" {
	! is_sanitized || skip "a sanitizer's run time needs /proc itself"
	altered 'mount -t tmpfs tmpfs /proc' "$SANDBOX" "${single[@]}"
	assert_works_or_explained
	[ "$status" = 125 ] || fail_with "without /proc there is no way to write an id map"
}

@test "/dev/null, /dev/tty or /dev/urandom are something else" {
	local device
	echo planted >"$BATS_TEST_TMPDIR/file"
	for device in null zero urandom tty; do
		altered "mount --bind \"\$BATS_TEST_TMPDIR/file\" /dev/$device" "$SANDBOX" "${single[@]}"
		assert_status 125
		assert_stderr_has 'it is not the device that its name promises'
	done
	altered "mount --bind /dev/zero /dev/null" "$SANDBOX" "${single[@]}"
	assert_status 125
	assert_stderr_has 'it is not the device that its name promises'
}

@test "overlay cannot be stacked any further" {
	altered 'mkdir -p "$BATS_TEST_TMPDIR/stack"; mount -t tmpfs tmpfs "$BATS_TEST_TMPDIR/stack"; cd "$BATS_TEST_TMPDIR/stack"
		mkdir -p low a/up a/work a/all b/up b/work b/all
		mount -t overlay -o userxattr,lowerdir=low,upperdir=a/up,workdir=a/work overlay a/all
		mount -t overlay -o userxattr,lowerdir=a/all,upperdir=b/up,workdir=b/work overlay b/all; cd /' \
		"$SANDBOX" --root "$BATS_TEST_TMPDIR/stack/b/all/store" "${single[@]}"
	assert_error E_OVERLAY
}

@test "no account: /etc/passwd does not know the user, with and without HOME" {
	: >"$BATS_TEST_TMPDIR/none"
	altered 'mount --bind "$BATS_TEST_TMPDIR/none" /etc/passwd' "$SANDBOX" "${single[@]}"
	assert_success works
	altered 'mount --bind "$BATS_TEST_TMPDIR/none" /etc/passwd' env -u HOME -u XDG_CACHE_HOME "$SANDBOX" "${single[@]}"
	assert_error E_HOME_UNUSABLE
}

# A warm and a first run without a call are this error of ours, or with "works" do without it.
# usage: assert_without CALL:ERRNO works|E_CODE
assert_without() {
	local words
	for words in single cold; do
		local -n line=$words
		within_a_minute "$HELPERS/refuse" "$1" "$SANDBOX" "${line[@]}"
		if [ "$2" = works ]; then
			assert_status 0
			assert_output works
		else
			assert_error "$2"
		fi
		rm -rf "$BATS_TEST_TMPDIR/store"
	done
}

@test "every system call of set-up that an older kernel or an outer container lacks" {
	local call
	for call in openat2 close_range fsopen fsmount open_tree move_mount mount_setattr seccomp signalfd4 setns; do
		assert_without "$call:ENOSYS" E_KERNEL_TOO_OLD
	done
	for call in keyctl pidfd_open pidfd_send_signal memfd_create syncfs; do
		assert_without "$call:ENOSYS" works
	done
	assert_without clone3:ENOSYS E_USERNS_FILTERED
	for call in mount pivot_root unshare sethostname keyctl fsopen move_mount mount_setattr seccomp; do
		assert_without "$call:EPERM" E_USERNS_FILTERED
	done
	assert_without setgroups:EPERM works
}

# --- what a shell passes on ------------------------------------------------------------------------------------

# With a limit on the size of files, what it says can only be seen through a pipe.
limited() {
	within_a_minute sh -c 'limit=$1; shift; { { prlimit "$limit" "$@"; echo $? >&3; } 2>&1 | cat >&2; } 3>&1' sh "$@"
	status=${output##*$'\n'}
	output=
	[ "$status" != 0 ] || output=works
}

@test "resource limits, each far too low: a run, and an import" {
	! is_sanitized || skip "a sanitizer's run time does not itself live within such limits"
	local limit
	for limit in --nproc=1 --nproc=20 --fsize=0 --fsize=4096 --fsize=1000000 --data=1048576 --as=33554432 --stack=65536 --memlock=0 \
		--core=0 --sigpending=0 --msgqueue=0 --nofile=5 --nofile=8 --nofile=10 --nofile=12 --rss=0 --locks=0; do
		limited "$limit" "$SANDBOX" run --userns=single "$BUSYBOX_TAR" true
		assert_works_or_explained
		limited "$limit" "$SANDBOX" --root "$BATS_TEST_TMPDIR/store" run --userns=single "$BUSYBOX_TAR" true
		assert_works_or_explained
		rm -rf "$BATS_TEST_TMPDIR/store"
	done
}

@test "descriptors of odd kinds in the place of the standard ones" {
	within_a_minute sh -c '"$@" </' sh "$SANDBOX" "${single[@]}"
	assert_status 125
	assert_stderr_has "the command could reach the host's files through it"
	within_a_minute sh -c '"$@" 0>/dev/null' sh "$SANDBOX" "${single[@]}"
	assert_success works
	within_a_minute sh -c '"$@" >/dev/full' sh "$SANDBOX" run --userns=single "$BUSYBOX_TAR" true
	assert_success
	within_a_minute sh -c '"$@" >/dev/full' sh "$SANDBOX" images
	[ "$status" != 0 ] || fail_with "what could not be written was a success"
}

@test "variables that steer other programs" {
	within_a_minute env PATH= "$SANDBOX" "${single[@]}"
	assert_success works
	within_a_minute env -u PATH "$SANDBOX" "${single[@]}"
	assert_success works
	within_a_minute env TMPDIR=/nonexistent LC_ALL=xx_YY.nonsense TZ=:/etc/shadow PWD=/nonexistent OLDPWD= SHELL=/nonexistent TERM= IFS=/ \
		MALLOC_PERTURB_=165 "$SANDBOX" "${cold[@]}"
	assert_success works
	within_a_minute env "$(printf 'FUNC%%%%=() { :; }')" "$SANDBOX" "${single[@]}"
	assert_success works
}

@test "an empty name of the program, and no arguments at all" {
	within_a_minute bash -c 'exec -a "" "$@"' bash "$SANDBOX" "${single[@]}"
	assert_success works
	within_a_minute python3 -c 'import ctypes, sys
arguments = (ctypes.c_char_p * 1)(None)
ctypes.CDLL(None).execv(sys.argv[1].encode(), arguments)' "$SANDBOX"
	[ "$status" -lt 128 ] || fail_with "it crashed"
}

@test "nothing is delegated: a run needs no cgroup" {
	altered 'mount -t tmpfs -o ro tmpfs /sys/fs/cgroup' "$SANDBOX" "${single[@]}"
	assert_success works
}
