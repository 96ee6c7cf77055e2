# A folder as IMAGE: it is the read-only layer below the sandbox's root, and stays as it is.
# shellcheck shell=bash
# shellcheck disable=SC2030,SC2031,SC2154  # every test is a subshell; stderr is the helper's

load helper

setup_file() {
	private_folders
	export ROOT=$BATS_FILE_TMPDIR/root
	mkdir "$ROOT"
	tar -xf "$BUSYBOX_TAR" -C "$ROOT"
}

teardown_file() {
	chmod -R u+rwX "$BATS_FILE_TMPDIR/root" || true
	remove_private_folders
}

setup() {
	first=$(awk -F: -v user="$(id -un)" '$1 == user { print $2 }' /etc/subuid)
}

# All that stat(2) tells, the last access too, and the attributes. Looking is an access, the first time.
folder_snapshot() {
	find "$1" -exec getfattr -h -d -m - {} + >/dev/null 2>&1 || true
	find "$1" -type l -exec readlink {} + >/dev/null
	find "$1" -printf '%p %y %m %U:%G %s %A@ %T@ %C@ %n %i %l\n' | LC_ALL=C sort
	getfattr -R -h -d -m - -- "$1" 2>/dev/null | sed '/^$/d'
}

contents() {
	(cd "$1" && find . -type f -exec sha256sum {} + | LC_ALL=C sort)
}

# A root of its own for a test that changes it.
private_root() {
	cp -a "$ROOT" "$BATS_TEST_TMPDIR/root"
	echo "$BATS_TEST_TMPDIR/root"
}

@test "a folder is run as it stands: by path, through a link, by a bare name" {
	sandbox run "$ROOT" -- sh -c 'id -u; stat -c %u:%g / /bin/busybox; ls -d /etc/passwd'
	assert_success $'0\n0:0\n0:0\n/etc/passwd'
	ln -s "$ROOT" "$BATS_TEST_TMPDIR/link"
	cd "$BATS_TEST_TMPDIR"
	sandbox run ./link -- echo through a link
	assert_success 'through a link'
	sandbox run link -- echo a bare name
	assert_success 'a bare name'
	cd "$ROOT/bin"
	sandbox run .. -- echo relative
	assert_success relative
	sandbox run "$ROOT/" -- echo slash
	assert_success slash
}

@test "nothing is imported, copied or remembered" {
	sandbox run "$ROOT" -- echo ran
	assert_success ran
	sandbox images
	assert_status 0
	assert_output_lacks sha256
	[ -z "$(find "$XDG_CACHE_HOME/sandbox/layers" "$XDG_CACHE_HOME/sandbox/staging" -mindepth 1)" ]
}

@test "an image of the store comes before a folder of the same name" {
	local root
	root=$(private_root)
	mv "$root" "$BATS_TEST_TMPDIR/twin"
	echo folder >"$BATS_TEST_TMPDIR/twin/which"
	cd "$BATS_TEST_TMPDIR"
	sandbox run twin -- cat /which
	assert_success folder
	sandbox import --name twin "$BUSYBOX_TAR"
	assert_status 0
	sandbox run twin -- test ! -e /which
	assert_success
	sandbox run ./twin -- cat /which
	assert_success folder
	sandbox rmi twin
	assert_status 0
}

@test "nothing in the folder changes, whatever is done above it, not even times of access" {
	local before hashes options
	before=$(folder_snapshot "$ROOT")
	for options in --userns=map --userns=single --userns=keep-id '--userns=keep-id -u 0' --read-only --overlay=disk --nesting \
		"--uidmap 0:1:2000 --uidmap 2000:0" "-v $BATS_TEST_TMPDIR:/new/point" '-w /made/here' '--tmpfs /etc'; do
		# shellcheck disable=SC2086
		sandbox run $options "$ROOT" -- sh -c 'cat /etc/passwd /bin/busybox >/dev/null; ls -laR /etc /root >/dev/null
			echo x >>/etc/passwd; chmod 777 /etc /bin/busybox; chown 1:1 /bin; rm -rf /root /usr; mv /bin/busybox /moved; touch /; [ ! -e /moved ] || echo changed'
		[ "$status" = 0 ] || fail_with "with $options"
		[ "$options" = --read-only ] || assert_output changed
		diff <(echo "$before") <(folder_snapshot "$ROOT") || fail_with "the folder changed with $options"
	done
	hashes=$(contents "$ROOT")
	[ -n "$hashes" ]
}

@test "what one sandbox writes, neither the next nor one beside it sees" {
	local fifo=$BATS_TEST_TMPDIR/fifo first
	mkfifo "$fifo"
	"$SANDBOX" run "$ROOT" -- sh -c 'echo mine >/etc/new; echo written; read -r _; cat /etc/new' <"$fifo" >"$BATS_TEST_TMPDIR/out" 3>&- &
	first=$!
	exec 4>"$fifo"
	wait_until grep -q written "$BATS_TEST_TMPDIR/out"
	sandbox run "$ROOT" -- sh -c 'test ! -e /etc/new && echo other >/etc/new && cat /etc/new'
	assert_success other
	echo go >&4
	exec 4>&-
	wait "$first"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = mine ]
	[ ! -e "$ROOT/etc/new" ]
}

