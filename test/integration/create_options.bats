# What an option of `sandbox run` says, it says to `sandbox create` as well, and it holds when the sandbox starts.

# shellcheck disable=SC2034,SC2154,SC2317  # option_rows.bash sets and calls
load helper
load option_rows

# Those that `create` refuses, or that a kept sandbox does; those about other things than what runs; and those whose line
# is about a sandbox in the background.
is_not_for_create() {
	case $1 in
	name | detach | rm | limits | cgroups | summary | dry-run | json | preserve-fds | storage-size | overlay | replace | keep | label | pidfile | \
		stop-signal | stop-timeout | log-opt | status-fd) true ;;
	*) false ;;
	esac
}

# create with these words, start, and then nothing is left of it.
create_and_start() {
	local id status=0
	id=$("$SANDBOX" create "$@") || return
	${starter:-} "$SANDBOX" start -ai "$id" || status=$?
	"$SANDBOX" rm "$id" >/dev/null
	return "$status"
}

check_created() {
	local pattern=${shown[$1]#=}
	if [ "${commands[$1]}" != run ] || is_not_for_create "${options[$1]}"; then
		return 0
	fi
	${conditions[$1]} || return 0
	count=$((count + 1))
	run_line "$1" "${given_words[$1]}"
	check_accepted "$1"
	# shellcheck disable=SC2053  # a pattern
	[[ $output == $pattern ]] || complain "$1" "the output should match $pattern"
}

@test "create lists the options of run but for those that it refuses" {
	local option
	diff <(options_of run | grep -vxE 'detach|rm|status-fd|summary') <(options_of create)
	for option in --detach --rm --status-fd=3 --summary; do
		sandbox create "$option" "$BUSYBOX_TAR" true
		assert_error 'nothing is started yet'
	done
}

@test "the plan of create is of a sandbox that is kept, and has the same errors" {
	sandbox create --dry-run "$BUSYBOX_TAR" true
	assert_status 0
	assert_output_has 'written to disk and kept'
	sandbox create --dry-run --rm "$BUSYBOX_TAR" true
	assert_error 'create --rm'
	[ -z "$("$SANDBOX" ps -aq)" ]
}

@test "every option of run holds for what was created" {
	local count=0 act=create_and_start
	for_each_row check_created
	[ -n "${SANDBOX_OPTION:-}" ] || [ "$count" -gt 50 ]
}
