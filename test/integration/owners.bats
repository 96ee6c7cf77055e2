#!/usr/bin/env bats
# Owners, capabilities and devices that the files of an ordinary user cannot have: recorded when an image is unpacked, and
# back in what leaves it.

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper

trees=$PWD/test/integration/trees.py

setup_file() {
	private_folders
	export PYTHONDONTWRITEBYTECODE=1 SPECIAL=$BATS_FILE_TMPDIR/special.tar
	BUSYBOX=$(command -v busybox) python3 "$trees" archive "$SPECIAL" special
	"$SANDBOX" import --userns single --name single "$SPECIAL"
	"$SANDBOX" import --userns map --name map "$SPECIAL"
}

teardown_file() {
	"$SANDBOX" rm kept
	remove_private_folders
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# What an archive says of everything but the places that a sandbox makes for its mounts.
entries() {
	python3 "$trees" entries "$1" | grep -vE "^'(\.|dev|proc|sys|tmp|run|etc)' |^'etc/(hosts|hostname|resolv.conf|mtab)'"
}

# export_of OPTIONS IMAGE COMMAND: the archive of a kept sandbox that has run it.
export_of() {
	# shellcheck disable=SC2086  # several
	"$SANDBOX" run --replace --name kept $1 -u 0 "$2" /bin/sh -c "$3"
	"$SANDBOX" export -o export.tar kept
}

@test "what is exported has the owners, capabilities and devices of the image's archive, whatever the ids" {
	local map
	entries "$SPECIAL" >expected
	# Control: it has all that matters here.
	grep -q "'dev/sda' .* 4 0:6 8-0 1111111111 " expected
	grep -q "'top' .* 3 3:0 300-70000 " expected
	grep -q "'shared/owned-link' .* 2 77:78 .* x" expected
	grep -q "'group-fifo' .* 6 0:80 " expected
	grep -q "'capable' .*SCHILY.xattr.security.capability=" expected
	for map in single map; do
		export_of --userns=$map $map true
		entries export.tar | diff expected -
	done
}

@test "what a running sandbox exports is the same" {
	local id
	id=$("$SANDBOX" run -d --userns single single /bin/busybox sleep 1000)
	"$SANDBOX" export -o export.tar "$id"
	"$SANDBOX" rm -f "$id" >/dev/null
	diff <(entries "$SPECIAL") <(entries export.tar)
}

@test "what the sandbox put in their place is its own" {
	export_of --userns=single single '
		rm /link-of-two /owned-fifo /shared/owned-link; /bin/busybox ln -s x /link-of-two; /bin/busybox mkfifo /owned-fifo
		: >/top; /bin/busybox rm -r /dev/../wide; /bin/busybox mkdir /wide'
	entries export.tar >list
	grep -q "'link-of-two' .* 2 0:0 " list
	grep -q "'owned-fifo' .* 6 0:0 " list
	grep -q "'top' .* 0 0:0 0-0" list
	refute grep "'shared/owned-link'" list
	# Control: its neighbours are the archive's.
	grep -q "'owned-link' .* 2 77:78 " list
	grep -q "'dev/null' .* 3 0:0 1-3" list
}

# A sandbox may write such notes itself: no device may come of that.
@test "notes that a sandbox writes make no devices" {
	local note
	note=0s$(printf 'sda/0:0:0666:block-8-0:1\0' | base64)
	# Control: this is how the image's are noted.
	[[ $(getfattr -e text -n user.containers.override_entries "$(find_layer single)") == *top/3:0:04600:char-300-70000:* ]]
	export_of "--userns=single -e NOTE=$note -v $(command -v setfattr):/bin/setfattr:ro $(libraries_of setfattr)" single '
		/bin/busybox mkdir /mine
		for directory in / /mine /shared; do
			/bin/setfattr -n user.containers.override_entries -v "$NOTE" $directory || exit
		done'
	entries export.tar >list
	grep -q "'mine' " list
	grep -q "'top' .* 3 3:0 300-70000" list
	refute grep "sda' " <(grep -v "'dev/sda' " list)
}

@test "a record that a sandbox has damaged is none" {
	export_of "--userns=single -v $(command -v setfattr):/bin/setfattr:ro $(libraries_of setfattr)" single '
		: >/new && /bin/setfattr -n user.containers.override_stat -v "$(/bin/busybox seq 100)" /new &&
		/bin/setfattr -n user.containers.override_stat -v x /capable &&
		/bin/setfattr -n user.containers.override_security.capability -v x /new'
	entries export.tar >list
	grep "'new' .* 0 0:0 " list
	refute grep "'new' .*SCHILY" list
	"$SANDBOX" commit kept damaged
	"$SANDBOX" rmi damaged
}

find_layer() {
	local ids
	ids=$(grep -l '"single": *1' "$XDG_CACHE_HOME"/sandbox/layers/*/ids.json)
	echo "${ids%/ids.json}/root"
}

libraries_of() {
	ldd "$(command -v "$1")" | grep -o '/[^ ]*' | sed 's|.*|-v &:&:ro|' | xargs
}

@test "a commit and what is saved of it keep them" {
	"$SANDBOX" run --replace --name kept --userns single single /bin/busybox sh -c 'echo more >>/shared/inside; echo new >/new'
	"$SANDBOX" commit kept committed
	"$SANDBOX" save -o saved.tar committed
	"$SANDBOX" --root other import --userns map --name again saved.tar
	"$SANDBOX" --root other run --name again --userns map again true
	"$SANDBOX" export -o export.tar again
	"$SANDBOX" rm again
	unshare --map-root-user --map-auto rm -rf other
	diff <(entries "$SPECIAL") <(entries export.tar) >difference || true
	[ "$(grep -c '^[<>]' difference)" = 3 ]
	grep -q "^> 'new' " difference
	grep -q "^> 'shared/inside' .* 0 2:50 " difference
}

# Each layer tells of its own, also where several have the same directory.
@test "of an image with layers, too" {
	command -v umoci >/dev/null || skip 'umoci is not installed'
	mkdir layers
	python3 - <<-'PYTHON'
		import tarfile
		def layer(path, *rows):
		    with tarfile.open(path, "w") as tar:
		        for name, kind, fields in rows:
		            info = tarfile.TarInfo(name)
		            info.type = kind
		            for key, value in {"mtime": 1234567890, **fields}.items():
		                setattr(info, key, value)
		            tar.addfile(info)
		link, char, directory, file = tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.REGTYPE
		owned = {"linkname": "x", "uid": 7, "gid": 8}
		null = {"devmajor": 1, "devminor": 3}
		layer("layers/1.tar", ("d", directory, {}), ("d/both", link, owned), ("d/low", link, owned), ("d/node", char, null),
		      ("d/gone", char, null), ("d/other", char, null), ("d/deleted", link, owned),
		      ("o", directory, {}), ("o/hidden", char, null))
		layer("layers/2.tar", ("d", directory, {}), ("d/both", link, {"linkname": "y", "uid": 9}), ("d/.wh.gone", file, {}),
		      ("d/other", char, {"devmajor": 1, "devminor": 5}), ("d/.wh.deleted", file, {}), ("d/deleted", link, {"linkname": "z"}),
		      ("o", directory, {}), ("o/.wh..wh..opq", file, {}), ("o/own", char, null))
	PYTHON
	umoci init --layout image
	umoci new --image image:t
	for layer in layers/*.tar; do
		umoci raw add-layer --image image:t "$layer"
	done
	umoci raw add-layer --image image:t "$BUSYBOX_TAR"
	"$SANDBOX" import --userns single --name layers image
	export_of --userns=single layers true
	python3 "$trees" entries export.tar | grep -E "^'(d|o)/" | sed -E 's/ any mode / /; s/ [-rwxsStT]{9} / /' | cut -d ' ' -f 1-4 >list
	diff - list <<-'END'
		'd/both' 2 9:0 0-0
		'd/deleted' 2 0:0 0-0
		'd/low' 2 7:8 0-0
		'd/node' 3 0:0 1-3
		'd/other' 3 0:0 1-5
		'o/own' 3 0:0 1-3
	END
}

# An NFS-like home. In a user namespace of our own a ramfs is ours, and that keeps no attributes of users.
on_ramfs() {
	run --separate-stderr unshare --map-root-user --map-auto --mount sh -c '
		mount -t ramfs -o mode=0755 ramfs "$1" && shift && eval "$@"' sh "$BATS_TEST_TMPDIR" \
		"cd $BATS_TEST_TMPDIR; staging() { find store/staging -mindepth 1; }; $1"
}

@test "on a file system without attributes an owner that cannot be kept is a refusal with a fix, and nothing is left" {
	local store='"$SANDBOX" --root store'
	on_ramfs "! setfattr -n user.a -v b ."
	assert_status 0
	on_ramfs "$store import --userns=single \"\$BUSYBOX_TAR\"; code=\$?; staging; ls store/layers; exit \$code"
	assert_error E_NO_ATTRIBUTES
	assert_stderr_has 'put the store on another file system'
	[ -z "$output" ] || fail_with 'something is left'
	# Nor is it made of a tree that has owners.
	on_ramfs "$store import --userns=map --name image \"\$BUSYBOX_TAR\" && $store run --userns=single image true
		code=\$?; staging; exit \$code"
	assert_error E_NO_ATTRIBUTES
	# Control: with ids for the owners there is nothing to record.
	on_ramfs "$store run --userns=map \"\$BUSYBOX_TAR\" stat -c %u /home/user"
	assert_success 1000
}
