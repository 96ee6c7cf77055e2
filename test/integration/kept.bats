# Sandboxes that are kept: what they write stays, they start again on it, and nothing takes from them what they stand on.

load helper

# Whatever a test leaves is removed, and then nothing is left of any.
teardown() {
	remove_sandboxes
	assert_no_sandbox_is_known
}

# Created, Up, Exited or Dead.
status_of() {
	"$SANDBOX" ps -a | grep " $1\$" | grep -oE ' (Created|Up|Exited|Dead)\>' | tr -d ' '
}

has_status() {
	[ "$(status_of "$1")" = "$2" ]
}

# usage: has_logged NAME TEXT TIMES
has_logged() {
	[ "$("$SANDBOX" logs "$1" | grep -c "$2")" = "$3" ]
}

has_ended() {
	has_status "$1" Dead || has_status "$1" Exited
}

entry_of() {
	echo "$XDG_STATE_HOME"/sandbox/sandboxes/*-"$1"
}

# That of the sandbox whose command ends with `sleep SECONDS`: no other file has these numbers.
supervisor_of() {
	pgrep -u "$(id -u)" -f "sandbox run .*sleep $1\$"
}

cannot_lock() {
	! flock --nonblock "$(entry_of "$1")" true
}

stopped_supervisor() {
	pgrep -u "$(id -u)" -r T -f "^$SANDBOX_SWITCHED start box\$"
}

is_stopped() {
	[ -n "$(stopped_supervisor)" ]
}

waits_for_name() {
	find "/proc/$1/fd" -lname '*/ids.json' | grep -q .
}

@test "what a named sandbox writes is there when it starts again" {
	run_busybox --name box -- sh -c 'echo one >>/root/file; cat /root/file'
	assert_success one
	has_status box Exited
	sandbox start -a box
	assert_success $'one\none'
	sandbox start box
	assert_success box
	sandbox wait box
	assert_success 0
	sandbox logs box
	assert_success $'one\none\none'
	sandbox rm box
	assert_success box
}

@test "without a name it is kept with --keep, by its id" {
	run_busybox -d --keep -- sh -c 'echo x >>/file; wc -l </file'
	assert_success
	id=$output
	"$SANDBOX" wait "$id"
	sandbox start -a "$id"
	assert_success 2
}

@test "what is not kept leaves nothing, and is not started again" {
	run_busybox --name box --rm -- true
	assert_success
	run_busybox --name box --keep=false -- true
	assert_success
	sandbox ps -aq
	assert_success ''
	run_busybox -d -- true
	id=$output
	"$SANDBOX" wait "$id"
	sandbox start "$id"
	assert_error E_SANDBOX_STATE
	assert_stderr_has 'not kept'
	sandbox start box
	assert_error E_SANDBOX_UNKNOWN
	run_busybox --keep --rm -- true
	assert_error 'leave one of them out'
	run_busybox --name box --overlay=tmpfs -- true
	assert_error 'memory keeps nothing'
	run_busybox --name box --preserve-fds 1 -- true 3</dev/null
	assert_error 'nobody has them open'
}

@test "create makes it, start runs it" {
	sandbox create --name box "$BUSYBOX_TAR" sh -c 'echo ran'
	assert_success
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	has_status box Created
	sandbox ps -q
	assert_success ''
	sandbox start -a box
	assert_success ran
	sandbox create --name box "$BUSYBOX_TAR" true
	assert_error E_NAME_IN_USE
	sandbox create -d "$BUSYBOX_TAR" true
	assert_error 'nothing is started yet'
	sandbox create "$BUSYBOX_TAR"
	assert_success
}

@test "one that was not started has no end to wait for" {
	"$SANDBOX" create --name box "$BUSYBOX_TAR" true
	sandbox wait box
	assert_error E_SANDBOX_STATE
	assert_stderr_has 'it has not been started'
	assert_stderr_has 'sandbox start'
	"$SANDBOX" start box
	sandbox wait box
	assert_success 0
}

