#!/usr/bin/env bats
# The image store from outside: import, images, rmi, reset, and what `run` finds there. What archives may
# and may not do is test/hostile/archives.bats.
# takes long

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper
load store

setup_file() {
	private_store
}

setup() {
	empty_store
}

# A small tree of its own in ./tree and its archive ./tree.tar, old enough to be recognised again.
make_tree() {
	mkdir -p tree/bin tree/etc
	echo "${1:-content}" >tree/etc/file
	ln -s etc/file tree/link
	pack_tree
}

pack_tree() {
	tar -C tree --owner=0 --group=0 --sort=name -cf tree.tar .
	touch -d '1 hour ago' tree.tar
}

# Waits until the archive's last change is so long ago that the store may remember the file.
settle() {
	sleep 2.2
}

# Everything about every file below a directory, but for what depends on the file system.
describe_tree() {
	# shellcheck disable=SC2016
	as_layer_root sh -c 'cd "$1" && find . ! -type d -printf "%P %M %U:%G %n %s %T@ %l\n" -o -printf "%P %M %U:%G %T@\n" |
		sort' sh "$1"
}

@test "import prints the archive's digest, images lists it, rmi removes all of it" {
	make_tree
	sandbox import --name tree tree.tar
	assert_success "sha256:$(sha256sum <tree.tar | cut -d' ' -f1)"
	sandbox images
	assert_output_has 'tree.tar'
	[ "$(awk '$1 == "tree"' <<<"$output" | wc -l)" = 1 ]
	[ "$(layers)" = 1 ]
	sandbox rmi tree
	assert_success ''
	sandbox images -q
	assert_success ''
	[ -z "$(find "$STORE" -mindepth 2)" ]
}

@test "images --json tells digest, names, size and counts" {
	make_tree
	"$SANDBOX" import --name one tree.tar
	"$SANDBOX" import --name two tree.tar
	sandbox images --json
	assert_success
	run python3 -c 'import json, sys
image, = json.load(sys.stdin)
print(image["names"], image["entries"], image["size"], image["source"], image["compression"])' <<<"$output"
	assert_output "['one', 'two'] 5 8 tree.tar none"
}

@test "each compression of one archive is an image of its own, and all share one layer" {
	make_tree
	gzip -k tree.tar
	bzip2 -k tree.tar
	xz -k tree.tar
	zstd -q -k tree.tar
	for archive in tree.tar tree.tar.gz tree.tar.bz2 tree.tar.xz tree.tar.zst; do
		sandbox import "$archive"
		assert_success "sha256:$(sha256sum <"$archive" | cut -d' ' -f1)"
	done
	[ "$("$SANDBOX" images -q | wc -l)" = 5 ]
	[ "$(layers)" = 1 ]
	# Each but the last leaves the layer to the others.
	for archive in tree.tar tree.tar.gz tree.tar.bz2 tree.tar.xz; do
		"$SANDBOX" rmi "sha256:$(sha256sum <"$archive" | cut -d' ' -f1)"
		[ "$(layers)" = 1 ]
	done
	"$SANDBOX" rmi "$("$SANDBOX" images -q)"
	[ "$(layers)" = 0 ]
}

@test "a Debian root arrives as tar would unpack it: owners, modes, times, links" {
	"$SANDBOX" import "$DEBIAN_TAR"
	mkdir reference
	# Without the device nodes, which neither of us may make.
	as_layer_root tar -C reference --numeric-owner -xpf "$DEBIAN_TAR" --exclude='./dev/*'
	describe_tree reference | grep -v '^dev/' >expected
	describe_tree "$STORE"/layers/*/root | grep -v '^dev/' >found
	as_layer_root rm -rf reference
	diff expected found
	[ "$(wc -l <found)" -gt 5000 ]
	grep -q ' 0:42 ' found
}

@test "contents arrive: file by file the same digest" {
	"$SANDBOX" import "$BUSYBOX_TAR"
	mkdir reference
	as_layer_root tar -C reference -xf "$BUSYBOX_TAR"
	(cd reference && find . -type f -exec sha256sum {} + | sort) >expected
	as_layer_root sh -c 'cd "$1" && find . -type f -exec sha256sum {} + | sort' sh "$(echo "$STORE"/layers/*/root)" >found
	as_layer_root rm -rf reference
	diff expected found
	[ -s found ]
}

