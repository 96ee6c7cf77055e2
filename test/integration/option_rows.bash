# Running the rows of options.bash: what options.bats and create_options.bats have in common.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2317  # helper.bash sets status, output and stderr; options.bash calls

# The columns of the table, one array each.
commands=() options=() given_words=() test_lines=() shown=() mistakes=() sayings=() conditions=()

row_if() {
	conditions+=("$1") commands+=("$2") options+=("$3") given_words+=("$4") test_lines+=("$5") shown+=("$6")
	mistakes+=("$7") sayings+=("$8")
}

is_not_sanitized() {
	! is_sanitized
}

row() {
	row_if true "$@"
}

load options

# The folder that each line runs in a copy of, and the archives there, which no line changes and none need copy.
make_template() (
	mkdir -p "$BATS_FILE_TMPDIR/template/lent" "$BATS_FILE_TMPDIR/archives" "$BATS_FILE_TMPDIR/tree/below"
	cd "$BATS_FILE_TMPDIR" || exit 1
	echo 'from outside' >template/lent/file
	echo 'hostname = configured' >template/other
	echo FROM_FILE=yes >template/vars
	echo text | tee tree/ours-alone >tree/below/file
	tar -cf archives/tree.tar tree
	python3 "$OLDPWD/test/integration/layered.py" several archives/several.tar "$BUSYBOX_TAR"
	truncate -s 100M zeroes
	tar -czf archives/zeroes.tar.gz zeroes
	rm zeroes
)

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
	make_template
}

# The options that a command's --help lists.
options_of() {
	"$SANDBOX" ${1:+"$1"} --help | sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p'
}

through() {
	local starter=$1
	shift
	starter="$starter" "$@"
}

on_terminal() (
	set -o pipefail
	script -qec "$(printf '%q ' "$@")" /dev/null </dev/null | tr -d '\r'
)

# What is to be done with the words of an option instead of `sandbox COMMAND`; or nothing.
act=

# `sandbox COMMAND` with the words of the option. How it ends is kept for the test.
with() {
	local argument words=() status=0
	for argument; do
		[ "$argument" != -- ] || words+=("$BUSYBOX_TAR")
		words+=("$argument")
	done
	# shellcheck disable=SC2086  # they are words, and so is what starts it
	${act:-${starter:-} "$SANDBOX" $command} $words_of_option "${words[@]}" || status=$?
	echo "$status" >"$BATS_TEST_TMPDIR/status"
	return "$status"
}

# Runs the line of row NUMBER with these words for the option. $status is "none" when it did not come to sandbox.
run_line() {
	local folder
	folder=$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")
	echo none >"$BATS_TEST_TMPDIR/status"
	cp -R "$BATS_FILE_TMPDIR/template/." "$folder"
	ln "$BATS_FILE_TMPDIR/archives/"* "$folder"
	command=${commands[$1]} words_of_option=$2
	output=$(cd "$folder" && eval "${test_lines[$1]}" 2>"$BATS_TEST_TMPDIR/errors") || true
	stderr=$(<"$BATS_TEST_TMPDIR/errors")
	status=$(<"$BATS_TEST_TMPDIR/status")
}

complain() {
	printf '%s\n' "sandbox ${commands[$1]} --${options[$1]}: $2" "-- status $status, stdout:" "$output" "-- stderr:" "$stderr"
	bad=1
}

# For a line that has run as it should. No output would else be the effect of any option that cannot be used. Some lines
# show the error that they are about, on standard output.
check_accepted() {
	[[ $status != none && $stderr != *'sandbox: '*'  cause: '* ]] || complain "$1" "it should be no error"
}

# Runs a check on each row, or on those of the one option that SANDBOX_OPTION names, and fails after all.
for_each_row() {
	local i checked=0 bad=0
	for i in "${!options[@]}"; do
		[ "${SANDBOX_OPTION:-${options[i]}}" = "${options[i]}" ] || continue
		"$1" "$i"
		checked=$((checked + 1))
	done
	[ "$checked" -gt 0 ]
	[ "$bad" = 0 ]
}