@test "it starts with what it was made with, whatever the caller has now" {
	mkdir "$BATS_TEST_TMPDIR/lent"
	cd "$BATS_TEST_TMPDIR"
	echo lent >lent/file
	echo FROM_FILE=then >vars
	export TAKEN=before
	sandbox create --name box -v ./lent:/lent:ro -e TAKEN -e SET=1 --env-file vars -u 12:34 -w /srv -h other --read-only \
		"$BUSYBOX_TAR" sh -c 'cat /lent/file; echo $TAKEN $SET $FROM_FILE; id -u; pwd; hostname; ! touch /new 2>/dev/null'
	assert_success
	export TAKEN=now
	rm vars
	cd /
	sandbox start -a box
	assert_success $'lent\nbefore 1 then\n12\n/srv\nother'
}

@test "the image's own words hold also when the image has gone by its name" {
	local layers
	"$SANDBOX" create --name box "$BUSYBOX_TAR" cat /etc/passwd
	rm -f "$XDG_CACHE_HOME"/sandbox/images/*.json
	sandbox start -a box
	assert_success
	assert_output_has root:
	# Whoever takes the layers away learns how they come back.
	layers=$XDG_CACHE_HOME/sandbox/layers
	mv "$layers" "$layers.away"
	mkdir "$layers"
	sandbox start -a box
	assert_error E_IMAGE_UNKNOWN
	assert_stderr_has 'sandbox import'
	rmdir "$layers"
	mv "$layers.away" "$layers"
	"$SANDBOX" import "$BUSYBOX_TAR"
	sandbox start -a box
	assert_success
}

@test "one on a folder starts again on that folder, and on nothing that took its place" {
	mkdir "$BATS_TEST_TMPDIR/root"
	tar -C "$BATS_TEST_TMPDIR/root" -xf "$BUSYBOX_TAR"
	cd "$BATS_TEST_TMPDIR"
	sandbox run --name box ./root sh -c 'echo x >>/file; wc -l </file'
	assert_success 1
	cd /
	sandbox start -a box
	assert_success 2
	[ ! -e "$BATS_TEST_TMPDIR/root/file" ]
	mv "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/elsewhere"
	sandbox start -a box
	assert_error E_IMAGE_UNKNOWN
	# What is there now is looked at as the first one was: it may hold the caller's home.
	system_home=$(getent passwd "$(id -u)" | cut -d : -f 6)
	[ -d "$system_home" ] || skip "this user has no home"
	ln -s "$system_home" "$BATS_TEST_TMPDIR/root"
	for command in "start -a box" "diff box"; do
		# shellcheck disable=SC2086
		sandbox $command
		assert_error E_FOLDER
		assert_stderr_has home
	done
	# The control: that far they come otherwise.
	export SANDBOX_TEST_REMOVE=kept-home
	capture "$SANDBOX_SWITCHED" start -a box
	assert_error E_COMMAND_NOT_FOUND 127
	capture "$SANDBOX_SWITCHED" diff box
	assert_success
}

@test "files of every id inside stay, and go with the sandbox" {
	run_busybox --name box -- sh -c 'mkdir -m 700 /private; touch /private/x; chown -R 1234:1234 /private'
	assert_success
	sandbox start -a box
	assert_stderr_has 'File exists'
	rm_and_look() {
		sandbox rm box
		assert_success box
		[ -z "$(ls -A "$XDG_STATE_HOME/sandbox/sandboxes")" ]
	}
	rm_and_look
	run_busybox --name box --userns=single -- sh -c 'echo x >>/file; wc -l </file'
	assert_status 0
	sandbox start -a box
	assert_output 2
	rm_and_look
}

@test "one that runs is not started a second time, and many starts at once are one" {
	local i pids=() pid
	"$SANDBOX" run --name box -d "$BUSYBOX_TAR" sleep 600
	sandbox start box
	assert_success box
	sandbox start --attach box
	assert_error 'it runs already'
	assert_stderr_has 'sandbox attach box'
	sandbox stop --time 0 box
	for ((i = 0; i < 8; i++)); do
		"$SANDBOX" start box >/dev/null 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	has_status box Up
	[ "$("$SANDBOX" inspect -f '{{.State.Starts}}' box)" = 2 ]
}

@test "a file for the process id lies where the sandbox was made, or there is no start" {
	mkdir "$BATS_TEST_TMPDIR/made"
	(cd "$BATS_TEST_TMPDIR/made" && "$SANDBOX" create --name box --pidfile pid "$BUSYBOX_TAR" sleep 600)
	"$SANDBOX" start box
	[ "$(cat "/proc/$(<"$BATS_TEST_TMPDIR/made/pid")/comm")" = sandbox-init ]
	"$SANDBOX" stop --time 0 box
	rmdir "$BATS_TEST_TMPDIR/made"
	sandbox start box
	assert_error "enter $BATS_TEST_TMPDIR/made"
}

@test "a profile of system calls is that of the day when the sandbox was made" {
	local profile=$BATS_TEST_TMPDIR/profile refusing create
	refusing='{"defaultAction": "SCMP_ACT_ALLOW",
		"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}'
	echo "$refusing" >"$profile"
	"$SANDBOX" create --name box --security-opt "seccomp=$profile" "$BUSYBOX_TAR" mkdir /made
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$profile"
	sandbox start --attach box
	assert_status 1
	assert_stderr_has 'No space left'
	rm "$profile"
	sandbox start --attach box
	assert_stderr_has 'No space left'
	# It is read once, as is a file of variables: what it says while the image is imported is too late.
	echo "$refusing" >"$profile"
	echo SAID=then >"$BATS_TEST_TMPDIR/variables"
	cp "$BUSYBOX_TAR" "$BATS_TEST_TMPDIR/new.tar"
	SANDBOX_TEST_STOP_AT=import-locked "$SANDBOX_SWITCHED" create --name other --security-opt "seccomp=$profile" \
		--env-file "$BATS_TEST_TMPDIR/variables" "$BATS_TEST_TMPDIR/new.tar" mkdir /made 3>&- &
	create=$!
	wait_until grep -q '^State:.T' "/proc/$create/status"
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$profile"
	echo SAID=later >"$BATS_TEST_TMPDIR/variables"
	kill -CONT "$create"
	wait "$create"
	"$SANDBOX" inspect other | jq -e '.[0].Kept.Options | tostring | test("SAID=then")'
	sandbox start --attach other
	assert_stderr_has 'No space left'
	# A text in the place of a name is for everybody.
	run_busybox --security-opt "seccomp=$refusing" -- mkdir /made
	assert_stderr_has 'No space left'
	run_busybox --security-opt 'seccomp={"defaultAction": ' -- true
	assert_error E_SECCOMP_PROFILE
}

@test "update is remembered by the next start, and refused where limits do not go together" {
	"$SANDBOX" create --name box --limits best-effort -m 64m --timeout 50s "$BUSYBOX_TAR" \
		sh -c 'dd if=/dev/zero of=/dev/shm/file bs=1M count=40; sleep 60'
	sandbox update -m 16m box
	assert_success box
	"$SANDBOX" inspect box | jq -e '.[0].Kept.Options | tostring | test("16m") and (test("64m") | not)'
	sandbox update --memory-swap 8m box
	assert_status 125
	assert_stderr_has '--memory-swap'
	"$SANDBOX" inspect box | jq -e '.[0].Kept.Options | tostring | test("8m") | not'
	# Seen from outside, or held by the kernel.
	sandbox start --attach box
	assert_status 137
	# What nothing could hold would be a sandbox that does not start.
	"$SANDBOX" create --name none --cgroups none "$BUSYBOX_TAR" true
	sandbox update --pids-limit 99 none
	assert_error E_CGROUP_MISSING
	sandbox start --attach none
	assert_success ''
}

@test "one whose files others work on is not said to have been started" {
	"$SANDBOX" run --name box "$BUSYBOX_TAR" true
	flock "$(entry_of box)" sleep 60 3>&- &
	wait_until cannot_lock box
	sandbox start box
	assert_error 'another command works on it'
	pkill -P $! -x sleep
	wait $! || true
	has_status box Exited
}

# It has another name from the moment on when the start is done with the one that it had. What it starts with has been read by
# the time when it stops here, and is to be what the record says: an update has to wait like that, too.
@test "a rename during a start waits for it, and events have the name of their time" {
	local start rename
	"$SANDBOX" create --name box "$BUSYBOX_TAR" sleep 600
	SANDBOX_TEST_STOP_AT=container.recorded "$SANDBOX_SWITCHED" start box 3>&- &
	start=$!
	wait_until is_stopped
	"$SANDBOX" rename box other 3>&- &
	rename=$!
	wait_until waits_for_name "$rename"
	[ -d "$(entry_of box)" ]
	kill -CONT "$(stopped_supervisor)"
	wait "$start"
	wait "$rename"
	has_status other Up
	"$SANDBOX" stop --time 0 other
	"$SANDBOX" events --since 1h --until 0s --filter event=die | tail -n 1 | grep '"other"'
}


@test "a start that fails leaves it as it was, with the shell's status for why" {
	run_busybox --name box -- sh -c 'rm /bin/sh'
	assert_success
	sandbox start box
	assert_error E_COMMAND_NOT_FOUND 127
	has_status box Exited
	sandbox wait box
	assert_success 127
	# What fails before anything was begun changes nothing.
	run_busybox --name other -v "$BATS_TEST_TMPDIR:/lent" -- sh -c 'exit 3'
	assert_status 3
	sed -i "s|$BATS_TEST_TMPDIR|$BATS_TEST_TMPDIR/none|" "$(entry_of other)/kept.json"
	sandbox start other
	assert_status 125
	sandbox wait other
	assert_success 3
}

@test "restart ends it and starts it again, but not what could not come back" {
	run_busybox --name box -d -- sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'
	wait_until has_logged box up 1
	sandbox restart box
	assert_success box
	wait_until has_logged box up 2
	has_status box Up
	"$SANDBOX" stop box
	sandbox restart --time 0 box
	assert_success box
	has_status box Up
	# What could not come back is not ended.
	run_busybox -d -- sleep 600
	id=$output
	sandbox restart "$id"
	assert_error E_SANDBOX_STATE
	sandbox ps -q
	assert_output_has "$id"
}

@test "an update that waits for a first start which fails is told that there is no such sandbox" {
	local start update ended=0
	SANDBOX_TEST_STOP_AT=container.recorded "$SANDBOX_SWITCHED" run --name box "$BUSYBOX_TAR" /no/such/program \
		>/dev/null 2>&1 3>&- &
	start=$!
	wait_until grep -q '^State:.T' "/proc/$start/status"
	"$SANDBOX" update --pids-limit 50 box 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	update=$!
	wait_until waits_for_name "$update"
	kill -CONT "$start"
	wait "$update" || ended=$?
	[ "$ended" = 125 ]
	grep -q E_SANDBOX_UNKNOWN "$BATS_TEST_TMPDIR/said"
	ended=0
	wait "$start" || ended=$?
	[ "$ended" = 127 ]
}

@test "a rename while others reach for its files leads them to the same ones" {
	run_busybox --name box -- sh -c 'echo new >/file'
	SANDBOX_TEST_STOP_AT=userns.child "$SANDBOX_SWITCHED" cp box:/file - >"$BATS_TEST_TMPDIR/archive" 3>&- &
	# shellcheck disable=SC2016
	wait_until sh -c 'grep -q "^State:.T" /proc/$(ps -o pid= --ppid "$1" | tr -d " ")/status' sh $!
	"$SANDBOX" rename box other
	pkill -CONT --parent $!
	wait $!
	[ "$(tar -xOf "$BATS_TEST_TMPDIR/archive" file)" = new ]
}

@test "rename, while it runs and while it does not" {
	"$SANDBOX" run --name box -d "$BUSYBOX_TAR" sh -c 'echo x >>/file; wc -l </file; sleep 600'
	sandbox rename box other
	assert_success ''
	sandbox exec other true
	assert_success
	sandbox rename other a/b
	assert_error 'a name is a letter'
	"$SANDBOX" run --name taken "$BUSYBOX_TAR" true
	sandbox rename other taken
	assert_error E_NAME_IN_USE
	sandbox rename other other
	assert_error 'has that name already'
	"$SANDBOX" stop --time 0 other
	"$SANDBOX" rename other third
	sandbox start third
	assert_success
	"$SANDBOX" rename third last
	sandbox rm -f last
	assert_success last
	sandbox rename last x
	assert_error E_SANDBOX_UNKNOWN
}

@test "a link that the sandbox puts where it was lent something leads a start nowhere" {
	mkdir -p "$BATS_TEST_TMPDIR/lent/cache" "$BATS_TEST_TMPDIR/lent/work" "$BATS_TEST_TMPDIR/secret"
	cd "$BATS_TEST_TMPDIR/lent"
	"$SANDBOX" run --name box -v .:/w -v ./cache:/cache "$BUSYBOX_TAR" sh -c \
		'[ ! -e /w/evil ] || exit 0; touch /w/evil; mv /w/cache /w/old; ln -s ../secret /w/cache'
	sandbox start --attach box
	assert_error E_SANDBOX_STATE
	assert_stderr_has "lend $BATS_TEST_TMPDIR/secret"
	rm cache
	mv old cache
	sandbox start --attach box
	assert_success ''
	# The folder that relative paths begin at, too.
	cd work
	"$SANDBOX" run --name below -v ..:/w "$BUSYBOX_TAR" sh -c 'mv /w/work /w/old; ln -s ../secret /w/work'
	cd /
	sandbox start --attach below
	assert_error E_SANDBOX_STATE
}

@test "ids that are others now are refused, with what they were" {
	"$SANDBOX" run --name box "$BUSYBOX_TAR" touch /file
	cp "$(entry_of box)/ids.json" "$BATS_TEST_TMPDIR/ids.json"
	sed -i 's/[0-9]\{6,\}/777777/' "$(entry_of box)/ids.json"
	sandbox start box
	assert_error E_ID_UNMAPPED
	assert_stderr_has 777777
	cp "$BATS_TEST_TMPDIR/ids.json" "$(entry_of box)/ids.json"
}

# --- kills and reboots --------------------------------------------------------------------------------------------

@test "a killed supervisor: seen for what it is, and started again" {
	run_busybox --name box -d -- sh -c 'echo x >>/file; wc -l </file; sleep 6201'
	kill -KILL "$(supervisor_of 6201)"
	wait_until has_status box Dead
	sandbox start box
	assert_success
	has_status box Up
	sandbox logs box
	assert_success $'1\n2'
}

@test "after a reboot it has exited, and starts again" {
	"$SANDBOX" run --name box -d "$BUSYBOX_TAR" sh -c 'echo x >>/file; wc -l </file; sleep 6202'
	run_busybox -d -- sleep 6203
	id=$output
	kill -KILL "$(supervisor_of 6202)" "$(supervisor_of 6203)"
	wait_until has_status box Dead
	sed -i 's/"boot": *"[^"]*"/"boot": "of another time"/' "$XDG_STATE_HOME"/sandbox/sandboxes/*/record.json
	rm -r "$XDG_RUNTIME_DIR/sandbox"
	has_status box Exited
	sandbox wait box "$id"
	assert_success $'137\n137'
	sandbox start box
	assert_success
	has_status box Up
	sandbox logs box
	assert_success $'1\n2'
}

