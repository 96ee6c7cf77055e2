# The configuration and profiles: what they say is what the command line would, in its place and its order.
# shellcheck shell=bash
# shellcheck disable=SC2154  # helper.bash sets status, output and stderr

load helper

setup_file() {
	private_folders
	"$SANDBOX" run "$BUSYBOX_TAR" true
}

setup() {
	folder=$XDG_CONFIG_HOME/sandbox
	config=$folder/config
	rm -rf "$folder"
	mkdir -p "$folder/profiles"
}

# The origin of a row of the plan that was just printed: why SECTION NAME
why() {
	python3 -c 'import json, sys
print("; ".join(row["value"] + " <- " + row["why"] for row in json.load(sys.stdin)[sys.argv[1]] if row["name"] == sys.argv[2]))' \
		"$1" "$2" <<<"$output"
}

@test "an option of the configuration holds for every run" {
	echo 'hostname = box' >"$config"
	run_busybox -- hostname
	assert_success box
	rm "$config"
	run_busybox -- hostname
	assert_success sandbox
}

@test "all kinds of values, comments and blanks; a flag's name alone switches it on" {
	cat >"$config" <<-'END'
		# a comment
		   # another

		  env=A=one # two = three  
		env =B=
		read-only
		shm-size = 3m
		overlay = auto
		cap-drop = ALL
	END
	printf 'hostname = box\r\n' >>"$config"
	run_busybox -- sh -c 'echo "$A|$B|$(hostname)"; touch /x || df -k /dev/shm | awk "END { print \$2 }"; chown 1 /dev/shm'
	assert_status 1
	assert_output $'one # two = three||box\n3072'
}

@test "defaults, configuration, profiles in their order, command line: the last one wins" {
	echo 'hostname = from-config' >"$config"
	echo 'hostname = from-first' >"$folder/profiles/first"
	echo 'hostname = from-second' >"$folder/profiles/second"
	run_busybox --profile first -- hostname
	assert_success from-first
	run_busybox --profile first --profile second -- hostname
	assert_success from-second
	sandbox --profile second run --profile first "$BUSYBOX_TAR" hostname
	assert_success from-first
	# Before or after the profile: what is typed wins.
	run_busybox --hostname typed --profile first -- hostname
	assert_success typed
	run_busybox --profile first --hostname typed -- hostname
	assert_success typed
	echo 'profile = second' >>"$config"
	run_busybox -- hostname
	assert_success from-second
}

@test "lists add up, in the same order" {
	echo 'env = A=config' >"$config"
	printf 'env = A=profile\nenv = B=profile\n' >"$folder/profiles/ci"
	run_busybox --profile ci -e B=typed -e C=typed -- sh -c 'echo $A $B $C'
	assert_success 'profile typed typed'
}

@test "a flag that is on can be switched off" {
	echo 'read-only = true' >"$config"
	run_busybox -- touch /x
	assert_status 1
	run_busybox --read-only=false -- touch /x
	assert_success
	echo 'read-only = false' >"$folder/profiles/rw"
	run_busybox --profile rw -- touch /x
	assert_success
}

@test "limits on archives, for imports and first runs" {
	local store line
	mkdir "$BATS_TEST_TMPDIR/tree"
	touch "$BATS_TEST_TMPDIR/tree"/{1,2,3}
	tar -C "$BATS_TEST_TMPDIR/tree" -cf "$BATS_TEST_TMPDIR/tree.tar" .
	store=$HOME/limited
	for line in 'max-size = 2k' 'max-entries = 3' 'max-depth = 0' 'max-header-size = 511'; do
		echo "$line" >"$config"
		sandbox --root "$store" run "$BATS_TEST_TMPDIR/tree.tar" /1
		assert_error E_ARCHIVE_LIMIT
		sandbox --root "$store" import "$BATS_TEST_TMPDIR/tree.tar"
		assert_error E_ARCHIVE_LIMIT
	done
	# What is typed counts more.
	echo 'max-entries = 3' >"$config"
	sandbox --root "$store" import --max-entries 4 "$BATS_TEST_TMPDIR/tree.tar"
	assert_status 0
	echo 'max-size = large' >"$config"
	sandbox images
	assert_status 125
	assert_stderr_has "$config:1: --max-size"
	# They are no options of run.
	sandbox --config /dev/null run --max-size 2k "$BUSYBOX_TAR" true
	assert_status 125
}

