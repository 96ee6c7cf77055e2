#!/usr/bin/env bats
# Files from and to sandboxes: `sandbox cp`, with one that runs and with a kept one that does not.

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper
load pair

make_files='mkdir -p /d/e /full; echo x >/d/f; chown 33:44 /d/f; chmod 6755 /d/f; ln /d/f /d/g; ln -s f /d/l; mkfifo /d/p
	echo in >/d/e/in; touch -d @1000000000 /d/e; truncate -s 100M /d/hole; ln -s / /out; ln -s /d /full/link; touch /ready'

setup_file() {
	mkdir "$BATS_FILE_TMPDIR/volume"
	make_pair "$make_files" -v "$BATS_FILE_TMPDIR/volume:/mnt/volume"
}

teardown() {
	[ -z "${racer:-}" ] || "$SANDBOX" rm -f "$racer" || true
	remove_unpacked
}

list() {
	(cd "$1" && find . -printf '%p %M %U:%G %n %s %l\n' | sed "s/ $(id -u):$(id -g) / own /; s/^\(\S* d.*\) [0-9]* [0-9]* $/\1/" | sort)
}

# What a command inside the sandbox that runs prints.
inside() {
	"$SANDBOX" exec "$running" sh -c "$1"
}

@test "a directory comes out with all that is in it, and belongs to the caller" {
	for one in "$running" kept; do
		rm -rf d
		sandbox cp "$one:/d" .
		assert_success ''
		diff <(list d) - <<-'END'
			. drwxr-xr-x own
			./e drwxr-xr-x own
			./e/in -rw-r--r-- own 1 3 
			./f -rwxr-xr-x own 2 2 
			./g -rwxr-xr-x own 2 2 
			./hole -rw-r--r-- own 1 104857600 
			./l lrwxrwxrwx own 1 1 f
			./p prw-r--r-- own 1 0 
		END
		[ "$(stat -c %Y d/e)" = 1000000000 ]
		[ "$(stat -c %b d/hole)" -lt 1000 ]
	done
}

@test "with --archive owners are those that the id map shows, and still no set-id bits come out" {
	sandbox cp -a "$running:/d" copy
	assert_success ''
	[ "$(stat -c %a copy/f)" = 755 ]
	[ "$(unshare --map-root-user --map-auto stat -c %u:%g copy/f)" = 33:44 ]
	# And back: who has them inside, has them again.
	sandbox cp -a copy "$running:/back"
	assert_success ''
	[ "$(inside 'stat -c "%u:%g %a %h" /back/f')" = '33:44 755 2' ]
	inside 'rm -r /back'
}

@test "without the defence set-id bits would come out" {
	capture env SANDBOX_TEST_REMOVE=copy-set-ids "$SANDBOX_SWITCHED" cp "$running:/d/f" f
	assert_status 0
	[ "$(stat -c %a f)" = 6755 ]
}

@test "where it goes is as for docker cp" {
	mkdir here
	touch file
	"$SANDBOX" cp kept:/d/e here          # into one that exists: under its own name
	[ -f here/e/in ]
	"$SANDBOX" cp kept:/d/e/. here        # what is in it
	[ -f here/in ]
	"$SANDBOX" cp kept:/d/e new           # that one is made
	[ -f new/in ]
	"$SANDBOX" cp kept:/d/e/in here/other # a file under another name
	[ "$(cat here/other)" = in ]
	"$SANDBOX" cp kept:/d/e/in file       # which is replaced
	[ "$(cat file)" = in ]
	"$SANDBOX" cp kept:/d/l .
	[ -L l ] # a link as a link
	"$SANDBOX" cp -L kept:/d/l linked
	[ "$(cat linked)" = x ]
	[ ! -L linked ]
	"$SANDBOX" cp kept:full/link/e/in relative
	[ "$(cat relative)" = in ]
	for mistake in "kept:/d/e file" "kept:/d/f none/" "kept:/d/f none/file" "kept:/none ." "kept:/d/f/ ." ". kept:/d/f" \
		"file kept:/none/" "file kept:/none/x" "none kept:/" "file other" "kept:/d kept:/e"; do
		# shellcheck disable=SC2086
		sandbox cp $mistake
		assert_status 125
		[ -n "$stderr" ]
	done
	[ "$(find . -mindepth 1 -maxdepth 1 ! -name '.[os]*' | wc -l)" = 6 ]
}