# A record that was half written is not there; one that is damaged is never taken for nothing.
@test "the making of one that is killed at any step leaves nothing, or a whole one" {
	local point
	for point in registry.made kept.layer-made kept.recorded container.recorded container.named container.created \
		launch.mapped launch.set-up launch.started; do
		capture env SANDBOX_TEST_KILL_AT=$point "$SANDBOX_SWITCHED" run --name box "$BUSYBOX_TAR" sh -c 'echo x >>/file'
		[ "$status" != 0 ] || fail_with "not killed at $point"
		case $point in
		registry.made | kept.layer-made)
			run_busybox --name box -- sh -c 'echo x >>/file'
			[ "$status" = 0 ] || fail_with "the name after $point"
			;;
		launch.*)
			# What is left of a sandbox may take a moment to die.
			wait_until has_ended box || fail_with "after $point"
			;;
		esac
		sandbox start -a box
		[ "$status" = 0 ] || fail_with "a start after $point"
		sandbox rm box
		[ "$status" = 0 ] || fail_with "rm after $point"
	done
}

@test "a start that is killed at any step can be made again" {
	local point
	"$SANDBOX" create --name box "$BUSYBOX_TAR" sh -c 'echo x >>/file'
	for point in container.recorded container.named container.created launch.cloned launch.mapped root.upper-made \
		init.root-built \
		launch.set-up launch.started supervise.ended container.ended container.exit-written; do
		capture env SANDBOX_TEST_KILL_AT=$point "$SANDBOX_SWITCHED" start -a box
		[ "$status" != 0 ] || fail_with "not killed at $point"
		# What is left of a sandbox may take a moment to die.
		wait_until has_ended box || fail_with "after $point"
	done
	sandbox start -a box
	assert_success
}