@test "--dry-run says which file decided" {
	printf 'hostname = box\nulimit = nofile=77\n' >"$config"
	printf 'volume = /etc:/outer\nnesting\nenv = P=1\n' >"$folder/profiles/ci"
	run_busybox --profile ci --tmpfs /t --ulimit core=0 --dry-run --json -- true
	assert_status 0
	[ "$(why namespaces 'host name')" = 'box <- config' ]
	[[ "$(why mounts /outer)" = *'<- profile ci' ]]
	[[ "$(why mounts /t)" = *'<- --tmpfs' ]]
	[ "$(why security 'nested user namespaces')" = 'allowed <- profile ci' ]
	[ "$(why environment P)" = '1 <- profile ci' ]
	[[ "$(why security limit)" = *'nofile=77 <- config, --ulimit'* ]]
}

@test "a volume that is typed replaces one of a profile, and no other option does" {
	mkdir "$BATS_TEST_TMPDIR/lent"
	touch "$BATS_TEST_TMPDIR/lent/typed"
	echo 'volume = /etc:/box' >"$folder/profiles/box"
	run_busybox --profile box -v "$BATS_TEST_TMPDIR/lent:/box" -- ls /box
	assert_success typed
	run_busybox --profile box --tmpfs /box -- ls /box
	assert_status 125
	assert_stderr_has 'puts something there already'
}

@test "where things live, and how much is said" {
	printf 'root = %s\nstate = %s\nrunroot = %s\ndebug\n' "$HOME/r" "$HOME/s" "$HOME/l" >"$config"
	run_busybox --name x --rm --overlay disk -- true
	assert_status 0
	assert_stderr_has 'import'
	[ -d "$HOME/r/layers" ]
	[ -d "$HOME/s/ephemeral" ]
	[ -d "$HOME/l" ]
	sandbox --root "$HOME/typed" --debug=false run "$BUSYBOX_TAR" true
	assert_success
	[ -d "$HOME/typed/layers" ]
	# It is for every command.
	sandbox images -q
	assert_output "sha256:$(sha256sum "$BUSYBOX_TAR" | cut -d' ' -f1)"
}

@test "another file with --config, and none" {
	echo 'hostname = box' >"$config"
	echo 'hostname = other' >"$BATS_TEST_TMPDIR/other"
	sandbox --config "$BATS_TEST_TMPDIR/other" run "$BUSYBOX_TAR" hostname
	assert_success other
	sandbox --config /dev/null run "$BUSYBOX_TAR" hostname
	assert_success sandbox
	sandbox --config "$BATS_TEST_TMPDIR/missing" run "$BUSYBOX_TAR" hostname
	assert_status 125
	assert_stderr_has "$BATS_TEST_TMPDIR/missing: No such file"
	sandbox --config "$BATS_TEST_TMPDIR" run "$BUSYBOX_TAR" hostname
	assert_error 'not a regular file'
}

@test "a profile is a file of that name, or any file that is named with a slash" {
	echo 'hostname = here' >"$BATS_TEST_TMPDIR/mine"
	cd "$BATS_TEST_TMPDIR"
	run_busybox --profile ./mine -- hostname
	assert_success here
	: >"$folder/profiles/release"
	run_busybox --profile relaese -- true
	assert_error 'did you mean --profile release?'
	assert_stderr_has "$folder/profiles/relaese"
	run_busybox --profile '' -- true
	assert_error 'there is no profile'
	run_busybox --profile .. -- true
	assert_error 'there is no profile'
}

# Writes one line as the third of a file, and expects an error that says so: refuses LINE WORDS
refuses() {
	printf '# one\nenv = A=1\n%s\n' "$1" >"$config"
	run_busybox -- true
	assert_status 125
	assert_stderr_has "$config:3: "
	assert_stderr_has "$2"
	assert_stderr_has 'fix: '
	printf '# one\nenv = A=1\n%s\n' "$1" >"$folder/profiles/wrong"
	sandbox --config /dev/null run --profile wrong "$BUSYBOX_TAR" true
	assert_status 125
	assert_stderr_has "$folder/profiles/wrong:3: "
}