@test "a directory does not replace a file, nor a file a directory" {
	mkdir -p tree/f other/e
	touch tree/f/x other/e/in
	sandbox cp tree/. "$running:/d"
	assert_status 125
	assert_stderr_has 'something else of that name'
	mv other/e/in other/in
	rmdir other/e
	mv other/in other/e
	sandbox cp other/. "$running:/d"
	assert_status 125
	assert_stderr_has 'a directory of that name'
	[ "$(inside 'cat /d/f; cat /d/e/in; ls -A /d | grep -c sandbox-cp')" = $'x\nin\n0' ]
}

@test "files go in, and belong to root" {
	mkdir -p tree/sub
	echo data >tree/sub/file
	chmod 4711 tree/sub/file
	ln -s sub/file tree/link
	mkfifo tree/fifo
	ln tree/sub/file tree/again
	for one in "$running" kept; do
		sandbox cp tree "$one:/root"
		assert_success ''
		"$SANDBOX" cp "$one:/root" - | tar --numeric-owner -tvf - >listing
		grep -q -- '^-rws--x--x 0/0 .* root/tree/again$' listing
		grep -q -- '^hrws--x--x 0/0 .* root/tree/sub/file link to root/tree/again$' listing
		grep -q -- '^lrwxrwxrwx 0/0 .* root/tree/link -> sub/file$' listing
		grep -q -- '^prw-r--r-- 0/0 .* root/tree/fifo$' listing
	done
	[ "$(inside 'cat /root/tree/link; rm -r /root/tree')" = data ]
	"$SANDBOX" diff kept | grep -qx 'A /root/tree/sub/file'
}

@test "into volumes and the kernel's files out" {
	echo text >file
	"$SANDBOX" cp file "$running:/mnt/volume/"
	[ "$(cat "$BATS_FILE_TMPDIR/volume/file")" = text ]
	"$SANDBOX" cp "$running:/proc/version" version
	diff version /proc/version
	mkdir all
	sandbox cp "$running:/." all
	assert_status 0
	[ -d all/proc ]
	[ -z "$(find all/proc all/sys -mindepth 1)" ]
	[ -f all/mnt/volume/file ]
	sandbox cp "$running:/dev/null" .
	assert_status 125
	assert_stderr_has 'a device or a socket'
}

@test "the kernel's files are no reason to stop, nor are thousands of folders in each other" {
	# They have content of another size than they say, in an archive none at all.
	"$SANDBOX" cp "$running:/sys/class/net/lo/mtu" mtu
	[ "$(cat mtu)" = 65536 ]
	"$SANDBOX" cp "$running:/" - >all.tar
	tar -tf all.tar >listing
	grep -qx 'd/e/in' listing
	grep -qx 'proc/' listing
	refute grep -q 'proc/.' listing
	refute grep -q 'sys/.' listing
	for kernels in /proc /proc/version /sys/kernel; do
		sandbox cp "$running:$kernels" -
		assert_status 125
		assert_stderr_has "the kernel's own"
	done
	# Few files may be open, and there are more folders on the way than that.
	inside 'mkdir /deep && cd /deep && for i in $(seq 300); do mkdir d; cd d; done; echo deep >file'
	(ulimit -n 128 && "$SANDBOX" cp "$running:/deep" .)
	[ "$(find deep -name file -exec cat {} +)" = deep ]
	(ulimit -n 128 && "$SANDBOX" cp deep "$running:/home/")
	[ "$(inside 'find /home/deep -name file -exec cat {} +')" = deep ]
	inside 'rm -r /deep /home/deep'
}