@test "a removal that is killed at any step is gone on with by the next command" {
	local point
	for point in registry.discarded registry.emptied; do
		"$SANDBOX" run --name box "$BUSYBOX_TAR" sh -c 'mkdir -m 0 /private; chown 12 /private'
		capture env SANDBOX_TEST_KILL_AT=$point "$SANDBOX_SWITCHED" rm box
		[ "$status" != 0 ] || fail_with "not killed at $point"
		sandbox ps -aq
		assert_success ''
		[ -z "$(ls -A "$XDG_STATE_HOME/sandbox/sandboxes")" ] || fail_with "after $point"
	done
}

@test "one whose record a power cut has emptied is removed, by force too" {
	local words
	for words in 'rm' 'rm --force'; do
		"$SANDBOX" run --name box "$BUSYBOX_TAR" true
		: >"$(entry_of box)/record.json"
		# shellcheck disable=SC2086
		sandbox $words box
		assert_success box
		[ -z "$(ls -A "$XDG_STATE_HOME/sandbox/sandboxes")" ] || fail_with "something is left after $words"
	done
}

# --- looking and clearing away ------------------------------------------------------------------------------------

@test "inspect shows what it is, what it stands on, and single values" {
	run_busybox -d --name box -l role=test -l plain -v /etc:/outer:ro -- sh -c 'exit 3'
	assert_success
	id=$output
	"$SANDBOX" wait box
	sandbox inspect box
	assert_success
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["Id"])' <<<"$output")" = "$id" ]
	sandbox inspect -f '{{.Id}} {{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.State.Starts}}' box
	assert_success "$id box exited 3 1"
	sandbox inspect -f '{{json .Config.Labels}}\t{{ .Config.Labels.role }}' box
	assert_success '{"role":"test","plain":""}'$'\t''test'
	sandbox inspect -f '{{json .Kept.Options.volume}}' box
	assert_success '["/etc:/outer:ro"]'
	sandbox inspect -f '{{.State.None}}' box
	assert_error '.State.None'
	assert_stderr_has '.ExitCode'
	sandbox inspect -f '{{.Id | len}}' box
	assert_error 'names nothing'
	sandbox inspect -f '{{.Id' box
	assert_error 'names nothing'
	sandbox inspect box nobody
	assert_status 125
	assert_output_has "$id"
}

