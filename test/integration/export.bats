#!/usr/bin/env bats
# What leaves a sandbox: `sandbox export` and `sandbox diff`, of one that runs and of a kept one that does not.

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper
load pair
load podman

trees=$PWD/test/integration/trees.py

# What the sandboxes here do to the busybox image.
changes='
	mkdir -p /a/b && echo text >/a/b/file && chown 33:44 /a/b/file && ln /a/b/file /a/hard && chmod 4711 /a/b/file
	ln -s b/file /a/link && mkfifo /a/fifo && touch -d @1000000000 /a/b
	echo more >>/etc/passwd && rm /etc/os-release && rm -r /home && mkdir /home && echo new >/home/new
	rm -r /usr && echo file >/usr
	touch /.wh.literal; echo ready >/ready'

setup_file() {
	export PYTHONDONTWRITEBYTECODE=1
	make_pair "$changes"
}

teardown() {
	remove_unpacked
}

# The tree of an archive, a line for each object; GNU tar unpacks it. Times differ between two that did the same.
manifest_of() {
	mkdir "$1.d"
	as_layer_root tar -C "$1.d" --same-owner -xpf "$1"
	as_layer_root python3 "$trees" manifest "$1.d" | sed -E 's/ [0-9]{19}( |$)/ TIME\1/'
}