@test "--dry-run shows it" {
	sandbox run --dry-run "$ROOT" -- true
	assert_status 0
	assert_output_has 'a folder, never written'
	sandbox run --dry-run --json "$ROOT" -- true
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["image"][0]["value"])' <<<"$output")" = 'a folder, never written' ]
	sandbox run --dry-run /usr -- true
	assert_error E_ID_UNMAPPED
}

# --- owners ----------------------------------------------------------------------------------------------

@test "a folder of another user is refused with the way out" {
	sandbox run /usr -- true
	assert_error E_ID_UNMAPPED
	assert_stderr_has 'it belongs to user 0'
	assert_stderr_has 'sudo tar -C /usr -c . | sandbox import --name NAME -'
	mkdir -m 0700 "$BATS_TEST_TMPDIR/closed"
	unshare --map-root-user --map-auto chown 5:5 "$BATS_TEST_TMPDIR/closed"
	sandbox run --userns=single "$BATS_TEST_TMPDIR/closed" -- true
	assert_error E_ID_UNMAPPED
	unshare --map-root-user --map-auto chown 0:0 "$BATS_TEST_TMPDIR/closed"
}

@test "an owner without a place is found in the two uppermost levels; further down he is the overflow user" {
	local root path
	root=$(private_root)
	mkdir -p "$root/var/lib/deep"
	for path in var var/lib; do
		unshare --map-root-user --map-auto chown 0:7 "$root/$path"
		sandbox run --userns=single "$root" -- true
		assert_error E_ID_UNMAPPED
		assert_stderr_has "${path##*/} belongs to group"
		# With a place for him it runs.
		sandbox run "$root" -- stat -c %u:%g "/$path"
		assert_success 0:7
		unshare --map-root-user --map-auto chown 0:0 "$root/$path"
	done
	unshare --map-root-user --map-auto chown 7:7 "$root/var/lib/deep"
	sandbox run --userns=single "$root" -- stat -c %u:%g /var/lib/deep
	assert_success 65534:65534
	sandbox run "$root" -- stat -c %u:%g /var/lib/deep
	assert_success 7:7
	unshare --map-root-user --map-auto chown -R 0:0 "$root"
}

@test "without looking at owners, the refusal is about something else" {
	SANDBOX=$SANDBOX_SWITCHED
	export SANDBOX_TEST_REMOVE=folder-owners
	# Some have all in there that a command needs.
	sandbox run /usr -- true
	[[ $stderr != *E_ID_UNMAPPED* ]] || fail_with 'owners were looked at'
}

@test "a folder that begins with the first subordinate id runs shifted, with a line that says how to shift it back" {
	local root
	root=$(private_root)
	unshare --map-users="$first,0,1000" --map-groups="$(awk -F: -v user="$(id -un)" '$1 == user { print $2 }' /etc/subgid),0,1000" true 2>/dev/null ||
		skip "this unshare cannot map ranges"
	unshare --map-root-user --map-auto chown -R 1:1 "$root"
	sandbox run "$root" -- stat -c %u:%g /etc
	assert_status 0
	assert_output 1:1
	assert_stderr_has 'belongs to user 1 inside'
	assert_stderr_has '--uidmap 0:1:65535 --uidmap 65535:0:1'
	sandbox run --uidmap 0:1:65535 --uidmap 65535:0:1 "$root" -- stat -c %u:%g / /etc
	assert_success $'0:0\n0:0'
	unshare --map-root-user --map-auto chown -R 0:0 "$root"
}

# --- places ----------------------------------------------------------------------------------------------