@test "extended attributes of users arrive, sparse files stay sparse" {
	make_tree
	setfattr -n user.comment -v kept tree/etc/file
	setfattr -n user.comment -v directory tree/etc
	truncate -s 64M tree/sparse
	echo end | dd of=tree/sparse bs=1 seek=40000000 conv=notrunc status=none
	tar -C tree --owner=0 --group=0 --xattrs --sparse --format=pax -cf tree.tar .
	"$SANDBOX" import tree.tar
	root=$(echo "$STORE"/layers/*/root)
	[ "$(getfattr --only-values -n user.comment "$root/etc/file")" = kept ]
	[ "$(getfattr --only-values -n user.comment "$root/etc")" = directory ]
	[ "$(stat -c %s "$root/sparse")" = 67108864 ]
	[ "$(stat -c %b "$root/sparse")" -lt 2000 ]
	cmp "$root/sparse" tree/sparse
}

@test "with a single id, owners and set-id bits are recorded, and an export could restore them" {
	make_tree
	printf x >tree/owned
	chmod 6755 tree/owned
	tar -C tree --owner=33 --group=44 -cf tree.tar .
	"$SANDBOX" import --userns=single tree.tar
	root=$(echo "$STORE"/layers/*/root)
	[ "$(stat -c '%u %a' "$root/owned")" = "$(id -u) 755" ]
	[ "$(getfattr --only-values -n user.containers.override_stat "$root/owned")" = 33:44:06755 ]
	[ "$(getfattr --only-values -n user.containers.override_stat "$root/etc")" = 33:44:0755 ]
	# With a range of ids nothing has to be recorded.
	"$SANDBOX" reset
	"$SANDBOX" import --userns=map tree.tar
	root=$(echo "$STORE"/layers/*/root)
	[ "$(as_layer_root stat -c '%u:%g %a' "$root/owned")" = '33:44 6755' ]
	refute as_layer_root getfattr -n user.containers.override_stat "$root/owned"
}

@test "the same archive under two id maps is one image with two layers" {
	make_tree
	"$SANDBOX" import --name tree tree.tar
	"$SANDBOX" import --userns=single tree.tar
	[ "$("$SANDBOX" images -q | wc -l)" = 1 ]
	[ "$(layers)" = 2 ]
	"$SANDBOX" rmi tree
	[ "$(layers)" = 0 ]
}

@test "an owner that the map does not have is an error that names entry and id" {
	make_tree
	tar -C tree --owner=70000 --group=0 -cf tree.tar .
	sandbox import tree.tar
	assert_error E_ID_UNMAPPED
	assert_stderr_has 70000
	[ -z "$(find "$STORE" -mindepth 2)" ]
}

@test "a known archive is not opened again" {
	# The leak check of a sanitized build is a tracer itself.
	export ASAN_OPTIONS=detect_leaks=0
	make_tree
	settle
	"$SANDBOX" import --userns=single tree.tar
	strace -f -o trace -e trace=open,openat,openat2,execve "$SANDBOX" import --userns=single tree.tar
	refute grep -q 'tree\.tar".*= [0-9]' <(grep open trace)
	refute grep -q sandbox-import trace
	# The positive control: one byte more, and it is read.
	echo >>tree.tar
	truncate -s -1 tree.tar
	strace -f -o trace -e trace=open,openat,openat2,execve "$SANDBOX" import --userns=single tree.tar
	grep -q 'openat.*tree\.tar".*= [0-9]' trace
}

@test "a known archive under another name or time is hashed and not unpacked" {
	make_tree
	"$SANDBOX" import tree.tar
	cp tree.tar copy.tar
	touch copy.tar
	sandbox --debug import copy.tar
	assert_status 0
	assert_stderr_has 'has the size of a known image'
	[[ $stderr != *'import copy.tar'* ]] || fail_with 'it should not be unpacked again'
	# Of the same size, but another one.
	sed -i s/content/CONTENT/ copy.tar
	sandbox --debug import copy.tar
	assert_status 0
	assert_stderr_has 'import copy.tar'
	[ "$("$SANDBOX" images -q | wc -l)" = 2 ]
}

@test "a file that was just changed is not remembered by its times" {
	make_tree
	touch tree.tar
	"$SANDBOX" import tree.tar
	[ -z "$(find "$STORE/archives" -type f)" ]
	settle
	"$SANDBOX" import tree.tar
	[ -n "$(find "$STORE/archives" -type f)" ]
}

@test "an image comes from standard input, from a pipe and from the middle of a file" {
	make_tree
	digest=sha256:$(sha256sum <tree.tar | cut -d' ' -f1)
	sandbox import --name piped - < <(cat tree.tar)
	assert_success "$digest"
	sandbox import <(zstd -c tree.tar)
	assert_status 0
	(echo 'a line before'; cat tree.tar) >both
	settle
	"$SANDBOX" import - < <(tail -c +15 both)
	{ read -r _; run -0 --separate-stderr "$SANDBOX" import -; } <both
	# That file as a whole is no archive, whatever was read of it.
	sandbox import both
	assert_error E_ARCHIVE_FORMAT
}

@test "images are found by name, by path and by the first digits of their digest" {
	make_tree
	"$SANDBOX" import --name mine tree.tar
	digest=$("$SANDBOX" images -q)
	for reference in mine "$digest" "${digest#sha256:}" "${digest:0:19}" "${digest:7:12}"; do
		sandbox rmi "$reference"
		assert_success ''
		"$SANDBOX" import --name mine tree.tar
	done
	for reference in other "${digest:7:11}" sha256:0123456789abcdef "sha256:${digest:7:11}" ''; do
		sandbox rmi "$reference"
		assert_error E_IMAGE_UNKNOWN
	done
	sandbox run other true
	assert_error E_IMAGE_UNKNOWN
}

@test "removing one of two names leaves the image" {
	make_tree
	"$SANDBOX" import --name one tree.tar
	"$SANDBOX" import --name two tree.tar
	"$SANDBOX" rmi one
	[ "$(layers)" = 1 ]
	sandbox rmi one
	assert_error E_IMAGE_UNKNOWN
	"$SANDBOX" rmi two
	[ "$(layers)" = 0 ]
}

@test "names that could be paths, options or digests are refused" {
	make_tree
	for name in a//b .. -x 'a b' abcdef012345 sha256:abc ''; do
		sandbox import --name="$name" tree.tar
		assert_status 125
		[ -z "$(find "$STORE/names" -type f)" ]
	done
}

@test "what a sandbox runs from is neither removed nor reset, and can be afterwards" {
	"$SANDBOX" import --name busy "$BUSYBOX_TAR"
	mkfifo hold
	"$SANDBOX" run busy cat <hold &
	sandbox_pid=$!
	exec 7>hold
	wait_until sh -c "cat /proc/locks | grep -q ':$(stat -c %i "$STORE"/layers/*) '"
	sandbox rmi busy
	assert_error E_IMAGE_IN_USE
	sandbox reset
	assert_error E_IMAGE_IN_USE
	assert_stderr_has 'fix: '
	[ "$(layers)" = 1 ]
	exec 7>&-
	wait "$sandbox_pid"
	sandbox rmi busy
	assert_success ''
}

@test "what is no archive, empty, or cut short is named, and leaves nothing" {
	# Five headers and forty blocks of data; then the end-of-archive marker.
	make_tree "$(head -c 15359 /dev/urandom | base64 -w 0 | head -c 20479)"
	gzip -k tree.tar
	echo 'this is not an archive' >text
	: >empty
	head -c 10000 tree.tar >short.tar
	head -c 10000 tree.tar.gz >short.tar.gz
	head -c $((45 * 512)) tree.tar >endless.tar
	head -c $((47 * 512)) tree.tar >shortest.tar
	sandbox import shortest.tar
	assert_status 0
	"$SANDBOX" reset
	for row in text:FORMAT empty:FORMAT short.tar:TRUNCATED short.tar.gz:TRUNCATED endless.tar:TRUNCATED; do
		sandbox import "${row%:*}"
		assert_error "E_ARCHIVE_${row#*:}"
		sandbox run "./${row%:*}" true
		assert_error "E_ARCHIVE_${row#*:}"
	done
	sandbox import missing.tar
	assert_status 125
	sandbox import tree
	assert_error E_ARCHIVE_FORMAT
	[ -z "$(find "$STORE" -mindepth 2)" ]
}

@test "limits are what the options say" {
	make_tree
	for option in --max-entries=4 --max-depth=1 --max-size=4k --max-apparent-size=3; do
		sandbox import "$option" tree.tar
		assert_error E_ARCHIVE_LIMIT
		sandbox load --input tree.tar "$option"
		assert_error E_ARCHIVE_LIMIT
	done
	sandbox import --max-entries=5 --max-depth=2 --max-size=10k --max-apparent-size=100 tree.tar
	assert_status 0
}

@test "what load is given on standard input may be no longer than an archive" {
	capture bash -c 'yes | timeout 60 "$1" load --max-size 1m' sh "$SANDBOX"
	assert_error E_ARCHIVE_LIMIT
	assert_stderr_has 'set the archive aside'
	assert_stderr_has 'limit of 1048576 bytes'
	capture bash -c 'yes | head -c 2m | SANDBOX_TEST_REMOVE=load-bound "$1" load --max-size 1m' sh "$SANDBOX_SWITCHED"
	[[ $stderr != *'set the archive aside'* ]]
	[ -z "$(find "$STORE" -mindepth 2)" ]
}

@test "one extraction for twenty first runs at once, and all succeed" {
	settle
	cp "$BUSYBOX_TAR" first.tar
	touch -d '1 hour ago' first.tar
	settle
	for i in $(seq 20); do
		"$SANDBOX" --debug run first.tar true >"out.$i" 2>&1 &
		pids[i]=$!
	done
	for i in $(seq 20); do
		wait "${pids[i]}" || { cat "out.$i"; false; }
	done
	[ "$(cat out.* | grep -c ': import first.tar')" = 1 ]
	[ "$(layers)" = 1 ]
	[ -z "$(staging)" ]
}

@test "killed at any step, an import leaves nothing that the next one does not clear away" {
	make_tree
	settle
	for step in import-start import-unpacked layer-publish layer-published import-recorded; do
		SANDBOX_TEST_KILL_AT=$step run "$SANDBOX_SWITCHED" import tree.tar
		[ "$status" = 137 ] || fail_with "it should be killed at $step"
		sandbox import tree.tar
		assert_success
		[ "$(layers)" = 1 ]
		[ -z "$(staging)" ] || fail_with "left at $step: $(staging)"
		"$SANDBOX" reset
	done
}

@test "killed while it removes an image, the rest goes with the next command, or with gc" {
	make_tree
	"$SANDBOX" import --name tree tree.tar
	SANDBOX_TEST_KILL_AT=staging-remove run "$SANDBOX_SWITCHED" rmi tree
	[ "$status" = 137 ]
	[ -n "$(staging)" ]
	sandbox images -q
	assert_success ''
	[ -z "$(find "$STORE" -mindepth 2)" ]
	# Between the record and the rest: the image is gone at once and as a whole.
	"$SANDBOX" import --name tree tree.tar
	SANDBOX_TEST_KILL_AT=image-forgotten run "$SANDBOX_SWITCHED" rmi tree
	[ "$status" = 137 ]
	sandbox images -q
	assert_success ''
	sandbox run tree true
	assert_error E_IMAGE_UNKNOWN
	[ "$(layers)" = 1 ]
	"$SANDBOX" gc
	"$SANDBOX" rmi -f tree
	[ -z "$(find "$STORE" -mindepth 2)" ]
}

@test "when the importing process is killed, its importer ends and another process takes over" {
	make_tree
	mkfifo slow
	"$SANDBOX" import slow 2>/dev/null &
	winner=$!
	exec 7>slow
	head -c 1024 tree.tar >&7
	wait_until pgrep -P "$winner" -x sandbox-import
	importer=$(pgrep -P "$winner" -x sandbox-import)
	kill -KILL "$winner"
	wait "$winner" || true
	wait_until sh -c "! kill -0 $importer"
	exec 7>&-
	[ -n "$(staging)" ]
	sandbox import tree.tar
	assert_success
	[ -z "$(staging)" ]
}

@test "a waiting process takes over when the winner dies" {
	make_tree
	settle
	SANDBOX_TEST_STOP_AT=import-unpacked "$SANDBOX_SWITCHED" import tree.tar &
	winner=$!
	wait_until grep -q '^State:.T' "/proc/$winner/status"
	"$SANDBOX" import tree.tar >second &
	second=$!
	wait_until sh -c "grep -q -- '-> FLOCK' /proc/locks"
	kill -0 "$second"
	kill -KILL "$winner"
	wait "$second"
	[ "$(cat second)" = "sha256:$(sha256sum <tree.tar | cut -d' ' -f1)" ]
	[ -z "$(staging)" ]
}

# Stops the importer where it is confined; its pid is $importer then. The import goes on with `kill -CONT`.
stop_confined() {
	SANDBOX_TEST_STOP_AT=importer-confined "$SANDBOX_SWITCHED" import tree.tar 7<>/dev/null 2>import.err >import.out &
	import=$!
	wait_until pgrep -P "$import" -x sandbox-import
	importer=$(pgrep -P "$import" -x sandbox-import)
	wait_until grep -q '^State:.T' "/proc/$importer/status"
}

end_confined() {
	kill -CONT "$importer"
	wait "$import"
}

# The value of a line of /proc/PID/status.
status_of() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$importer/status"
}

@test "the importer is confined before it reads: root, descriptors, capabilities, system calls" {
	make_tree
	stop_confined
	[[ $(readlink "/proc/$importer/root") == "$STORE"/staging/*/root ]]
	# Nothing that it holds leads out: the archive, the tree, two sockets or files, and what it was started with.
	for descriptor in "/proc/$importer/fd"/*; do
		[ "${descriptor##*/}" -gt 2 ] || continue
		target=$(readlink "$descriptor")
		[[ $target == "$PWD/tree.tar" || $target == socket:* || $target == "$STORE"/staging/*/root ||
			$target == "$STORE"/staging/*/lock || $target == "$STORE"/staging/*/'spool (deleted)' ]] || { echo "$descriptor leads to $target" && false; }
	done
	[ "$(status_of CapEff)" = 000000008000001b ]
	[ "$(status_of CapPrm)" = 000000008000001b ]
	[ "$(status_of NoNewPrivs)" = 1 ]
	# The run time of AddressSanitizer needs more calls.
	[[ $build == *sanitize* ]] || [ "$(status_of Seccomp)" = 2 ]
	end_confined
	[ "$(layers)" = 1 ]
	# The positive control: without it all of that is otherwise.
	"$SANDBOX" reset
	export SANDBOX_TEST_REMOVE=importer-confined
	stop_confined
	[ "$(readlink "/proc/$importer/root")" = / ]
	[ "$(readlink "/proc/$importer/fd/7")" = /dev/null ]
	[ "$(status_of CapEff)" != 000000008000001b ]
	[ "$(status_of Seccomp)" = 0 ]
	end_confined
}

@test "a layer that a power cut may have hit is imported again; one that was on the disk is not" {
	make_tree
	settle
	# The implicit import of `run` does not wait for the disk; what it runs is not there, and that is fine.
	run -127 "$SANDBOX" run ./tree.tar /nothing
	layer=$(echo "$STORE"/layers/*)
	[ ! -e "$layer/durable" ] || rm "$layer/durable"
	sed -i 's/"boot": "[^"]*"/"boot": "an earlier one"/' "$layer/layer.json"
	as_layer_root sh -c ': >"$1"' sh "$layer/root/etc/file"
	sandbox --debug import tree.tar
	assert_status 0
	assert_stderr_has 'was not on the disk yet'
	[ "$(cat "$layer/root/etc/file")" = content ]

	[ -e "$layer/durable" ]
	sed -i 's/"boot": "[^"]*"/"boot": "an earlier one"/' "$layer/layer.json"
	sandbox --debug import tree.tar
	assert_status 0
	[[ $stderr != *'was not on the disk yet'* ]]
}

@test "reset removes everything, also paths 3,000 deep and what subordinate ids own" {
	make_tree
	python3 -c 'import os
for name in ["deep"] + ["d"] * 3000:
    os.mkdir(name)
    os.chdir(name)'
	tar --owner=5 --group=5 --mode=000 -cf deep.tar deep
	rm -rf deep
	sandbox import deep.tar
	assert_error E_ARCHIVE_LIMIT
	sandbox import --max-depth=4000 deep.tar
	assert_success
	refute rm -rf "$STORE"/layers 2>/dev/null
	sandbox reset
	assert_success ''
	[ ! -e "$STORE" ]
}

@test "a reset that is killed leaves no image, but garbage" {
	make_tree
	"$SANDBOX" import --name tree tree.tar
	SANDBOX_TEST_KILL_AT=reset-forgotten run "$SANDBOX_SWITCHED" reset
	[ "$status" = 137 ]
	[ -n "$(ls "$STORE/layers")" ]
	sandbox images -q
	assert_success ''
	sandbox gc
	assert_status 0
	[ -z "$(ls "$STORE/layers")" ]
	sandbox reset
	assert_success ''
	[ ! -e "$STORE" ]
}

@test "a store that others can enter, or that cannot be made, is an error with a fix" {
	make_tree
	mkdir -m 0755 open closed
	sandbox --root "$PWD/open" import tree.tar
	assert_error E_HOME_UNUSABLE
	chmod 0500 closed
	sandbox --root "$PWD/closed/store" import tree.tar
	assert_error E_HOME_UNUSABLE
	: >file
	sandbox --root "$PWD/file" import tree.tar
	assert_error E_HOME_UNUSABLE
}

@test "a full file system is E_NO_SPACE, and nothing is left" {
	make_tree
	head -c 4M /dev/urandom >tree/big
	pack_tree
	# RLIMIT_FSIZE is no full disk; a small tmpfs of our own is.
	run --separate-stderr as_layer_root unshare -m sh -c '
		mount -t tmpfs -o size=1m,mode=0700 tmpfs "$2" && "$1" --root "$2/store" import --userns=single tree.tar
		code=$?
		find "$2/store" -mindepth 2 >left
		exit $code' sh "$SANDBOX" "$BATS_TEST_TMPDIR"
	assert_error E_NO_SPACE
	[ ! -s left ]
}

# An image of one layer, which deletes a directory and then fills it.
make_deleting() {
	python3 - <<-'END'
		import hashlib, io, json, tarfile
		def add(archive, name, data):
		    member = tarfile.TarInfo(name)
		    member.size = len(data)
		    archive.addfile(member, io.BytesIO(data))
		layer = io.BytesIO()
		with tarfile.open(fileobj=layer, mode="w") as archive:
		    add(archive, ".wh.d", b"")
		    add(archive, "d/file", b"new")
		layer = layer.getvalue()
		digest = hashlib.sha256(layer).hexdigest()
		names = digest + ".json", digest + "/layer.tar"
		config = {"config": {}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}
		with tarfile.open("deleting.tar", "w") as archive:
		    add(archive, names[0], json.dumps(config).encode())
		    add(archive, names[1], layer)
		    add(archive, "manifest.json", json.dumps([{"Config": names[0], "RepoTags": None, "Layers": [names[1]]}]).encode())
	END
}

@test "that the store cannot keep what a layer deletes is no fault of the archive" {
	make_deleting
	sandbox import --userns=single deleting.tar
	assert_status 0
	# A file system without attributes.
	run --separate-stderr as_layer_root unshare -m sh -c '
		mkdir -p "$2/plain" && mount -t ramfs -o mode=0700 none "$2/plain" && "$1" --root "$2/plain/store" import --userns=single deleting.tar' \
		sh "$SANDBOX" "$BATS_TEST_TMPDIR"
	assert_error E_NO_ATTRIBUTES
	[[ $stderr != *HOSTILE* ]]
}

@test "whatever the umask and the closed descriptors, an import works" {
	make_tree
	(umask 777 && "$SANDBOX" import --name masked tree.tar)
	sandbox images -q
	assert_success "sha256:$(sha256sum <tree.tar | cut -d' ' -f1)"
	"$SANDBOX" rmi masked
	run sh -c '"$1" import tree.tar <&- 2>&-' sh "$SANDBOX"
	assert_status 0
	(ulimit -n 16 && "$SANDBOX" import --name few tree.tar)
}