@test "the archive is the tree that the sandbox has, whether it runs or not" {
	"$SANDBOX" export "$running" >running.tar
	"$SANDBOX" export -o kept.tar kept
	manifest_of running.tar >running.list
	diff running.list <(manifest_of kept.tar)
	grep -q "^'./a/b/file' -rws--x--x 33:44 TIME 5 .* 2 names, like ./a/hard" running.list
	grep -q "^'./a/hard' .* 2 names, like ./a/hard" running.list
	grep -q "^'./a/fifo' prw-r--r-- 0:0" running.list
	grep -q "^'./a/link' lrwxrwxrwx 0:0 TIME b/file" running.list
	grep -q "^'./.wh.literal'" running.list
	refute grep -e os-release -e home/user -e usr/bin running.list
	tar --full-time -tvf running.tar a/b/ | grep -q '2001-09-09'
	# The image is there, and what is mounted is not.
	[ "$(grep -c "^'./bin/" running.list)" -gt 200 ]
	[ "$(grep -c -e "^'./proc" -e "^'./dev" -e "^'./sys" running.list)" = 3 ]
}

@test "the same sandbox gives the same archive" {
	"$SANDBOX" export kept >one.tar
	"$SANDBOX" export kept | cat >other.tar
	[ -s one.tar ]
	cmp one.tar other.tar
}

@test "podman imports and runs it, and so do we" {
	for one in "$running" kept; do
		"$SANDBOX" export -o root.tar "$one"
		with_podman 'podman import -q root.tar exported && run localhost/exported /bin/busybox cat /a/b/file'
		assert_status 0
		assert_output_has text
		sandbox run root.tar sh -c 'cat /a/link; stat -c %u:%g:%h /a/hard; ls /home'
		assert_success $'text\n33:44:2\nnew'
	done
}

@test "volumes and other mounts are not in it" {
	mkdir volume
	echo secret >volume/file
	id=$("$SANDBOX" run -d -v "$PWD/volume:/mnt/volume" --tmpfs /tmp busybox sh -c 'touch /tmp/t /mnt/volume/t; sleep 1000')
	wait_until test -e volume/t
	"$SANDBOX" export "$id" >root.tar
	"$SANDBOX" rm -f "$id"
	tar -tf root.tar >list
	grep -qx ./ list
	grep -qx mnt/volume/ list
	refute grep -e mnt/volume/. -e tmp/t list
}

@test "holes stay holes in the archive of a sandbox, and attributes are there" {
	tmpfs_holds_layers || skip 'the kernel keeps no attributes on a tmpfs'
	id=$("$SANDBOX" run -d busybox sh -c 'truncate -s 1G /hole; echo x >/attributed; sleep 1000')
	wait_until "$SANDBOX" exec "$id" test -e /attributed
	"$SANDBOX" export -o root.tar "$id"
	"$SANDBOX" rm -f "$id"
	[ "$(stat -c %s root.tar)" -lt 10000000 ]
	tar -tvf root.tar hole | grep -q ' 1073741824 '
}

@test "with a single id the owners are those of the archive, unless the sandbox changed the mode" {
	mkdir tree
	echo a >tree/a
	echo b >tree/b
	tar -C tree --owner=33 --group=44 --mode=4755 -cf ids.tar a b
	tar -C / --append -f ids.tar --owner=0 --group=0 --transform 's|.*/|bin/|' "$(command -v busybox)"
	id=$("$SANDBOX" run -d --userns single "./ids.tar" /bin/busybox sh -c '/bin/busybox chmod 700 /b; /bin/busybox sleep 1000')
	wait_until "$SANDBOX" diff "$id"
	wait_until sh -c '"$1" diff "$2" | grep -qx "C /b"' sh "$SANDBOX" "$id"
	"$SANDBOX" export -o root.tar "$id"
	"$SANDBOX" rm -f "$id"
	[[ $(tar --numeric-owner -tvf root.tar a) == -rwsr-xr-x\ 33/44\ * ]]
	[[ $(tar --numeric-owner -tvf root.tar b) == -rwx------\ 33/44\ * ]]
}

@test "diff lists what was added, changed and deleted" {
	expected='A /.wh.literal
A /a
A /a/b
A /a/b/file
A /a/fifo
A /a/hard
A /a/link
C /etc
D /etc/os-release
C /etc/passwd
C /home
A /home/new
D /home/user
A /ready
C /usr'
	for one in "$running" kept; do
		sandbox diff "$one"
		assert_success "$expected"
	done
	"$SANDBOX" diff --json kept | jq -e '.[0] == {kind: "A", path: "/.wh.literal"} and length == 15'
}

@test "diff of a sandbox on an image with layers compares with all of them" {
	mkdir -p one/bin one/etc one/tmp one/d/sub two/d
	cp "$(command -v busybox)" one/bin/busybox
	ln -s busybox one/bin/sh
	echo one | tee one/d/a >one/d/sub/b
	echo two | tee two/d/c >two/d/.wh.a
	umoci init --layout image
	umoci new --image image:t
	for layer in one two; do
		tar -C "$layer" --owner=0 --group=0 -cf "$layer.tar" .
		umoci raw add-layer --image image:t "$layer.tar"
	done 2>/dev/null
	sandbox run --name layered ./image /bin/sh -c ':'
	assert_success ''
	sandbox diff layered
	assert_success ''
	"$SANDBOX" start -a layered
	"$SANDBOX" rm layered
	sandbox run --name layered ./image /bin/busybox sh -c 'echo >/d/a; /bin/busybox rm /d/c; echo >>/d/sub/b'
	assert_success ''
	sandbox diff layered
	"$SANDBOX" rm layered
	assert_success $'C /d\nA /d/a\nD /d/c\nC /d/sub\nC /d/sub/b'
}

@test "a sandbox that wrote nothing has no difference; names are escaped" {
	"$SANDBOX" run --name idle busybox true
	sandbox diff idle
	"$SANDBOX" rm idle
	assert_success ''
	"$SANDBOX" run --name odd busybox sh -c 'touch "/$(printf "\033[31mred")"'
	sandbox diff odd
	"$SANDBOX" rm odd
	assert_success 'A /\x1b[31mred'
}

@test "while the sandbox writes and moves, the archive is whole" {
	id=$("$SANDBOX" run -d busybox sh -c '
		while :; do mkdir -p /x/y/z; echo >/x/y/z/f; mv /x/y /y; mv /y/z /z; rm -r /x /y /z; done')
	for _ in 1 2 3 4 5 6 7 8; do
		capture "$SANDBOX" export -o root.tar "$id"
		# Who moves the directory that is being read is told so; else there is an archive, and it is whole.
		if [ "$status" = 0 ]; then
			tar -tf root.tar >/dev/null
		else
			assert_stderr_has 'moved meanwhile'
		fi
		rm -f root.tar
	done
	"$SANDBOX" rm -f "$id"
}

@test "what cannot be exported is told of" {
	sandbox export nobody
	assert_error E_SANDBOX_UNKNOWN
	id=$("$SANDBOX" run -d busybox true)
	"$SANDBOX" wait "$id"
	sandbox export "$id"
	assert_error E_SANDBOX_STATE
	assert_output ''
	"$SANDBOX" rm "$id"
	id=$("$SANDBOX" run -d --init=false busybox sleep 1000)
	sandbox diff "$id"
	assert_error E_SANDBOX_STATE
	assert_stderr_has '--init=false'
	"$SANDBOX" rm -f "$id"
	capture script -qec "'$SANDBOX' export kept" /dev/null
	assert_status 125
	assert_output_has 'refused to write an archive to the terminal'
	capture bash -c '"$1" export kept >/dev/full' sh "$SANDBOX"
	assert_error E_NO_SPACE
}
