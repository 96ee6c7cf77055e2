# The first hour: an empty home, wrong guesses, habits from other tools. Every answer says what to do.
# shellcheck shell=bash
# shellcheck disable=SC2154  # helper.bash sets status, output and stderr

load helper

# The answer to a wrong guess: status 125, these words and a fix. answers WORDS ARG…
answers() {
	local words=$1
	shift
	sandbox "$@"
	assert_status 125
	assert_stderr_has "$words"
	assert_stderr_has 'fix: '
	[ -z "$output" ] || fail_with "errors are not for standard output"
}

@test "sandbox alone, help, --help and -h show all commands" {
	local arguments
	for arguments in '' help --help -h; do
		# shellcheck disable=SC2086  # none or one
		sandbox $arguments
		assert_status 0
		assert_output_has 'usage: sandbox'
		assert_output_has '  run '
		assert_stderr_empty
	done
}

@test "every command explains itself, in any way" {
	local command help
	[ "$(commands_of_help | wc -l)" -gt 30 ]
	for command in $(commands_of_help); do
		sandbox "$command" --help
		assert_success
		[[ $output == "usage: sandbox $command"* ]]
		[ "$(wc -l <<<"$output")" -ge 3 ]
		help=$output
		sandbox help "$command"
		assert_success "$help"
		# As for Docker and Podman it is the host name there.
		[[ $command != @(run|create) ]] || continue
		sandbox "$command" -h
		assert_success "$help"
	done
}

@test "-h is the host name of run, and who wants help is told where it is" {
	run_busybox -h box -- hostname
	assert_success box
	answers '-h (--hostname) needs NAME' run -h
	assert_stderr_has '`sandbox run --help`'
	answers '-h (--hostname) needs NAME' create -h
	sandbox image verify -h
	assert_success
	assert_output_has 'usage: sandbox image verify'
}

@test "looking around makes nothing" {
	local home=$BATS_TEST_TMPDIR/home
	mkdir "$home"
	(
		export HOME=$home
		unset XDG_CACHE_HOME XDG_STATE_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR
		sandbox images
		assert_status 0
		sandbox images --json
		assert_success $'[\n]'
		sandbox images -q
		assert_success ''
		sandbox run --dry-run "$BUSYBOX_TAR" true
		assert_status 0
		assert_output_has 'to be imported'
		sandbox run --dry-run no-such-image true
		assert_error E_IMAGE_UNKNOWN
		sandbox run --dry-run ffffffffffff true
		assert_error E_IMAGE_UNKNOWN
		answers 'no image "x"' rmi x
		sandbox reset
		assert_success
		"$SANDBOX" --help
		sandbox help E_NNP
	)
	[ -z "$(find "$home" -mindepth 1)" ] || {
		find "$home"
		false
	}
}

@test "wrong words: what was meant is proposed" {
	answers 'did you mean `sandbox run`?' rum debian.tar
	answers 'did you mean `sandbox images`?' imagse
	answers 'see `sandbox image --help`' image
	answers 'see `sandbox --help`' frobnicate
	answers 'skopeo copy docker://' pull debian
	answers 'commit' build .
	answers 'ps, images, df' system df
	answers 'did you mean --hostname?' run --hostnam x debian.tar
	answers 'did you mean --volume?' run -volume x debian.tar
	answers 'did you mean --json?' images --jsno
	answers 'did you mean --quiet?' --quite images
	answers 'did you mean `sandbox help E_SUBID_MISSING`?' help E_SUBID_MISING
	answers 'did you mean `sandbox help run`?' help ru
	answers 'see `sandbox run --help`' run --no-such-thing-at-all x
}