@test "a file that is shortened while it is read is told of, and the others come" {
	inside 'mkdir -p /two && seq 100000 >/two/a && echo b >/two/b'
	SANDBOX_TEST_STOP_AT=copy-file "$SANDBOX_SWITCHED" cp "$running:/two" . 2>said 3>&- &
	# shellcheck disable=SC2016
	wait_until sh -c 'grep -q "^State:.T" /proc/$(ps -o pid= --ppid "$1" | tr -d " ")/status' sh $!
	inside 'echo short >/two/a'
	# Once for each file.
	until ! kill -0 $! 2>/dev/null; do
		pkill -CONT --parent $! || true
		sleep 0.05
	done
	wait $!
	[ "$(cat two/a)" = short ]
	[ "$(cat two/b)" = b ]
	grep -q '1 files were changed' said
	inside 'rm -r /two'
}

@test "what a file system does not keep is left out and counted" {
	tmpfs_holds_layers || skip "this kernel has no user attributes on tmpfs"
	# shellcheck disable=SC2016
	capture unshare --map-root-user --mount sh -ec 'mkdir target state && mount -t ramfs none target && mount -t tmpfs none state
		mkdir tree && echo x >tree/file && setfattr -n user.note -v kept tree/file && tar -C tree --xattrs -cf tree.tar .
		box="$1 --root $PWD/state/store --state $PWD/state/state --runroot $PWD/state/run"
		$box run --userns=single --overlay=disk --name one "$2" true && $box cp tree/file one:/file && $box cp one:/file target/
		cat target/file && ! getfattr -d target/file 2>/dev/null | grep note' sh "$SANDBOX" "$BUSYBOX_TAR"
	assert_status 0
	assert_output x
	assert_stderr_has '1 extended attributes were left out'
}

@test "as with docker cp, what is there gives way, also a FIFO; a socket is never copied" {
	inside 'mkfifo /home/fifo'
	echo new >file
	sandbox cp file "$running:/home/fifo"
	assert_success ''
	[ "$(inside 'cat /home/fifo')" = new ]
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	sandbox cp socket "$running:/home/"
	assert_status 125
	assert_stderr_has 'a device or a socket'
	mv socket "$BATS_FILE_TMPDIR/volume/"
	sandbox cp "$running:/mnt/volume/socket" -
	assert_status 125
	assert_output ''
	assert_stderr_has 'it is a socket'
	rm "$BATS_FILE_TMPDIR/volume/socket"
	inside 'rm /home/fifo'
}

@test "- is an archive, out and in" {
	"$SANDBOX" cp "$running:/d" - >out.tar
	tar --numeric-owner -tvf out.tar >listing
	grep -q -- '^-rwsr-sr-x 33/44 .* d/f$' listing
	"$SANDBOX" cp "$running:/d/l" - | tar -tvf - | grep -q 'l -> f$'
	"$SANDBOX" cp kept:/d/e/. - | tar -t | grep -qx in
	for one in "$running" kept; do
		sandbox cp - "$one:/home" <out.tar
		assert_success ''
		[ "$("$SANDBOX" cp "$one:/home/d" - | tar --numeric-owner -tvf -)" = "$(cat listing)" ]
	done
	inside 'rm -r /home/d'
	# One that is cut short changes nothing, and neither does one that leads elsewhere.
	head -c 5000 out.tar >cut.tar
	sandbox cp - "$running:/home" <cut.tar
	assert_error E_ARCHIVE_TRUNCATED
	[ "$(inside 'ls /home')" = user ]
	tar -cPf climbing.tar --transform 's|^|../|' listing
	sandbox cp - "$running:/home" <climbing.tar
	assert_error E_ARCHIVE_HOSTILE
	sandbox cp - "$running:/d/f" <out.tar
	assert_status 125
	assert_stderr_has 'into a directory'
	[ -z "$(find "$XDG_CACHE_HOME/sandbox/staging" -mindepth 1)" ]
}

