# Every option of every command does something, and can be given wrongly: the table is options.bash.

# shellcheck disable=SC2154,SC2317  # bats sets stderr; options.bash calls
load helper

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

# The folder that each line runs in a copy of.
make_template() (
	mkdir -p "$BATS_FILE_TMPDIR/template/lent" "$BATS_FILE_TMPDIR/tree/below"
	cd "$BATS_FILE_TMPDIR" || exit 1
	echo 'from outside' >template/lent/file
	echo 'hostname = configured' >template/other
	echo FROM_FILE=yes >template/vars
	echo text | tee tree/ours-alone >tree/below/file
	tar -cf template/tree.tar tree
	python3 "$OLDPWD/test/integration/layered.py" several template/several.tar "$BUSYBOX_TAR"
	truncate -s 100M zeroes
	tar -czf template/zeroes.tar.gz zeroes
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

commands_of_help() {
	"$SANDBOX" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'
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

# Standard input is what is typed.
typing() (
	set -o pipefail
	script -qec "$(printf '%q ' "$@")" /dev/null | tr -d '\r'
)

# `sandbox COMMAND` with the words of the option. How it ends is kept for the test.
with() {
	local argument words=() status=0
	for argument; do
		[ "$argument" != -- ] || words+=("$BUSYBOX_TAR")
		words+=("$argument")
	done
	# shellcheck disable=SC2086  # they are words, and so is what starts it
	${starter:-} "$SANDBOX" $command $words_of_option "${words[@]}" || status=$?
	echo "$status" >"$BATS_TEST_TMPDIR/status"
	return "$status"
}

# Runs the line of row NUMBER with these words for the option.
run_line() {
	local folder
	folder=$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")
	cp -R "$BATS_FILE_TMPDIR/template/." "$folder"
	command=${commands[$1]} words_of_option=$2
	output=$(cd "$folder" && eval "${test_lines[$1]}" 2>"$BATS_TEST_TMPDIR/errors") || true
	stderr=$(<"$BATS_TEST_TMPDIR/errors")
	status=$(<"$BATS_TEST_TMPDIR/status")
}

complain() {
	printf '%s\n' "sandbox ${commands[$1]} --${options[$1]}: $2" "-- status $status, stdout:" "$output" "-- stderr:" "$stderr"
	bad=1
}

# Runs a check on each row, or on those of the one option that SANDBOX_OPTION names, and fails after all.
for_each_row() {
	local i bad=0
	for i in "${!options[@]}"; do
		[ "${SANDBOX_OPTION:-${options[i]}}" = "${options[i]}" ] || continue
		"$1" "$i"
	done
	[ "$bad" = 0 ]
}

check_effect() {
	local pattern=${shown[$1]#=}
	${conditions[$1]} || return 0
	run_line "$1" "${given_words[$1]}"
	# shellcheck disable=SC2053  # a pattern
	[[ $output == $pattern ]] || complain "$1" "the output should match $pattern"
	run_line "$1" ''
	# shellcheck disable=SC2053
	if [[ $output == $pattern ]]; then
		[[ ${shown[$1]} == =* ]] || complain "$1" "the output is the same without it"
	else
		[[ ${shown[$1]} != =* ]] || complain "$1" "the output should match without it, too"
	fi
}

check_mistake() {
	run_line "$1" "${mistakes[$1]}"
	[ "$status" = 125 ] || complain "$1" "${mistakes[$1]} should be an error"
	# Some lines show standard error themselves.
	[[ $stderr$output == *"${sayings[$1]}"* ]] || complain "$1" "the error should say: ${sayings[$1]}"
	[[ $stderr$output == *'fix: '* ]] || complain "$1" "the error should name a fix"
}

@test "every option of --help has a row, and every row an option" {
	local command
	# Those of create are those of run, and kept.bats has each of them hold.
	diff <(for command in '' $(commands_of_help | grep -vx create); do
		options_of "$command" | sed "s/^/sandbox $command --/"
	done | sort) <(for i in "${!options[@]}"; do
		echo "sandbox ${commands[i]} --${options[i]}"
	done | sort) | sed -n 's/^</no row in options.bash:/p; s/^>/no such option:/p' >"$BATS_TEST_TMPDIR/difference"
	cat "$BATS_TEST_TMPDIR/difference"
	[ ! -s "$BATS_TEST_TMPDIR/difference" ]
}

@test "every option has an effect, which is not there without it" {
	for_each_row check_effect
}

@test "every option can be given wrongly, and the error says how" {
	for_each_row check_mistake
}