@test "prune asks, and then removes what does not run" {
	local answer
	"$SANDBOX" run -d --name up "$BUSYBOX_TAR" sleep 600
	"$SANDBOX" run --name down "$BUSYBOX_TAR" true
	"$SANDBOX" create --name made "$BUSYBOX_TAR"
	sandbox prune
	assert_error 'nobody to ask'
	for answer in n y; do
		echo "$answer" | script -qec "$SANDBOX prune" /dev/null >"$BATS_TEST_TMPDIR/said"
		grep -q 'do not run: 2' "$BATS_TEST_TMPDIR/said"
		sandbox ps -aq
		[ "${#lines[@]}" = "$([ "$answer" = n ] && echo 3 || echo 1)" ]
	done
	sandbox prune -f
	assert_success ''
}

@test "rm --all removes all that do not run, and by force those that do" {
	"$SANDBOX" run -d --name up "$BUSYBOX_TAR" sleep 600
	"$SANDBOX" run --name down "$BUSYBOX_TAR" true
	sandbox rm --all
	assert_success down
	sandbox rm --all --force
	assert_success up
	sandbox rm
	assert_stderr_has 'is missing'
	sandbox rm --all box
	assert_error 'leave one of them out'
}

@test "--replace: the one that has the name goes, and no other" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c 'echo x >/file; sleep 600'
	sandbox inspect -f '{{.Id}}' box
	id=$output
	run_busybox --replace --name box -- ls /file
	assert_status 1
	sandbox inspect -f '{{.State.ExitCode}}' box
	assert_success 1
	# The beginning of an id is no name.
	run_busybox -d -- sleep 600
	id=$output
	run_busybox --replace --rm --name "${id:0:6}" -- true
	assert_success
	sandbox ps -q
	assert_success "$id"
	run_busybox --replace -- true
	assert_error 'none is given'
	# What cannot be started has replaced nothing.
	run_busybox --replace --name box -v /no/such/thing:/x -- true
	assert_status 125
	sandbox inspect box
	assert_success
}