@test "links in the sandbox lead nowhere out of its root" {
	echo precious >outside
	inside "ln -s '$PWD/outside' /climb; ln -s ../../../../../../../..$PWD /climbdir; ln -s '$PWD/made' /dangling"
	sandbox cp "$running:/climbdir/outside" stolen
	assert_status 125
	sandbox cp -L "$running:/climb" stolen
	assert_status 125
	[ ! -e stolen ]
	# Without the defence it is.
	capture env SANDBOX_TEST_REMOVE=root-resolve "$SANDBOX_SWITCHED" cp -L "$running:/climb" stolen
	[ "$(cat stolen)" = precious ]
	echo evil >evil
	sandbox cp evil "$running:/climbdir/outside"
	assert_status 125
	sandbox cp evil "$running:/dangling"
	assert_status 0
	[ ! -e made ]
	sandbox cp evil "$running:/climb"
	assert_status 0
	[ "$(cat outside)" = precious ]
	[ "$(inside 'cat /climb /dangling; rm -r /climb /climbdir /dangling')" = $'evil\nevil' ]
	# A link that leads to a directory inside is one.
	sandbox cp evil "$running:/out/tmp/"
	assert_status 0
	[ "$(inside 'cat /tmp/evil')" = evil ]
}

# SANDBOX_RACER_COPIES says how often: 500 at full length.
@test "while somebody inside exchanges the names, nothing outside is read or written" {
	mkdir outside
	echo precious >outside/file
	echo evil >evil
	mkdir -p tree/victim/deep
	echo evil >tree/victim/deep/file
	mkdir out
	racer=$("$SANDBOX" run -d -v "$HELPERS:/helpers:ro" busybox sh -c 'mkdir -p /race/victim/deep; echo inside >/race/victim/deep/file
		cp -r /race/victim/deep /race/victim/other; exec /helpers/racer /count "$1" /race/victim/deep/file /race/victim/deep /race/victim' \
		sh "$PWD/outside")
	wait_until "$SANDBOX" exec "$racer" test -s /count
	before=$(find outside -printf '%p %y %s %T@ %C@\n' && cat outside/file)
	copied=0
	for ((i = 0; i < ${SANDBOX_RACER_COPIES:-15}; i++)); do
		! "$SANDBOX" cp "$racer:/race/victim" out/ 2>/dev/null || copied=$((copied + 1))
		! "$SANDBOX" cp -L "$racer:/race/victim/deep/file" out/one 2>/dev/null || copied=$((copied + 1))
		! "$SANDBOX" cp evil "$racer:/race/victim/deep/" 2>/dev/null || copied=$((copied + 1))
		! "$SANDBOX" cp tree/. "$racer:/race" 2>/dev/null || copied=$((copied + 1))
		"$SANDBOX" cp "$racer:/race" - 2>/dev/null | tar -xO 2>/dev/null >>out/stream || true
		rm -rf out/victim
	done
	[ "$before" = "$(find outside -printf '%p %y %s %T@ %C@\n' && cat outside/file)" ]
	refute grep -rq precious out
	# It was there to be read, and something was copied.
	grep -q inside out/stream
	[ "$copied" -gt 0 ]
}

@test "killed before it copies, it has left nothing, and the sandbox can be used" {
	for operands in 'kept:/d out' 'cp.bats kept:/tmp/in'; do
		cp "$BATS_TEST_FILENAME" cp.bats
		# shellcheck disable=SC2086  # two operands
		SANDBOX_TEST_KILL_AT=copy-found run "$SANDBOX_SWITCHED" cp $operands
		[ "$status" != 0 ] || fail_with "it should be killed: cp $operands"
		[ ! -e out ]
		sandbox cp kept:/tmp/in -
		assert_status 125
	done
	sandbox start --attach kept
	assert_status 0
}

@test "a terminal gets no archive, and operands say on which side they are" {
	capture script -qec "'$SANDBOX' cp kept:/d -" /dev/null
	assert_status 125
	assert_output_has 'refused to exchange an archive with the terminal'
	sandbox cp one two
	assert_status 125
	assert_stderr_has 'must be in a sandbox'
	sandbox cp nobody:/d .
	assert_error E_SANDBOX_UNKNOWN
	sandbox cp kept:/no/such/file .
	assert_error 'not there in the sandbox'
	touch ./kept:file
	sandbox cp ./kept:file kept:/tmp
	assert_success ''
}