@test "what was typed is at fault, and no number of the kernel's is named" {
	local row
	for row in 'stop|stop' '--filter|ps --filter x' '--format|ps --format {{.X}}' '--since|logs --since x box' \
		'--userns|run --userns=auto x' '--env|run -e =x x' '--detach-keys|attach --detach-keys xy box' 'import|import --name a x b'; do
		# shellcheck disable=SC2086  # words
		answers "sandbox: ${row%%|*}" ${row#*|}
		assert_stderr_has 'cause: '
		[[ $stderr != *'Invalid argument'* ]] || fail_with "${row#*|}: $stderr"
	done
}

@test "something is missing, or too much" {
	answers 'IMAGE is missing' run
	assert_stderr_has 'for example: sandbox run'
	answers 'IMAGE is missing' run -it
	answers 'FILE is missing' import
	answers 'IMAGE is missing' rmi
	answers 'COMMAND is missing' exec box
	answers 'NAME is missing' rename box
	answers 'SANDBOX is missing' rm
	answers 'too many operands' images x
	answers 'sandbox load -i images.tar' load images.tar
	answers '-v (--volume) needs SOURCE:TARGET' run -v
	answers '--volume needs SOURCE:TARGET' run --volume
	answers 'no image ""' run ''
	answers 'empty' --root= images
	answers '--user ""' run --user= "$BUSYBOX_TAR" id
	answers 'a device or a terminal' run - true </dev/null
}

@test "an image that is not there" {
	answers 'no image "debian:12"' run debian:12 bash
	assert_stderr_has 'docker export'
	answers 'there is no such file' run ./debian.tar bash
	answers 'there is no such file' import debian.tar
	answers 'skopeo copy docker://docker.io/library/debian' run docker.io/library/debian bash
	mkdir -m 0 "$BATS_TEST_TMPDIR/closed"
	answers 'you may not read it' run "$BATS_TEST_TMPDIR/closed/debian.tar" bash
	rmdir "$BATS_TEST_TMPDIR/closed"
	sandbox load </dev/null
	assert_error 'import -: '
}

@test "words in the wrong place" {
	answers 'say it before the command: sandbox --root ... images' images --root=/tmp
	answers 'say it before the command: sandbox --debug ... run' run --debug "$BUSYBOX_TAR" true
	answers 'say it before the command: sandbox --state ... image verify' image verify --state /tmp
	sandbox run "$BUSYBOX_TAR" --rm true
	assert_error 'before the image' 127
	sandbox run "$BUSYBOX_TAR" 'ls -l'
	assert_error "sh -c 'COMMAND'" 127
}

@test "--json is a form of the plan alone" {
	answers 'add --dry-run' run --json "$BUSYBOX_TAR" true
}

@test "sources of volumes" {
	answers 'no named volumes' run -v data:/data "$BUSYBOX_TAR" true
	answers 'a missing source is not made' run -v ./data:/data "$BUSYBOX_TAR" true
	answers 'absolute path inside' run -v /etc "$BUSYBOX_TAR" true
	assert_stderr_has '--tmpfs'
	answers 'target=/TARGET' run --mount type=tmpfs "$BUSYBOX_TAR" true
	answers 'no such device' run --device /dev/no-such-device "$BUSYBOX_TAR" true
	# shellcheck disable=SC2088  # the shell is kept from it
	answers "~ is the shell's" run -v '~/data:/data' "$BUSYBOX_TAR" true
}

@test "habits from Docker" {
	sandbox run --rm -i "$BUSYBOX_TAR" echo works
	assert_status 0
	assert_output works
	answers '--cap-add' run --privileged "$BUSYBOX_TAR" true
	answers 'not a terminal' run -it "$BUSYBOX_TAR" true
	[[ $stderr != *ioctl* ]] || fail_with 'it is no matter of a system call'
	answers 'own pid namespace' run --pid=host "$BUSYBOX_TAR" true
	answers '--device' run --gpus all "$BUSYBOX_TAR" true
	answers 'systemd --user' run --restart always "$BUSYBOX_TAR" true
	answers '-p PORT:PORT' run -P "$BUSYBOX_TAR" true
	answers '-v SOURCE:TARGET:ro' run --ro-bind / / "$BUSYBOX_TAR" true
	answers "sandbox run $BUSYBOX_TAR" "$BUSYBOX_TAR" sh
	answers 'sandbox exec' enter box
	answers 'leave it out' images -a
	answers 'sandbox -q run' run -q "$BUSYBOX_TAR" true
	answers '--storage-size' run --storage-opt size=1g "$BUSYBOX_TAR" true
	answers '--ns-mac-addr' run --mac-address 02:00:00:00:00:01 "$BUSYBOX_TAR" true
	answers 'sandbox ps -a | head' ps -l
	answers '--json' images --format '{{.ID}}'
	answers 'nothing is asked' image prune -af
	answers 'see run --cap-add' exec --privileged box true
	"$SANDBOX" import --name shown "$BUSYBOX_TAR"
	sandbox inspect shown
	assert_error 'sandbox image inspect shown'
	"$SANDBOX" rmi shown
	sandbox -v
	assert_success "$("$SANDBOX" --version)"
	sandbox -D run "$BUSYBOX_TAR" true
	assert_stderr_has 'debug: '
	sandbox run -d "$BUSYBOX_TAR" sleep 6409
	sandbox stop --timeout 0 "$output"
	assert_status 0
	sandbox rm "$output"
	answers 'a number from 2 to 262144' run -c 1 "$BUSYBOX_TAR" true
	answers 'leave it out' cp -r box:/etc .
	sandbox help image inspect
	assert_status 0
	assert_output_has 'usage: sandbox image inspect'
	sandbox help e_nnp
	assert_status 0
	assert_output_has E_NNP:
}

@test "an image is removed by what \`images\` shows of it: digest, name, or the file it came from" {
	local column
	cp "$BUSYBOX_TAR" "$BATS_TEST_TMPDIR/other.tar"
	for column in '$2' '$NF'; do
		sandbox run "$BUSYBOX_TAR" true
		assert_success
		sandbox images
		assert_status 0
		sandbox rmi "$(awk "END { print $column }" <<<"$output")"
		assert_success
		sandbox images -q
		assert_success ''
	done
	"$SANDBOX" import --name one "$BUSYBOX_TAR"
	sandbox rmi busybox.tar
	assert_success
	sandbox images -q
	assert_success ''
	# Of two that came from files of one name neither is guessed.
	"$SANDBOX" import "$BUSYBOX_TAR"
	mkdir "$BATS_TEST_TMPDIR/tree"
	tar -cf "$BATS_TEST_TMPDIR/busybox.tar" -C "$BATS_TEST_TMPDIR" tree
	"$SANDBOX" import "$BATS_TEST_TMPDIR/busybox.tar"
	answers 'several images' rmi busybox.tar
	sandbox images -q
	[ "${#lines[@]}" = 2 ]
	# It is no way to run one.
	cd "$BATS_TEST_TMPDIR/tree"
	answers 'no image "busybox.tar"' run busybox.tar true
}
