#!/usr/bin/env bats
# Root file systems of an adversary, as set-up meets them: something else in the place of everything that it
# mounts, makes or reads. Each ends contained or with one clear error, within ten seconds, and nothing
# changes outside. Ordinary roots with odd habits all run.
# takes long

# shellcheck disable=SC2030,SC2031  # bats: every test is a subshell

load ../integration/helper

setup_file() {
	private_folders
	export CANARY=$BATS_FILE_TMPDIR/canary LAYOUTS=$BATS_FILE_TMPDIR/layouts SHARE=$BATS_FILE_TMPDIR/share
	mkdir "$CANARY" "$SHARE"
	echo someone:x:0:0:precious:/:/bin/sh >"$CANARY/file"
	echo shared >"$SHARE/file"
	mkfifo "$CANARY/fifo"
	python3 -B test/hostile/layouts/generate.py "$LAYOUTS" "$CANARY" "$HELPERS/contained"
}

# The canary, what is lent to the sandbox, the home and /tmp: all that stat(2) tells but the last access.
canary_snapshot() {
	find "$CANARY" "$SHARE" "$HOME" \( -path "$XDG_CACHE_HOME" -o ! -readable \) -prune -o -path "$HOME" -printf '%p %m %U:%G\n' -o \
		-printf '%p %y %m %U:%G %s %T@ %C@ %n %i %l\n' 2>/dev/null | sort
	# Other tests run meanwhile.
	find /tmp -mindepth 1 -maxdepth 1 ! -name 'bats-run-*' ! -name 'sandbox*' ! -name 'tmp.*' ! -uid 0 -printf '%p %y %m %U:%G %s %C@ %l\n'
}

# run_layout FILE OPTIONS: stdout and stderr in files, the status as the result.
run_layout() {
	local options=() image=$LAYOUTS/$1
	[ "$2" = - ] || read -ra options <<<"${2//SHARE/$SHARE}"
	[ -z "${as_folder:-}" ] || image=$BATS_TEST_TMPDIR/root
	timeout -k 5 60 "$SANDBOX" run "${options[@]}" "$image" -- /contained "$CANARY/file" \
		>"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr"
}

# The root file system as a folder. An ordinary user's tar makes no devices, and all is his own.
unpack_layout() {
	if [ -e "$BATS_TEST_TMPDIR/root" ]; then
		chmod -R u+rwX "$BATS_TEST_TMPDIR/root"
		rm -rf "$BATS_TEST_TMPDIR/root"
	fi
	mkdir "$BATS_TEST_TMPDIR/root"
	tar -xf "$LAYOUTS/$1" -C "$BATS_TEST_TMPDIR/root" 2>/dev/null || true
}

# What lies in it, which must not change either.
folder_snapshot() {
	find "$BATS_TEST_TMPDIR/root" -printf '%p %y %m %U:%G %s %T@ %C@ %n %i %l\n' 2>/dev/null | sort
}

# Prints every objection to the way that a layout ended. $outcome becomes "contained" or the error's id.
judge() {
	local expect=$1 status=$2
	outcome=$(sed -n 's/^  more: .* help \(E_[A-Z_]*\)$/\1/p' "$BATS_TEST_TMPDIR/stderr")
	if [ "$status" = 0 ]; then
		outcome=contained
		[ "$(cat "$BATS_TEST_TMPDIR/stdout")" = contained ] || echo "status 0, but $(cat "$BATS_TEST_TMPDIR/stdout")"
		# The canary is a file of users as well: it would be the host's if it told who someone is.
		[[ $file != etc-passwd-link-* ]] || echo "the host's users were read"
	elif [ "$expect" = ordinary ]; then
		echo "refused: $(cat -v "$BATS_TEST_TMPDIR/stderr" "$BATS_TEST_TMPDIR/stdout")"
	elif [ "$status" != 125 ] || [ -z "$outcome" ]; then
		outcome=unclear
		echo "status $status without a clear error: $(cat -v "$BATS_TEST_TMPDIR/stderr" "$BATS_TEST_TMPDIR/stdout")"
	fi
	[ "$(grep -c '^  cause: ' "$BATS_TEST_TMPDIR/stderr")" -le 1 ] || echo "more than one error: $(cat -v "$BATS_TEST_TMPDIR/stderr")"
	! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$BATS_TEST_TMPDIR/stderr" || echo "control bytes in the error"
}