@test "--cidfile and --pidfile are there for what has run, and no other sandbox takes them" {
	cd "$BATS_TEST_TMPDIR"
	run_busybox -d --name box --cidfile id --pidfile pid -- sleep 600
	assert_success "$(<id)"
	[ "$(</proc/"$(<pid)"/comm)" = sandbox-init ]
	run_busybox --cidfile id -- true
	assert_error 'another sandbox'
	"$SANDBOX" stop -t 0 box
	[ ! -e pid ]
	[ -e id ]
	"$SANDBOX" start box
	[ "$(</proc/"$(<pid)"/comm)" = sandbox-init ]
	# What never ran has left no file.
	run_busybox --cidfile other --pidfile elsewhere -- no-such-command
	assert_status 127
	[ ! -e other ]
	[ ! -e elsewhere ]
	run_busybox --pidfile /no/such/folder/pid -- true
	assert_error 'may write'
	# One that could not be replaced, as there is no longer name for the new one, stays what it was.
	longest=$(printf 'p%.0s' {1..255})
	echo other >"$longest"
	run_busybox --pidfile "$longest" -- true
	assert_error 'may write'
	[ "$(<"$longest")" = other ]
}

@test "a sandbox that says by which signal, and within which time, it wants to be stopped" {
	run_busybox -d --name box --stop-signal USR1 --stop-timeout 1m -- \
		sh -c 'trap "exit 5" USR1; trap "" TERM; echo up; while :; do sleep 0.05; done'
	wait_until has_logged box up 1
	sandbox stop box
	assert_success box
	sandbox wait box
	assert_success 5
	sandbox start box
	wait_until has_logged box up 2
	"$SANDBOX" stop --signal TERM --time 100ms box
	sandbox wait box
	assert_success 137
}

@test "reset takes from no kept sandbox what it stands on" {
	"$SANDBOX" run --name box "$BUSYBOX_TAR" true
	sandbox reset
	assert_error E_IMAGE_IN_USE
	assert_stderr_has 'sandbox rm --all'
	sandbox start -a box
	assert_success
	"$SANDBOX" rm box
	sandbox reset
	assert_success
}
