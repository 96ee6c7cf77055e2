# An image for other ids than those it was unpacked for: its tree is copied, and the copy is what unpacking for these
# ids would have made.
# takes long
# shellcheck shell=bash
# shellcheck disable=SC2030,SC2031,SC2154  # every test is a subshell

load helper
load store

setup_file() {
	private_folders
	BUSYBOX=$(command -v busybox)
	export BUSYBOX TREES=$BATS_FILE_TMPDIR
	python3 -B test/integration/trees.py archive "$TREES/whole.tar"
	python3 -B test/integration/trees.py archive "$TREES/special.tar" special
	python3 -B test/integration/trees.py archive "$TREES/lossy.tar" lossy
	# A hole, written by the one tool that writes them.
	mkdir "$TREES/holes"
	truncate -s 32M "$TREES/holes/sparse"
	printf middle | dd of="$TREES/holes/sparse" bs=1M seek=16 conv=notrunc status=none
	tar -rf "$TREES/whole.tar" --sparse --format=gnu --owner=4 --group=4 -C "$TREES/holes" ./sparse
	# Old enough for their identity to be kept.
	sleep 2.1
}

setup() {
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
	STORE=$XDG_CACHE_HOME/sandbox
}

teardown() {
	"$SANDBOX" reset
}

# The maps that there are, as options.
maps() {
	printf '%s\n' --userns=map --userns=single --userns=keep-id --userns=keep-id:uid=3,gid=4 \
		'--uidmap=0:1:65535 --uidmap=65535:0' '--uidmap=0:1:65535 --uidmap=65535:0 --gidmap=0:0:65535'
}

# run_with OPTIONS IMAGE [COMMAND…]
run_with() {
	# shellcheck disable=SC2086
	sandbox --debug run $1 -u 0 "$2" "${@:3}"
}

# The tree that the options stand for: that of the layer last made, as root over all ids sees it.
manifest() {
	local layer
	layer=$(find "$1/sandbox/layers" -mindepth 1 -maxdepth 1 -printf '%C@ %p\n' | sort -n | tail -n 1)
	unshare --map-root-user --map-auto python3 -B test/integration/trees.py manifest "${layer#* }/root"
}

# What unpacking makes of the archive with these options.
unpacked() {
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/direct
	run_with "$1" "$2" true
	assert_status 0 || return
	[[ $stderr != *copied* ]] || fail_with 'this should be unpacked, not copied' || return
	manifest "$XDG_CACHE_HOME" || fail_with 'no tree' || return
	"$SANDBOX" reset
}

# PATH UID:GID of everything in a tar file but what may be something else inside.
owners_in_archive() {
	python3 -c 'import sys, tarfile
for entry in tarfile.open(sys.argv[1]):
    if entry.name != "." and not entry.islnk() and not entry.issym() and not entry.isfifo():
        print("/" + entry.name.removeprefix("./").strip("/"), f"{entry.uid}:{entry.gid}")' "$1" | grep -vE '^/. |odd|many-names' | LC_ALL=C sort
}

@test "a copy is what unpacking makes, from the default map to every other" {
	local all map expected copied
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	mapfile -t all < <(maps)
	for map in "${all[@]}"; do
		[ "$map" != --userns=map ] || continue
		expected=$(unpacked "$map" "$TREES/whole.tar")
		run_with "$map" whole true
		[[ $status = 0 && $stderr == *copied* ]] || fail_with "with $map"
		copied=$(manifest "$XDG_CACHE_HOME")
		[ "$(wc -l <<<"$copied")" -gt 450 ]
		diff <(echo "$expected") <(echo "$copied") || fail_with "a copy for $map differs"
		[ -z "$(staging)" ]
	done
}

@test "from a single id to every other map: owners, set-id bits, capabilities and notes of devices come back" {
	local all map expected copied
	"$SANDBOX" import --userns=single --name special "$TREES/special.tar"
	mapfile -t all < <(maps)
	for map in "${all[@]}"; do
		[ "$map" != --userns=single ] || continue
		expected=$(unpacked "$map" "$TREES/special.tar")
		# From the single one each time.
		"$SANDBOX" reset
		"$SANDBOX" import --userns=single --name special "$TREES/special.tar"
		run_with "$map" special true
		[[ $status = 0 && $stderr == *copied* ]] || fail_with "with $map"
		copied=$(manifest "$XDG_CACHE_HOME")
		diff <(echo "$expected") <(echo "$copied") || fail_with "a copy for $map differs"
		grep -q "'./setuid-of-seven' -rws--s--x" <<<"$copied"
	done
}

