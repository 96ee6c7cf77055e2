# Every option of every command does something, and can be given wrongly: the table is options.bash.
# takes long

# shellcheck disable=SC2154,SC2317  # bats sets stderr; options.bash calls
load helper

load option_rows

# What works on the store or writes texts does so alike on any machine: on the host.
depends_on_machine() {
	[ -z "${SANDBOX_WORLD:-}" ] || case ${commands[$1]} in
	import | load | images | save | history | rmi | prune | gc | df | commit | export | diff | cp) false ;;
	esac
}

check_effect() {
	local pattern=${shown[$1]#=}
	${conditions[$1]} && depends_on_machine "$1" || return 0
	run_line "$1" "${given_words[$1]}"
	check_accepted "$1"
	# shellcheck disable=SC2053  # a pattern
	[[ $output == $pattern ]] || complain "$1" "the output should match $pattern"
	# What is there without the option is alike on any machine.
	[ -z "${SANDBOX_WORLD:-}" ] || return 0
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

# The letter that --help gives to the option of row NUMBER, or nothing.
letter_of_row() {
	"$SANDBOX" ${commands[$1]:+"${commands[$1]}"} --help | sed -n "s/^  -\\(.\\), --${options[$1]} .*/\\1/p"
}

# A flag is one whose mistake is a value that is neither.
is_flag() {
	[ "${sayings[$1]}" = "$boolean" ]
}

# "--rm=false" is no use without a name, --no-stream is so anyway where nobody looks on, and the version is no option of
# the command that follows.
cannot_be_off() {
	case "${commands[$1]} ${options[$1]}" in
	'run rm' | 'stats no-stream' | ' version') true ;;
	*) false ;;
	esac
}

# What the row shows is not to be seen; nor, where it is so anyway, without having been switched off.
check_off() {
	local pattern=${shown[$1]#=} off=false letter spelling
	if ! is_flag "$1" || cannot_be_off "$1" || ! "${conditions[$1]}"; then
		return 0
	fi
	[[ ${given_words[$1]} != *=false ]] || off=true
	letter=$(letter_of_row "$1")
	for spelling in "--${options[$1]}=$off" ${letter:+"-$letter=$off"}; do
		count=$((count + 1))
		run_line "$1" "$spelling"
		# shellcheck disable=SC2053  # a pattern
		[[ $output != $pattern ]] || complain "$1" "$spelling changes nothing"
		[[ $stderr != *"$boolean"* && $stderr != *'unknown option'* ]] || complain "$1" "$spelling is no mistake"
	done
}

@test "every option of --help has a row, and every row an option" {
	local command
	# Those of create are those of run: create_options.bats.
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

@test "every flag can be switched off, also one that is on anyway" {
	local count=0
	[ -z "${SANDBOX_WORLD:-}" ] || skip 'it depends on no machine: as on the host'
	for_each_row check_off
	[ -n "${SANDBOX_OPTION:-}" ] || [ "$count" -gt 50 ]
}

@test "every option can be given wrongly, and the error says how" {
	[ -z "${SANDBOX_WORLD:-}" ] || skip 'found before anything is done: as on the host'
	for_each_row check_mistake
}
