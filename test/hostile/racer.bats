#!/usr/bin/env bats
# Somebody exchanges the paths that a start uses while it uses them: directories of the root (a folder), targets of
# mounts in a folder that is lent, and sources of volumes, with links to the outside, dangling ones and loops. Every
# start is contained or ends with one clear error, and nothing changes outside.
#
# SANDBOX_RACER_STARTS and SANDBOX_RACER_SWAPS say how many there have to be: 300 and 100000 at full length.

# shellcheck disable=SC2030,SC2031  # bats: every test is a subshell

load ../integration/helper

setup_file() {
	private_folders
	export OUTSIDE=$BATS_FILE_TMPDIR/outside
	mkdir -p "$OUTSIDE/below"
	echo precious | tee "$OUTSIDE/file" >"$OUTSIDE/below/file"
	echo root:x:0:0::/outside:/bin/sh >"$OUTSIDE/passwd"
}

setup() {
	starts=${SANDBOX_RACER_STARTS:-20} swaps=${SANDBOX_RACER_SWAPS:-4000}
	root=$BATS_TEST_TMPDIR/root lent=$BATS_TEST_TMPDIR/lent
	mkdir -p "$root"/{proc,sys,dev,etc,tmp,run,root,work,home/someone,mnt,var/cache} "$lent"/{target,source,deep/below}
	echo someone:x:1000:1000::/home/someone:/bin/sh >"$root/etc/passwd"
	echo people:x:1000:someone >"$root/etc/group"
	cp "$HELPERS/contained" "$root/contained"
	echo lent | tee "$lent/source/file" >"$lent/deep/below/file"
}

teardown() {
	[ -z "${racer:-}" ] || kill "$racer" 2>/dev/null || true
	remove_sandboxes
}

outside_snapshot() {
	find "$OUTSIDE" -printf '%p %y %m %U:%G %s %T@ %C@ %n %i %l\n' | sort
	find "$OUTSIDE" -type f -exec cat {} +
}

swapped() {
	[ -s "$BATS_TEST_TMPDIR/count" ] && od -An -tu8 "$BATS_TEST_TMPDIR/count" | tr -d ' '
}

has_swapped() {
	[ "$(swapped)" -ge "$1" ]
}

# race PATH…: they are exchanged from now on.
race() {
	"$HELPERS/racer" "$BATS_TEST_TMPDIR/count" "$OUTSIDE" "$@" 3>&- &
	racer=$!
	wait_until has_swapped 100
}

end_race() {
	kill "$racer"
	wait "$racer"
	racer=
}

# start WORD…: one start by these words, and every objection to the way it ended. $outcome becomes "contained" or an error's id.
start() {
	local status=0
	timeout -k 5 60 "$SANDBOX" "$@" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	outcome=$(sed -n 's/^  more: .* help \(E_[A-Z_]*\)$/\1/p' "$BATS_TEST_TMPDIR/stderr")
	case $status in
	0) outcome=contained ;;
	125 | 126 | 127)
		outcome=${outcome:-"an error without an id"}
		[ "$(grep -c '^sandbox: ' "$BATS_TEST_TMPDIR/stderr")" = 1 ] || echo "not one error: $(<"$BATS_TEST_TMPDIR/stderr")"
		;;
	*) echo "status $status: $(<"$BATS_TEST_TMPDIR/stdout") $(<"$BATS_TEST_TMPDIR/stderr")" ;;
	esac
	# Only that the racer wins would be told in so many words.
	! grep -q 'precious' "$BATS_TEST_TMPDIR/stdout" "$BATS_TEST_TMPDIR/stderr" || echo 'the outside was read'
}

# race_runs OPTIONS…: starts of new sandboxes.
race_runs() {
	race_starts run "$@" "$root" -- /contained "$OUTSIDE/file"
}

# race_starts WORD…: as many starts as there have to be, during as many exchanges.
race_starts() {
	local i before after
	local -A outcomes=()
	before=$(outside_snapshot)
	# Neither always in the way nor never: or else this would be no race.
	for ((i = 0; i < starts || $(swapped) < swaps || (i < 10 * starts && ${outcomes[contained]:-0} == 0); i++)); do
		start "$@" >"$BATS_TEST_TMPDIR/objections"
		after=$(outside_snapshot)
		[ "$before" = "$after" ] || echo "changed outside: $(diff <(echo "$before") <(echo "$after"))" >>"$BATS_TEST_TMPDIR/objections"
		if [ -s "$BATS_TEST_TMPDIR/objections" ]; then
			cat "$BATS_TEST_TMPDIR/objections"
			return 1
		fi
		outcomes[$outcome]=$((${outcomes[$outcome]:-0} + 1))
	done
	echo "# $i starts, $(swapped) exchanges" >&3
	for outcome in "${!outcomes[@]}"; do
		echo "# ${outcomes[$outcome]} $outcome" >&3
	done
	[ "${outcomes[contained]:-0}" -gt 0 ] || is_sanitized
}

@test "the directories that every start mounts on or reads" {
	race "$root"/{proc,sys,dev,etc,tmp,run}
	race_runs -u someone:people
	end_race
}

@test "working directory, home, and the targets of volumes and tmpfs" {
	race "$root"/{work,root,home/someone,mnt,var/cache}
	race_runs -w /work/deep/er -e HOME=/root -v "$lent:/mnt/point" --tmpfs /var/cache/here
	end_race
}

@test "targets in a folder that is lent, where both sides see each exchange at once" {
	race "$lent"/{target,deep/below,deep}
	race_runs -v "$lent:/mnt" -v "$lent/source:/mnt/target" --tmpfs /mnt/deep/below
	end_race
}

# What a sandbox may be lent was decided when it was made: whatever stands there at a start, it is shown that or nothing.
create_with_sources() {
	"$SANDBOX" create --name box -v "$lent/source:/mnt/source:ro" -v "$lent/deep/below:/mnt/below:ro" "$root" \
		-- /contained "$OUTSIDE/file" /mnt/source/file lent /mnt/below/file lent
}

@test "sources of volumes: what is shown is what was there, or it is an error" {
	create_with_sources
	race "$lent"/{source,deep}
	race_starts start -a box
	end_race
}

@test "without looking at the sources again when they are lent, the racer wins" {
	export SANDBOX_TEST_REMOVE=lent-again
	SANDBOX=$SANDBOX_SWITCHED
	starts=500 swaps=0
	create_with_sources
	race "$lent"/{source,deep}
	run race_starts start -a box
	[ "$status" != 0 ]
	assert_output_has 'another file is shown there'
	end_race
}

@test "the folder itself" {
	local start_root=$root
	mkdir "$BATS_TEST_TMPDIR/place"
	mv "$root" "$BATS_TEST_TMPDIR/place/root"
	race "$BATS_TEST_TMPDIR/place/root"
	root=$BATS_TEST_TMPDIR/place/root
	race_runs
	end_race
	root=$start_root
}

@test "without resolving below the root, the racer wins" {
	export SANDBOX_TEST_REMOVE=root-resolve
	SANDBOX=$SANDBOX_SWITCHED
	starts=200 swaps=0
	race "$root"/{work,mnt}
	run race_runs -w /work/deep/er -v "$lent:/mnt/point"
	[ "$status" != 0 ]
	assert_output_has 'changed outside'
	end_race
}