@test "mistakes name the file and the line" {
	refuses 'hostnam = box' 'did you mean hostname?'
	refuses 'nonsense = 1' 'unknown name "nonsense"'
	refuses '--hostname = box' 'without dashes'
	refuses '[ci]' 'no sections'
	refuses '= box' 'NAME = VALUE'
	refuses 'overlay = ram' 'use one of: auto, tmpfs, disk'
	refuses 'shm-size = many' 'not a size'
	refuses 'timeout' 'needs DURATION'
	refuses 'read-only = yes' 'neither true nor false'
	refuses 'dry-run' 'on the command line'
	refuses 'privileged' '--cap-add'
	printf 'env = A=1\0\n' >"$config"
	run_busybox -- true
	assert_status 125
	assert_stderr_has 'NUL'
}

@test "what create does not take is passed over there, in the configuration and in profiles" {
	printf 'detach\nrm\nsummary = %s\nstatus-fd = 9\nhostname = box\n' "$BATS_TEST_TMPDIR/receipt" >"$config"
	sandbox create --name made "$BUSYBOX_TAR" hostname
	assert_status 0
	assert_stderr_empty
	sandbox start --attach made
	assert_success box
	"$SANDBOX" rm made
	mv "$config" "$folder/profiles/ci"
	sandbox create --profile ci "$BUSYBOX_TAR" true
	assert_status 0
	"$SANDBOX" rm "$output"
	[ ! -e "$BATS_TEST_TMPDIR/receipt" ]
	# What is typed was meant.
	sandbox create --summary "$BUSYBOX_TAR" true
	assert_error 'create --summary'
	# And run takes all of them.
	run_busybox --profile ci -- true
	assert_status 125
	assert_stderr_has 'profile ci: --status-fd "9"'
}

@test "only the configuration says where things live" {
	echo 'root = /tmp' >"$folder/profiles/wrong"
	run_busybox --profile wrong -- true
	assert_status 125
	assert_stderr_has 'unknown name "root"'
	echo 'profile = other' >"$folder/profiles/wrong"
	run_busybox --profile wrong -- true
	assert_status 125
	assert_stderr_has 'on the command line'
	for name in config version; do
		echo "$name = x" >"$config"
		run_busybox -- true
		assert_status 125
		assert_stderr_has 'on the command line'
	done
}

@test "a value that turns out to be wrong later names its origin" {
	echo 'hostname = a/b' >"$folder/profiles/ci"
	run_busybox --profile ci -- true
	assert_status 125
	assert_stderr_has 'sandbox: profile ci: --hostname "a/b"'
	run_busybox --profile ci --hostname c/d -- true
	assert_stderr_has 'sandbox: --hostname "c/d"'
}

@test "a file that others can write, or that is another user's, is refused" {
	echo 'volume = /:/host' >"$config"
	chmod 664 "$config"
	run_busybox -- true
	assert_error 'others can write it'
	assert_stderr_has "chmod go-w $config"
	chmod 646 "$config"
	run_busybox -- true
	assert_error 'others can write it'
	chmod 644 "$config"
	run_busybox -- true
	assert_success
	# Owned by a subordinate id: another user, as far as the file system knows.
	if unshare --map-root-user --map-auto true 2>/dev/null; then
		unshare --map-root-user --map-auto chown 7:7 "$config"
		run_busybox -- true
		assert_error 'belongs to user'
		SANDBOX_TEST_REMOVE=config-owner capture "$SANDBOX_SWITCHED" run "$BUSYBOX_TAR" true
		assert_status 0
		unshare --map-root-user --map-auto rm "$config"
	fi
	# One of root is the administrator's.
	sandbox --config /etc/os-release run "$BUSYBOX_TAR" true
	assert_stderr_has '/etc/os-release:1:'
}

@test "a broken configuration leaves help and version readable" {
	local line
	echo nonsense >"$config"
	sandbox --version
	assert_status 0
	sandbox --help
	assert_status 0
	sandbox ps
	assert_status 125
	assert_stderr_has 'unknown name "nonsense"'
	# Errors of a configuration refer to these.
	for line in 'run --help' 'image verify --help' 'ps -h' 'image -h' 'image verify -h' 'help run' 'help E_USAGE'; do
		# shellcheck disable=SC2086  # words
		sandbox $line
		assert_status 0
		assert_stderr_empty
	done
}
