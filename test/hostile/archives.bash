# The archives of test/hostile/archives: importing each, and judging what came of it.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # helper.bash's; columns of a row that one caller needs and another does not

archive_tools=$PWD/test/hostile/archives
export PYTHONDONTWRITEBYTECODE=1

# Private folders, the canary and the archives. The canary is what lies around the store: beside it, above
# it, in the home and in /tmp, with files that a hostile archive would like to change.
archives_prepare() {
	private_folders
	export CANARY=$BATS_FILE_TMPDIR/canary ARCHIVES=$BATS_FILE_TMPDIR/archives store=$XDG_CACHE_HOME/sandbox
	mkdir -p "$CANARY/sub" "$HOME/.ssh" "$XDG_CACHE_HOME/other"
	echo precious | tee "$CANARY/file" "$CANARY/sub/file" "$HOME/.ssh/id" "$XDG_CACHE_HOME/other/file" >/dev/null
	chmod 0600 "$CANARY/file" "$HOME/.ssh/id"
	ln -s file "$CANARY/link"
	mkfifo "$CANARY/fifo"
	python3 "$archive_tools/generate.py" "$ARCHIVES" "$CANARY"
}

# What must not change: contents, and everything that stat(2) tells but the time of the last access. The
# time of the last change of an inode is in it, which no write, chmod, chown, link or attribute leaves alone.
canary_snapshot() {
	find "$CANARY" "$HOME" "$XDG_CACHE_HOME" \( -path "$store" -o ! -readable \) -prune -o \
		\( -path "$XDG_CACHE_HOME" -o -path "$HOME" \) -printf '%p %m %U:%G\n' -o \
		-printf '%p %y %m %U:%G %s %T@ %C@ %n %i %l\n' 2>/dev/null | sort
	# Other tests run meanwhile.
	find /tmp -mindepth 1 -maxdepth 1 ! -name 'bats-run-*' ! -name 'sandbox*' ! -name 'tmp.*' ! -uid 0 -printf '%p %y %m %U:%G %s %C@ %l\n'
	find "$CANARY" "$HOME/.ssh" "$XDG_CACHE_HOME/other" -type f -exec sha256sum {} +
}

# Everything in the store that is more than a folder of it: layers, images, staging places, records.
store_contents() {
	find "$store" -mindepth 2 ! -name '*.lock' ! -name lock 2>/dev/null | sort
}

# The store removed, also what belongs to subordinate ids.
store_remove() {
	rm -rf "$store" 2>/dev/null || as_layer_root rm -rf "$store"
}

# The text of an error: escaped, so that no terminal obeys it.
check_printable() {
	if LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1"; then
		echo "control bytes in the error: $(cat -v "$1")"
	elif ! iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1; then
		echo "invalid UTF-8 in the error: $(cat -v "$1")"
	fi
}

# A refusal: the status, the id, a cause, and nothing in the store.
check_refused() {
	local expect=$1 status=$2 contents
	[ "$status" = 125 ] || echo "exit status $status, not 125"
	grep -q "help $expect\$" "$BATS_TEST_TMPDIR/stderr" || echo "not $expect: $(cat -v "$BATS_TEST_TMPDIR/stderr")"
	grep -q '^  cause: ' "$BATS_TEST_TMPDIR/stderr" || echo "no cause: $(cat -v "$BATS_TEST_TMPDIR/stderr")"
	contents=$(store_contents)
	[ -z "$contents" ] || echo "left in the store: $contents"
}

# An acceptance: the tree, entry by entry, as root of the layer sees it; and that it can be run.
check_accepted() {
	local file=$1 status=$2 runnable=$3 root
	if [ "$status" != 0 ]; then
		echo "refused: $(cat -v "$BATS_TEST_TMPDIR/stderr")"
		return
	fi
	root=$(find "$store/layers" -mindepth 2 -maxdepth 2 -name root)
	as_layer_root python3 "$archive_tools/tree.py" compare "$ARCHIVES/trees/$file.json" "$root"
	[ "$runnable" != run ] || timeout -k 5 60 "$SANDBOX" run "$ARCHIVES/$file" -- /bin/true 2>&1 || echo "it does not run"
}

# Imports one archive of the manifest and prints every objection to the result. No output: all is well.
# IMPORT_FLAGS are added to the flags of the manifest.
examine() {
	local file=$1 expect=$2 flags=$3 runnable=$4 status=0
	store_remove
	[ -e "$BATS_TEST_TMPDIR/canary" ] || canary_snapshot >"$BATS_TEST_TMPDIR/canary"
	# shellcheck disable=SC2086  # flags are words
	timeout -k 5 60 "$SANDBOX" import $flags ${IMPORT_FLAGS:-} "$ARCHIVES/$file" \
		>"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	check_printable "$BATS_TEST_TMPDIR/stderr"
	case $expect in
	E_*) check_refused "$expect" "$status" ;;
	*) check_accepted "$file" "$status" "$runnable" ;;
	esac
	canary_snapshot >"$BATS_TEST_TMPDIR/canary-after"
	diff "$BATS_TEST_TMPDIR/canary" "$BATS_TEST_TMPDIR/canary-after" | sed -n 's/^[<>]/changed outside:/p'
	mv "$BATS_TEST_TMPDIR/canary-after" "$BATS_TEST_TMPDIR/canary"
}

# The rows of a class, for `read_row`.
rows() {
	awk -F '\t' -v class="$1" '$2 == class' "$ARCHIVES/manifest"
}

# Reads a row into file, expect, flags, allow, runnable and why.
read_row() {
	IFS=$'\t' read -r file kind expect flags allow runnable why || return 1
	[ "$flags" != - ] || flags=
}

# examine_classes CLASS…: all archives of these classes; prints the count of each, and fails with every objection.
examine_classes() {
	local class file kind expect flags allow runnable why objections failed=0 refused accepted
	for class in "$@"; do
		refused=0 accepted=0
		while read_row; do
			objections=$(examine "$file" "$expect" "$flags" "$runnable")
			if [ -n "$objections" ]; then
				printf '%s (%s): %s\n' "$file" "$why" "$objections"
				failed=$((failed + 1))
			elif [[ $expect == E_* ]]; then
				refused=$((refused + 1))
			else
				accepted=$((accepted + 1))
			fi
		done < <(rows "$class")
		echo "# $class: $refused refused, $accepted accepted" >&3
		if [ $((refused + accepted + failed)) -lt 3 ]; then
			echo "fewer than three archives of the class $class"
			failed=$((failed + 1))
		fi
	done
	[ "$failed" = 0 ]
}

# The objections to the archives of a class: what the tests of the tests look for.
objections_to() {
	local file kind expect flags allow runnable why
	while read_row; do
		examine "$file" "$expect" "$flags" "$runnable"
	done < <(rows "$1")
}
