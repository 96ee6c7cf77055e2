# The posture: what the probe (test/helpers/probe) sees from inside in one world or another. Rows are
# lines {"name": "…", "value": "…"}, so that files of them can be compared with common tools.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2086,SC2206  # the folders are bats's; $terminal and $own_time are words or none

postures=$PWD/test/hostile/posture
# The system call profile that container tools ship, as their package has it.
shipped_profile=/usr/share/containers/seccomp.json

# --- the image -------------------------------------------------------------------------------------------

# The busybox root with the probe, and with copies of it that change to another user and group. The tar
# is written by somebody ordinary, so owners are given by number.
make_posture_image() {
	local image=$1 files=$BATS_FILE_TMPDIR/files
	mkdir -p "$files"
	cp "$HELPERS/probe" "$files/probe"
	cp "$HELPERS/probe" "$files/probe.setuid-root"
	cp "$HELPERS/probe" "$files/probe.setuid-daemon"
	chmod 0755 "$files/probe"
	chmod 6755 "$files/probe.setuid-root" "$files/probe.setuid-daemon"
	cp "$BUSYBOX_TAR" "$image"
	chmod u+w "$image"
	tar --append --file "$image" --numeric-owner --owner=0 --group=0 -C "$files" probe probe.setuid-root
	tar --append --file "$image" --numeric-owner --owner=1 --group=1 -C "$files" probe.setuid-daemon
}

# --- worlds ------------------------------------------------------------------------------------------------

# Runs $command, in which {} stands for what the probe is told, on a host where everything is planted,
# and writes its rows and the host's to a file.
observe() {
	local rows=$1 host status=0
	host=$(mktemp -d "$BATS_FILE_TMPDIR/host.XXXXXX")
	(cd "$host" && exec timeout -k 5 60 "$HELPERS/plant" $terminal "$host" "${command[@]}") >"$host/out" 2>"$host/err" </dev/null ||
		status=$?
	if [ "$status" != 0 ] || ! grep -q '^]' "$host/out"; then
		echo "the probe did not run (status $status): ${command[*]}"
		cat "$host/err"
		tail -n 3 "$host/out"
		return 1
	fi
	{
		echo '['
		cat "$host/out" "$host/host" | grep '^{' | sed 's/,*\r*$//; $!s/$/,/'
		echo ']'
	} >"$rows.new"
	mv "$rows.new" "$rows"
	rm -rf "$host"
}

# What a privileged and a careless parent leave to the probe. The network commands are busybox's.
# shellcheck disable=SC2016
privileged='
	mount -t tmpfs tmpfs /run
	busybox ip link add probe0 type dummy || busybox ip link add probe0 type bridge
	busybox ip link set probe0 up
	busybox ip route add 192.0.2.0/24 dev probe0
	exec setpriv --securebits +no_setuid_fixup --inh-caps +chown --ambient-caps +chown "$@"'
# shellcheck disable=SC2016
careless='
	printf changed >&97
	setsid sleep 3 >/dev/null 2>&1 &
	echo 500 >/proc/self/oom_score_adj
	echo 0x33 >/proc/self/coredump_filter
	exec setpriv --pdeathsig KILL nice -n 5 setarch --addr-no-randomize "$@"'

# The probe as a second command. usage: PROGRAM COUNT OPTION… IMAGE ARGUMENT…, COUNT of them for the first command
# shellcheck disable=SC2016
another='
	program=$1 count=$2
	box=$("$program" run -d "${@:3:count}" sleep 600)
	"$program" exec "$box" /probe "${@:3+count}"
	status=$?
	"$program" rm -f "$box" >/dev/null
	exit "$status"'

# user-mode-linux has none.
own_time=''
[ ! -e /proc/self/ns/time ] || own_time='--time --boottime 1000'

