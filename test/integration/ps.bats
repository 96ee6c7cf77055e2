# sandbox ps: which sandboxes, and what of them.

load helper

setup_file() {
	private_folders
	"$SANDBOX" run -d --name first "$BUSYBOX_TAR" sleep 6101 >"$BATS_FILE_TMPDIR/first"
	"$SANDBOX" run -d --name second-one "$BUSYBOX_TAR" sh -c "exit 3; : $(printf 'x%.0s' {1..99})"
	"$SANDBOX" wait second-one
	"$SANDBOX" wait "$("$SANDBOX" run -d --name box "$BUSYBOX_TAR" true)"
}

teardown_file() {
	remove_sandboxes
	remove_private_folders
}

# The names that these filters leave.
names() {
	sandbox ps --format '{{.Names}}' "$@"
	[ "$status" = 0 ] || return 0
	output=$(sort <<<"$output" | tr '\n' ' ')
}

@test "--filter: by name, id, status, exit status, image" {
	names -a
	assert_output 'box first second-one '
	names
	assert_output 'first '
	names --filter name=second --filter status=exited
	assert_output 'second-one '
	names -a --filter name=s
	assert_output 'first second-one '
	names -a --filter name=first --filter name=second
	assert_output 'first second-one '
	names --filter name=first --filter status=exited
	assert_output ' '
	names --filter "id=$(head -c 5 "$BATS_FILE_TMPDIR/first")"
	assert_output 'first '
	names --filter exited=3
	assert_output 'second-one '
	names -f status=running -f status=exited
	assert_output 'box first second-one '
	names -f ancestor=busybox.tar
	assert_output 'first '
	names -f "image=$BUSYBOX_TAR"
	assert_output 'first '
	names -f "image=$("$SANDBOX" images -q | head -c 20)"
	assert_output 'first '
	names -f image=other.tar
	assert_output ' '
}

@test "--filter: by labels, and all of them" {
	"$SANDBOX" run -d --name labelled -l tier=front -l stage=test "$BUSYBOX_TAR" true
	"$SANDBOX" wait labelled
	names -a -f label=tier
	assert_output 'labelled '
	names -a -f label=tier=front -f label=stage=test
	assert_output 'labelled '
	names -a -f label=tier=front -f label=stage=live
	assert_output ' '
	names -a -f label=tie
	assert_output ' '
	sandbox ps -a -f label=tier --format '{{.Labels}}'
	assert_success 'tier=front,stage=test'
	"$SANDBOX" rm labelled
}

@test "--filter: what cannot be meant is an error" {
	sandbox ps --filter first
	assert_error 'KEY=VALUE'
	sandbox ps --filter colour=red
	assert_error 'name id status exited image ancestor label'
	sandbox ps --filter status=up
	assert_error 'created running exited dead'
}

@test "--format: fields, escapes, a table, JSON" {
	sandbox ps --format '{{.ID}}\t{{ .Names }} is {{.State}}'
	assert_success "$(<"$BATS_FILE_TMPDIR/first")"$'\t''first is running'
	sandbox ps -a -f name=second --format 'table {{.Names}}\t{{.ExitCode}}\t{{.Image}}'
	assert_success $'NAME        EXIT CODE  IMAGE\nsecond-one  3          busybox.tar'
	sandbox ps --format 'table {{.Names}}\t{{.ExitCode}}'
	assert_success $'NAME   EXIT CODE\nfirst  -'
	sandbox ps -f name=first --format '{{json .Names}} {{json .Command}}'
	assert_success '"first" "sleep 6101"'
	sandbox ps --format json
	assert_success
	assert_output_has '"Names":"first"'
	python3 -m json.tool <<<"$output"
	sandbox ps --format '{{.CreatedAt}}'
	[[ $output =~ ^20[0-9-]{8}T[0-9:]{8}Z$ ]]
}

@test "--format: what cannot be meant is an error" {
	sandbox ps --format '{{.Colour}}'
	assert_error '.ID .Names .Image'
	sandbox ps --format '{{.ID'
	assert_error 'not closed'
	sandbox ps --format '{{range .Names}}x{{end}}'
	assert_error 'more than a field'
	sandbox ps -q --format '{{.ID}}'
	assert_error 'leave one of them out'
}

@test "--no-trunc: all of the command, and of the image's path" {
	sandbox ps -a -f name=second
	assert_output_has 'sh -c exit 3; : xxxxx...'
	sandbox ps -a -f name=second --no-trunc
	assert_output_has "$(printf 'x%.0s' {1..99})"
	assert_output_has "$BUSYBOX_TAR"
}

# A name cannot have them, but an argument can.
@test "what could do something to a terminal is shown and not sent there" {
	"$SANDBOX" run -d --name hostile "$BUSYBOX_TAR" sh -c ':' $'\t\e[2Jx'
	"$SANDBOX" wait hostile
	sandbox ps -a -f name=hostile --no-trunc --format '{{.Command}}'
	assert_success 'sh -c : \x09\x1b[2Jx'
	sandbox ps -a -f name=hostile --no-trunc
	assert_output_has '\x1b[2Jx'
	[ "$(awk 'NR == 2 { print $NF }' <<<"$output")" = hostile ]
}