# examine PATTERN: all layouts whose names match; the count of every outcome, and a failure for every objection.
examine() {
	local file expect options why status outcome count=0 failed=0 before after folder
	local -A outcomes=()
	before=$(canary_snapshot)
	while IFS=$'\t' read -r file expect options why; do
		status=0 count=$((count + 1))
		[ -z "${as_folder:-}" ] || unpack_layout "$file"
		folder=$(folder_snapshot)
		run_layout "$file" "$options" || status=$?
		judge "$expect" "$status" >"$BATS_TEST_TMPDIR/objections"
		[ "$folder" = "$(folder_snapshot)" ] || echo 'the folder changed' >>"$BATS_TEST_TMPDIR/objections"
		after=$(canary_snapshot)
		diff <(echo "$before") <(echo "$after") | sed -n 's/^[<>]/changed outside:/p' >>"$BATS_TEST_TMPDIR/objections"
		before=$after
		if [ -s "$BATS_TEST_TMPDIR/objections" ]; then
			printf '%s (%s): %s\n' "$file" "$options, $why" "$(cat "$BATS_TEST_TMPDIR/objections")"
			failed=$((failed + 1))
		fi
		outcomes[$outcome]=$((${outcomes[$outcome]:-0} + 1))
	done < <(grep -E "^($1)" "$LAYOUTS/manifest")
	for outcome in "${!outcomes[@]}"; do
		echo "# ${outcomes[$outcome]} $outcome" >&3
	done
	# Had one of them read what the loop reads, the others would be missing.
	[ "$count" -gt 0 ] && [ "$count" = "$(grep -cE "^($1)" "$LAYOUTS/manifest")" ] && [ "$failed" = 0 ]
}

@test "hostile /proc, /sys and /dev" {
	examine '(proc|sys|dev)-'
}

@test "hostile /etc, /tmp and /run" {
	examine '(etc|tmp|run)-(link|loop|chain|fifo|device|file|unreadable|foreign|setid)'
}

@test "hostile /etc/hosts, /etc/hostname and /etc/resolv.conf" {
	examine 'etc-(hosts|hostname|resolv.conf)-'
}

@test "hostile /etc/passwd and /etc/group" {
	examine 'etc-(passwd|group)-|passwd-|group-'
}

@test "hostile working directories and homes" {
	examine '(work|root)-'
}

@test "hostile targets of volumes and tmpfs" {
	examine '(mnt|var)-'
}

@test "ordinary roots with odd habits run" {
	examine 'ordinary-'
}

# Set-up sees the same through overlay: a sample, and with SANDBOX_LAYOUTS=all every one of them.
@test "hostile roots as folders" {
	local sample='(proc|sys|dev|etc|run|work|root|mnt|var)-(link-(absolute|climbing|dangling|self|proc-root|below)|loop|fifo|unreadable)'
	as_folder=1
	[ "${SANDBOX_LAYOUTS:-}" != all ] || sample='[a-z]+-'
	examine "$sample|etc-(passwd|hosts)-link-|passwd-(nul|wraps)"
}

@test "ordinary roots run as folders, too" {
	[ "$(grep -c ^ordinary "$LAYOUTS/manifest")" -ge 30 ]
	as_folder=1
	examine 'ordinary-'
}

@test "200 hostile layouts, nothing left by any of them" {
	[ "$(awk -F '\t' '$2 == "hostile"' "$LAYOUTS/manifest" | wc -l)" -ge 200 ]
	run ! pgrep -u "$(id -u)" -f "$LAYOUTS"
	[ -z "$(find "$XDG_CACHE_HOME/sandbox/staging" -mindepth 1)" ]
}

# --- the tests can fail ----------------------------------------------------------------------------------

# without DEFENCE PATTERN: in the test build without it, layouts that match change what is outside.
without() {
	export SANDBOX_TEST_REMOVE=$1
	SANDBOX=$SANDBOX_SWITCHED
	run examine "$2"
	[ "$status" != 0 ]
	assert_output_has "changed outside"
}

@test "without resolving below the root, set-up writes outside" {
	without root-resolve mnt-link-absolute
	without root-resolve etc-link-absolute
	as_folder=1
	without root-resolve work-link-absolute
}
