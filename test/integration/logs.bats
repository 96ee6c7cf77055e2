# sandbox logs: how much is kept (--log-opt), and whose it is.

# shellcheck disable=SC2154  # helper.bash sets status, output and stderr
load helper

teardown() {
	remove_sandboxes
}

entry_of() {
	echo "$XDG_STATE_HOME"/sandbox/sandboxes/*-"$1"
}

# The logs of a box, with their sizes.
sizes() {
	(cd "$(entry_of box)" && stat -c '%n %s' log*)
}

count_to() {
	echo 'i=0; while [ $i -lt '"$1"' ]; do i=$((i + 1)); echo $i; done'
}

@test "--log-opt bounds the size of a log's files, and their number" {
	local size name all
	run_busybox -d --name box --log-opt max-size=4k --log-opt max-file=3 -- sh -c "$(count_to 1000)"
	assert_success
	"$SANDBOX" wait box
	[ "$(sizes | cut -d ' ' -f 1 | tr '\n' ' ')" = 'log log.1 log.2 ' ]
	while read -r name size; do
		[ "$size" -le 4096 ] || fail_with "$name has $size bytes"
		[ "$name" = log ] || [ "$size" -gt 4000 ] || fail_with "$name has only $size bytes"
	done < <(sizes)
	# The end of it all, and more than a file of it, in its order.
	sandbox logs box
	[ "${#lines[@]}" -gt 200 ]
	[ "$output" = "$(seq $((1001 - ${#lines[@]})) 1000)" ]
	# A tail counts the lines of all files.
	sandbox logs --tail 150 box
	assert_success "$(seq 851 1000)"
	# As for Docker.
	sandbox logs box
	all=$output
	sandbox logs -n all box
	assert_success "$all"
}

@test "a single file is begun anew when it is full" {
	run_busybox -d --name box --log-opt max-file=1 --log-opt max-size=1k -- sh -c "$(count_to 200)"
	assert_success
	"$SANDBOX" wait box
	[ "$(sizes | wc -l)" = 1 ]
	sandbox logs box
	[ "${#lines[@]}" -lt 30 ]
	[ "${lines[-1]}" = 200 ]
}

@test "who follows meets every line, however often the file changes" {
	run_busybox -d --name box --log-opt max-size=2k --log-opt max-file=100 -v "$BATS_TEST_TMPDIR:/lent" -- \
		sh -c "while [ ! -e /lent/go ]; do sleep 0.1; done; $(count_to 2000)"
	assert_success
	"$SANDBOX" logs --follow box >"$BATS_TEST_TMPDIR/followed" 3>&- &
	touch "$BATS_TEST_TMPDIR/go"
	wait $!
	[ "$(<"$BATS_TEST_TMPDIR/followed")" = "$(seq 2000)" ]
	[ "$(sizes | wc -l)" -gt 30 ]
	# From the beginning, too.
	sandbox logs box
	assert_success "$(seq 2000)"
}

@test "a line longer than a file is cut, and whole when it is shown" {
	run_busybox -d --name box --log-opt max-size=4k --log-opt max-file=50 -- \
		sh -c 'head -c 30000 /dev/zero | tr "\0" x; echo; echo end'
	assert_success
	"$SANDBOX" wait box
	sizes | awk '$2 > 4096 { exit 1 }'
	sandbox logs box
	assert_success "$(printf '%30000s\nend' '' | tr ' ' x)"
}

@test "a kept sandbox keeps its bounds" {
	"$SANDBOX" create --name box --log-opt max-size=1k --log-opt max-file=2 "$BUSYBOX_TAR" sh -c "$(count_to 100)"
	"$SANDBOX" start box
	"$SANDBOX" wait box
	[ "$(sizes | wc -l)" = 2 ]
	"$SANDBOX" start box
	"$SANDBOX" wait box
	[ "$(sizes | wc -l)" = 2 ]
	sizes | awk '$2 > 1024 { exit 1 }'
}

@test "bounds that are none, and a log that there is none of" {
	local option
	for option in max-size=1000000x max-size=10 max-file=0 max-file=101 max-size= mode=blocking max-size; do
		run_busybox -d --log-opt "$option" -- true
		assert_error "--log-opt \"$option\""
	done
	run_busybox --log-opt max-size=1m -- true
	assert_error 'start it with --detach'
	# What a configuration says is for those that have a log.
	echo 'log-opt = max-size=1m' >"$BATS_TEST_TMPDIR/config"
	sandbox --config "$BATS_TEST_TMPDIR/config" run "$BUSYBOX_TAR" echo ran
	assert_success ran
}

@test "what runs in the foreground has no log to follow, though an earlier start has left one" {
	"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c '[ -e /again ] && exec sleep 6311; touch /again; echo earlier'
	"$SANDBOX" wait box
	"$SANDBOX" start --attach box 3>&- &
	wait_until "$SANDBOX" exec box true
	sandbox logs box
	assert_success earlier
	sandbox logs --follow box
	assert_error 'was started in the foreground'
	sandbox attach box
	assert_error 'was started in the foreground'
	"$SANDBOX" stop --time 0 box
	wait $! || [ $? -gt 128 ]
	# It has ended: nothing more will come.
	sandbox logs --follow box
	assert_success earlier
}