@test "folders that hold the home or the store, or lie in the store, are refused" {
	local layer
	sandbox run "$HOME" -- true
	assert_error E_FOLDER
	# That of the system, too, whatever the environment says.
	system_home=$(getent passwd "$(id -u)" | cut -d : -f 6)
	mkdir -p "$BATS_TEST_TMPDIR/nowhere"
	if [ -d "$system_home" ]; then
		HOME=$BATS_TEST_TMPDIR/nowhere sandbox run "$system_home" -- true
		assert_error E_FOLDER
	fi
	sandbox --root "$BATS_TEST_TMPDIR/around/store" run "$BATS_TEST_TMPDIR/around" -- true
	assert_error 'it holds the image store'
	run_busybox -- true
	assert_success
	layer=$(echo "$XDG_CACHE_HOME"/sandbox/layers/*/root)
	sandbox run "$layer" -- true
	assert_error 'it lies in the image store'
	sandbox rmi "$("$SANDBOX" images --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["digest"])')"
	assert_status 0
}

@test "a folder with something mounted in it is refused; mounts beside it do not matter" {
	local root
	root=$(private_root)
	mkdir "$root/my mnt"
	run unshare --map-root-user --mount sh -c "mount -t tmpfs tmpfs '$root/my mnt' && '$SANDBOX' run --userns=single '$root' true"
	[ "$status" = 125 ]
	[[ $output == *E_FOLDER* && $output == *"/my mnt"* ]]
	mkdir "$root-beside"
	run unshare --map-root-user --mount sh -c "mount -t tmpfs tmpfs '$root-beside' && '$SANDBOX' run --userns=single '$root' echo ran"
	[ "$output" = ran ]
}

@test "a folder on an overlay runs; a stack of overlays is a clear error" {
	local root
	root=$(private_root)
	mkdir "$BATS_TEST_TMPDIR"/{one,two,scratch}
	run unshare --map-root-user --mount sh -c "mount -t overlay -o userxattr,lowerdir='$root:$BATS_TEST_TMPDIR/scratch' o '$BATS_TEST_TMPDIR/one' &&
		'$SANDBOX' run --userns=single '$BATS_TEST_TMPDIR/one' echo ran"
	[ "$output" = ran ]
	run unshare --map-root-user --mount sh -c "mount -t overlay -o userxattr,lowerdir='$root:$BATS_TEST_TMPDIR/scratch' o '$BATS_TEST_TMPDIR/one' &&
		mount -t overlay -o userxattr,lowerdir='$BATS_TEST_TMPDIR/one:$BATS_TEST_TMPDIR/scratch' o '$BATS_TEST_TMPDIR/two' &&
		'$SANDBOX' run --userns=single '$BATS_TEST_TMPDIR/two' echo ran"
	[ "$status" = 125 ]
	# Linux before 6.5 has another word for it.
	[[ $output == *'cause:'* ]] || fail_with "an error should say why: $output"
}

@test "what is no folder, or cannot be read, is an error" {
	sandbox run "$BATS_TEST_TMPDIR/missing" -- true
	assert_error E_IMAGE_UNKNOWN
	sandbox run "$BATS_TEST_TMPDIR/missing/" -- true
	assert_error E_IMAGE_UNKNOWN
	mkdir -m 0311 "$BATS_TEST_TMPDIR/closed"
	sandbox run "$BATS_TEST_TMPDIR/closed" -- true
	assert_error 'you may not read it'
	mkdir "$BATS_TEST_TMPDIR/empty"
	sandbox run "$BATS_TEST_TMPDIR/empty" -- true
	assert_error E_COMMAND_NOT_FOUND 127
}

# --- a hostile folder --------------------------------------------------------------------------------------

@test "attributes that steer overlay lead nowhere" {
	local root before name
	root=$(private_root)
	mkdir -p "$root/secret" "$root/opaque" "$root/moved" "$root/white"
	echo secret >"$root/secret/file"
	echo other >"$root/other"
	for name in opaque/file white/file meta absolute; do
		echo data >"$root/$name"
	done
	setfattr -n user.overlay.opaque -v y "$root/opaque"
	setfattr -n user.overlay.opaque -v x "$root/white"
	setfattr -n user.overlay.opaque -v x "$root"
	setfattr -n user.overlay.whiteout -v "" "$root/white/file"
	setfattr -n user.overlay.redirect -v /secret "$root/moved"
	setfattr -n user.overlay.metacopy -v "" "$root/meta"
	setfattr -n user.overlay.redirect -v /secret/file "$root/meta"
	setfattr -n user.overlay.metacopy -v "" "$root/absolute"
	setfattr -n user.overlay.redirect -v "$BATS_TEST_TMPDIR/outside" "$root/absolute"
	setfattr -n user.overlay.origin -v 0sAPsdAAEAAAAAAAAAAAAAAAAAAAAAAAAAAA== "$root/other"
	echo outside >"$BATS_TEST_TMPDIR/outside"
	before=$(folder_snapshot "$root")
	sandbox run "$root" -- sh -c 'for f in /opaque/file /white/file /moved/file /meta /absolute /other; do echo "$f: $(cat "$f" 2>&1)"; done
		cp /meta /copy; echo x >>/meta; echo x >>/other; mv /moved /moved2; ls -l /moved2 /white; getfattr -d -m - /meta /moved2 2>/dev/null'
	# What is there is shown as it is, or refused; nothing is shown in the place of something else.
	assert_output_has '/opaque/file: data'
	assert_output_has '/other: other'
	assert_output_lacks 'moved/file: secret'
	assert_output_lacks 'meta: secret'
	assert_output_lacks ': outside'
	diff <(echo "$before") <(folder_snapshot "$root")
}

@test "FIFOs and sockets of the folder do not reach the host" {
	local root
	root=$(private_root)
	mkfifo "$root/fifo"
	exec 5<>"$root/fifo"
	python3 -c 'import signal, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen()
print("listening", flush=True)
signal.pause()' "$root/socket" >"$BATS_TEST_TMPDIR/listening" 3>&- &
	wait_until grep -q listening "$BATS_TEST_TMPDIR/listening"
	sandbox run "$root" -- sh -c 'nc local:/socket </dev/null 2>&1; test -S /socket && echo a socket
		(echo leak >/fifo) & sleep 0.5; kill $! && echo nobody reads'
	kill $!
	assert_output_has 'a socket'
	assert_output_has 'nobody reads'
	if read -r -t 0.2 -u 5 line; then
		fail_with "came through: $line"
	fi
}