# The command of a world, and whether all of it is on the terminal.
world_command() {
	local run=("$1" run) probe=("$POSTURE_TAR" /probe {})
	case $2 in
	default) command=("${run[@]}" "${probe[@]}") ;;
	single) command=("${run[@]}" --userns=single "${probe[@]}") ;;
	nobody) command=("${run[@]}" -u nobody "${probe[@]}") ;;
	nesting) command=("${run[@]}" --nesting "${probe[@]}") ;;
	no-capabilities) command=("${run[@]}" --cap-drop ALL "${probe[@]}") ;;
	more-capabilities)
		command=("${run[@]}" --cap-add SYS_ADMIN --cap-add NET_RAW --cap-add SYS_PTRACE "${probe[@]}")
		;;
	limits) command=("${run[@]}" --ulimit nofile=64:128 --ulimit fsize=4194304 "${probe[@]}") ;;
	descriptors) command=(bash -c 'exec 3</dev/null; exec "$@"' bash "${run[@]}" --preserve-fds 1 "${probe[@]}") ;;
	terminal) terminal=--terminal command=("${run[@]}" "${probe[@]}") ;;
	keep-id) command=("${run[@]}" "--userns=keep-id:uid=1000,gid=1000" "${probe[@]}") ;;
	pid-1) command=("${run[@]}" --init=false "${probe[@]}") ;;
	holder) command=("$1" --config "$BATS_FILE_TMPDIR/holder" run "${probe[@]}") ;;
	holder-keep-id)
		command=("$1" --config "$BATS_FILE_TMPDIR/holder" run "--userns=keep-id:uid=1000,gid=1000" "${probe[@]}")
		;;
	read-only) command=("${run[@]}" --read-only "${probe[@]}") ;;
	new-privileges) command=("${run[@]}" --security-opt no-new-privileges=false "${probe[@]}") ;;
	host-network) command=("${run[@]}" --net=host "${probe[@]}") ;;
	pasta) command=("${run[@]}" --net "${probe[@]}") ;;
	profile) command=("${run[@]}" --security-opt "seccomp=$shipped_profile" "${probe[@]}") ;;
	profile-with-admin)
		command=("${run[@]}" --security-opt "seccomp=$shipped_profile" --cap-add SYS_ADMIN "${probe[@]}")
		;;
	unconfined) command=("${run[@]}" --security-opt seccomp=unconfined "${probe[@]}") ;;
	unmasked) command=("${run[@]}" --security-opt unmask=ALL "${probe[@]}") ;;
	exec) command=(bash -c "$another" bash "$1" 1 "$POSTURE_TAR" {}) ;;
	exec-options)
		command=(bash -c "$another" bash "$1" 8 -u nobody --cap-drop CHOWN --ulimit nofile=64 --read-only
			"$POSTURE_TAR" {})
		;;
	options) command=("${run[@]}" -u nobody --cap-drop CHOWN --ulimit nofile=64 --read-only "${probe[@]}") ;;
	bare) command=("$HELPERS/probe" {}) ;;
	bubblewrap) command=(bwrap --unshare-all --bind / / --proc /proc --dev /dev "$HELPERS/probe" {}) ;;
	empty)
		command=(unshare --user --map-root-user --mount --pid --fork --net --root "$BATS_FILE_TMPDIR/files" /probe {})
		;;
	unshare)
		command=(unshare --user --map-root-user --mount --propagation shared --pid --fork --mount-proc --ipc --uts
			--net --cgroup $own_time bash -c "$privileged" bash "$BATS_FILE_TMPDIR/files/probe" {})
		;;
	careless) command=(bash -c "$careless" bash "$HELPERS/probe" {}) ;;
	*)
		echo "no such world: $2"
		return 1
		;;
	esac
}