@test "inside, every owner is the archive's" {
	local all map expected
	expected=$(owners_in_archive "$TREES/whole.tar")
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	mapfile -t all < <(maps)
	for map in "${all[@]}"; do
		[ "$map" != --userns=single ] || continue
		run_with "$map" whole find / -xdev ! -name '*-name*' -type f -exec stat -c '%n %u:%g' {} + -o -xdev -type d -exec stat -c '%n %u:%g' {} +
		assert_status 0
		output=$(grep -vE '^(/|/(dev|proc|sys|tmp|run|etc)(/.*)?|.*odd.*) |odd bytes|^with' <<<"$output" | LC_ALL=C sort)
		diff <(echo "$expected") <(echo "$output") || fail_with "an owner differs with $map"
	done
}

@test "a run of the archive itself copies, too, and so does one of the archive under another name" {
	run_with --userns=map "$TREES/whole.tar" true
	assert_status 0
	run_with --userns=keep-id "$TREES/whole.tar" true
	assert_status 0
	assert_stderr_has copied
	cp "$TREES/whole.tar" "$BATS_TEST_TMPDIR/other.tar"
	run_with --userns=keep-id:uid=9 "$BATS_TEST_TMPDIR/other.tar" true
	assert_status 0
	assert_stderr_has copied
	[ "$("$SANDBOX" images --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 1 ]
	[ "$(layers)" = 3 ]
	# The second run of each is a warm one.
	run_with --userns=keep-id:uid=9 "$BATS_TEST_TMPDIR/other.tar" true
	[[ $stderr != *copied* ]] || fail_with 'it should be there'
}

@test "rmi removes the trees for all ids" {
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	run_with --userns=single whole true
	run_with --userns=keep-id whole true
	[ "$(layers)" = 3 ]
	"$SANDBOX" rmi whole
	[ -z "$(find "$STORE/layers" "$STORE/staging" -mindepth 1)" ]
}

# --- what cannot be ------------------------------------------------------------------------------------------

@test "what a single id could not keep is missed: by name an error with the fix, by archive unpacked again" {
	"$SANDBOX" import --userns=single --name lossy "$TREES/lossy.tar"
	run_with --userns=map lossy true
	assert_error E_IMAGE_UNKNOWN
	[[ $stderr =~ could\ not\ keep\ [0-9]+\ of\ their\ owners ]] || fail_with "it should say what is missing"
	assert_stderr_has 'fix:   import its archive again'
	[ -z "$(staging)" ]
	run_with --userns=map "$TREES/lossy.tar" true
	assert_status 0
	[[ $stderr != *copied* ]] || fail_with 'this should be unpacked, not copied'
	# From now on there is a tree that has all.
	run_with --userns=keep-id lossy true
	assert_status 0
	assert_stderr_has copied
}

@test "capabilities move to the root of the other map, or are recorded" {
	local map expected
	"$SANDBOX" import --name special "$TREES/special.tar"
	for map in --userns=keep-id '--uidmap=0:1:65535 --uidmap=65535:0' --userns=single; do
		expected=$(unpacked "$map" "$TREES/special.tar")
		grep -q "'./capable' .*security.capability" <<<"$expected"
		run_with "$map" special true
		assert_status 0
		[[ $stderr != *'left out'* ]] || fail_with "nothing is lost with $map"
		diff <(echo "$expected") <(manifest "$XDG_CACHE_HOME") || fail_with "a copy for $map differs"
	done
}

@test "a copy for a single id says what it left out" {
	"$SANDBOX" import --name lossy "$TREES/lossy.tar"
	run_with --userns=single lossy true
	assert_status 0
	[[ $stderr =~ [0-9]+\ owners\ and\ capabilities\ were\ left\ out ]] || fail_with "it should say so"
}

@test "an owner without a place in the other map is an error, and nothing is left" {
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	run_with '--uidmap=0:1:100 --uidmap=100:0' whole true
	assert_error E_ID_UNMAPPED
	assert_stderr_has 'has no place for its owner'
	[ -z "$(staging)" ]
	[ "$(layers)" = 1 ]
}

@test "a tree whose ids are not known is not copied" {
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	for content in '' '{}' '{"single": 0, "users": "0 0 1", "groups": "", "lost": "none"}'; do
		echo "$content" >"$(echo "$STORE"/layers/*/ids.json)"
		run_with --userns=single whole true
		assert_error E_IMAGE_UNKNOWN
	done
	rm "$STORE"/layers/*/ids.json
	run_with --userns=single whole true
	assert_error E_IMAGE_UNKNOWN
	run_with --userns=single "$TREES/whole.tar" true
	assert_status 0
}

@test "a tree whose ids are not ours any more is not copied: import it again" {
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	sed -i -E 's/^( *"(users|groups)": "[^"]*)1 [0-9]+ [0-9]+"/\11 4000000000 65536"/' "$STORE"/layers/*/ids.json
	grep -q 4000000000 "$STORE"/layers/*/ids.json
	run_with --userns=keep-id whole true
	assert_error E_IMAGE_UNKNOWN
	assert_stderr_has 'ids that you cannot map any more'
	[ -z "$(staging)" ]
}

@test "--dry-run copies nothing" {
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	sandbox run --dry-run --userns=keep-id whole true
	assert_status 0
	assert_output_has 'to be imported'
	[ "$(layers)" = 1 ]
}

@test "a full disk is a clear error, and nothing is left" {
	# In a user namespace of our own there is a tmpfs of our own. Ids 0 to 65536 are ours there.
	run --separate-stderr unshare --map-root-user --map-auto --mount sh -c '
		mount -t tmpfs -o size=12m,mode=0700 tmpfs "$2" && "$1" --root "$2/store" import --name whole "$3" || exit 1
		"$1" --root "$2/store" run --userns=single whole true
		code=$?
		find "$2/store/staging" -mindepth 1
		ls "$2/store/layers" | wc -l
		"$1" --root "$2/store" run whole true || echo broken
		exit $code' sh "$SANDBOX" "$BATS_TEST_TMPDIR" "$TREES/special.tar"
	assert_error E_NO_SPACE
	[ "$(tail -n +2 <<<"$output")" = 1 ] || fail_with 'something is left'
}

# --- ends in the middle ------------------------------------------------------------------------------------

# The steps of a copy from single to all ids, in order.
copy_steps() {
	echo staging-made copy-started copy-directory copy-written copy-done layer-publish layer-published
}

# What was killed has died, all of it: who still has a lock would not be cleared away after.
all_have_died() {
	local lock
	for lock in "$XDG_CACHE_HOME"/sandbox/staging/*/lock; do
		[ ! -e "$lock" ] || flock -n "$lock" true || return 1
	done
}

@test "killed at any step, a copy leaves nothing that the next one does not clear away" {
	local step expected
	expected=$(unpacked --userns=keep-id "$TREES/special.tar")
	for step in $(copy_steps); do
		"$SANDBOX" import --name lossy "$TREES/special.tar"
		SANDBOX_TEST_KILL_AT=$step capture "$SANDBOX_SWITCHED" run --userns=keep-id -u 0 lossy true
		# A helper that was killed is an error; the tool itself just dies.
		[ "$status" = 137 ] || assert_error E_CHILD_DIED
		wait_until all_have_died
		sandbox run --userns=keep-id -u 0 lossy true
		[ "$status" = 0 ] || fail_with "after it was killed at $step"
		[ -z "$(staging)" ] || fail_with "left at $step: $(staging)"
		[ "$(layers)" = 2 ]
		diff <(echo "$expected") <(manifest "$XDG_CACHE_HOME") || fail_with "another tree after it was killed at $step"
		"$SANDBOX" reset
	done
}

# It, or what it has started.
is_stopped() {
	ps -o stat= -p "$1" --ppid "$1" | grep -q ^T
}

@test "a signal ends a copy at once, and takes it back" {
	local step tool
	"$SANDBOX" import --userns=single --name whole "$TREES/whole.tar"
	# Later it is complete, and stays.
	for step in copy-started copy-directory copy-written; do
		SANDBOX_TEST_STOP_AT=$step "$SANDBOX_SWITCHED" run --userns=map whole true 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
		tool=$!
		wait_until is_stopped "$tool"
		kill -TERM "$tool"
		kill -CONT "$tool"
		status=0
		wait "$tool" || status=$?
		[ "$status" = 143 ] || fail_with "TERM at $step: $(<"$BATS_TEST_TMPDIR/stderr")"
		[ -z "$(staging)" ] || fail_with "left at $step: $(staging)"
		[ "$(layers)" = 1 ]
	done
}

@test "ten at once make one copy" {
	local pids=() i
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	for i in {1..10}; do
		timeout 60 "$SANDBOX" --debug run --userns=keep-id -u 0 whole true 2>"$BATS_TEST_TMPDIR/err.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(cat "$BATS_TEST_TMPDIR"/err.* | grep -c copied)" = 1 ]
	[ -z "$(staging)" ]
}

@test "with few descriptors, and whatever the umask is" {
	"$SANDBOX" import --name whole "$TREES/whole.tar"
	local expected
	expected=$(unpacked --userns=keep-id "$TREES/whole.tar")
	(umask 777 && ulimit -n 24 && "$SANDBOX" run --userns=keep-id -u 0 whole true)
	diff <(echo "$expected") <(manifest "$XDG_CACHE_HOME")
}