# Prints the file with the rows of a world, which is looked at once in a bats file. NAME@product is a world
# of the program as it is installed, not of the test build; NAME/DEFENCE,DEFENCE one without defences.
world() {
	local rows=$BATS_FILE_TMPDIR/world-${1//\//+} name=${1%%[@/]*} program=$SANDBOX_SWITCHED
	local command=() terminal=''
	[[ $1 != *@product ]] || program=$SANDBOX
	if [ ! -e "$rows" ]; then
		world_command "$program" "$name" >&2 || return 1
		[[ $1 != */* ]] || command=(env "SANDBOX_TEST_REMOVE=${1#*/}" "${command[@]}")
		observe "$rows" >&2 || return 1
	fi
	echo "$rows"
}

# --- comparing -----------------------------------------------------------------------------------------------

# "NAME<tab>VALUE" of each row.
row_lines() {
	sed -n 's/^{"name": "\(.*\)", "value": "\(.*\)"},*$/\1\t\2/p' "$1"
}

# "ONE | OTHER", in a golden file, where a value depends on the kernel.
agree='
	function agree(golden, value,    choices, count, i) {
		if (golden == value) return 1
		count = split(golden, choices, " [|] ")
		for (i = 1; count > 1 && i <= count; i++)
			if (choices[i] == value) return 1
		return 0
	}'

# The new file, with the lines of the old one where they still hold.
update_golden() {
	local old=$1
	[ -e "$old" ] || old=$2
	awk "$agree"'
		{ name = value = $0; sub(/", "value.*/, "", name); sub(/.*"value": "/, "", value); sub(/"},?$/, "", value) }
		NR == FNR { line[name] = $0; golden[name] = value; next }
		{ print name in line && agree(golden[name], value) ? line[name] : $0 }' "$old" "$2"
}

# The rows that differ: "NAME<tab>FIRST<tab>SECOND".
differing_rows() {
	awk -F '\t' "$agree"'
		NR == FNR { first[$1] = $2; order[++count] = $1; next }
		!($1 in first) { print $1 "\t(no such row)\t" $2 }
		{ second[$1] = $2; seen[$1] = 1 }
		END {
			for (i = 1; i <= count; i++) {
				name = order[i]
				if (!(name in seen)) print name "\t" first[name] "\t(no such row)"
				else if (!agree(first[name], second[name])) print name "\t" first[name] "\t" second[name]
			}
		}' <(row_lines "$1") <(row_lines "$2")
}

# About rows of a system call table that the kernel does not have nothing can be said.
leave_out_absent_tables() {
	if ! row_lines "$1" | grep -q '^i386\.getpid.ok$'; then
		echo "# this kernel has no i386 system calls: their rows are not compared" >&3
		# None left is no failure.
		grep -v '^i386\.' || true
	else
		cat
	fi
}

# The world is as its golden file says, in every row.
assert_posture() {
	local actual differing
	actual=$(world "$1")
	if [ -n "${SANDBOX_POSTURE_UPDATE:-}" ]; then
		mkdir -p "$SANDBOX_TEST_OUTPUT/posture"
		update_golden "$postures/$1.json" "$actual" >"$SANDBOX_TEST_OUTPUT/posture/$1.json"
		return
	fi
	differing=$(differing_rows "$postures/${1%@product}.json" "$actual" | leave_out_absent_tables "$actual")
	[ -z "$differing" ] || {
		echo "the posture is not that of test/hostile/posture/${1%@product}.json:"
		awk -F '\t' '{ printf "  %-32s should be: %s\n  %-32s        is: %s\n", $1, $2, "", $3 }' <<<"$differing"
		return 1
	}
}

# Two worlds are the same in every row.
assert_same_posture() {
	local first second differing
	first=$(world "$1")
	second=$(world "$2")
	differing=$(differing_rows "$first" "$second")
	[ -z "$differing" ] || {
		echo "$1 and $2 differ:"
		echo "$differing"
		return 1
	}
}

# Of two worlds these rows differ, given in the order of their names.
assert_rows_change() {
	local changed
	changed=$(differing_rows "$(world "$1")" "$(world "$2")" | cut -f 1 | sort | paste -sd' ')
	[ "$changed" = "${*:3}" ] || {
		echo "between $1 and $2 these rows change: $changed"
		return 1
	}
}

# What an entry of the table of defences says: its rows, one a line.
rows_of_entry() {
	awk -v entry="$1" '
		/^#/ || /^$/ { next }
		/^[^\t ]/ { found = $0 == entry; next }
		found { for (i = 1; i <= NF; i++) print $i }' "$postures/defences"
}

# Removes a defence, and compares which rows change with what the table promises. "NAME with OTHERS in
# WORLD": the others are gone on both sides, since they would hide what the first one does; without a
# world it is the default one.
assert_defence() {
	local entry=$1 name world=default others='' base without expected changed
	name=${entry%% *}
	[[ $entry != *" in "* ]] || world=${entry##* in }
	[[ $entry != *" with "* ]] || others=${entry#* with } others=${others%% in *}
	base=$(world "$world${others:+/$others}")
	without=$(world "$world/$name${others:+,$others}")
	changed=$(differing_rows "$base" "$without")
	if [ -n "${SANDBOX_POSTURE_UPDATE:-}" ]; then
		printf '%s\n%s\n' "$entry" "$(cut -f 1 <<<"$changed" | paste -sd ' ' | fold -s -w 100 |
			sed 's/^/\t/; s/ *$//')" >>"$SANDBOX_TEST_OUTPUT/posture/defences.new"
		return
	fi
	expected=$(rows_of_entry "$entry" | leave_out_absent_tables "$base")
	[ -n "$expected" ] || [ -z "$(rows_of_entry "$entry")" ] ||
		skip 'this kernel has no system call table that this defence is for'
	[ -n "$expected" ] || {
		echo "the table of defences has no rows for: $entry"
		echo "changed: $changed"
		return 1
	}
	awk -F '\t' -v entry="$entry" '
		NR == FNR { maybe = sub(/\?$/, "", $1); expected[$1] = maybe ? "maybe" : "surely"; next }
		NF { changed[$1] = $2 " -> " $3 }
		END {
			for (name in expected)
				if (expected[name] == "surely" && !(name in changed)) {
					print "without " entry ": " name " stays as it is"
					bad = 1
				}
			for (name in changed)
				if (!(name in expected)) {
					print "without " entry ": " name " changes, too: " changed[name]
					bad = 1
				}
			exit bad
		}' <(echo "$expected") <(echo "$changed")
}
