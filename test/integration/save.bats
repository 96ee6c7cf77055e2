#!/usr/bin/env bats
# What leaves the image store as an archive: `sandbox save`, and what other tools and we ourselves make of it.

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper
load layered
load podman

trees=$PWD/test/integration/trees.py

setup_file() {
	private_folders
	export STORE=$XDG_CACHE_HOME/sandbox MADE=$BATS_FILE_TMPDIR/images
	BUSYBOX=$(command -v busybox)
	export BUSYBOX
	mkdir -p "$MADE/layers"
	(cd "$MADE" && make_images)
}

teardown_file() {
	remove_private_folders
}

make_images() {
	python3 "$trees" archive tree.tar special
	python3 "$trees" archive plain.tar
	"$SANDBOX" import --name tree tree.tar
	"$SANDBOX" import --name busybox:1 "$BUSYBOX_TAR"
	python3 "$images" layers layers "$BUSYBOX_TAR"
	make_layout layered layers/*.tar
	umoci config --image layered:t --config.label key=value=2
	"$SANDBOX" import --name layered layered
} >/dev/null 2>&1

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# The stores in here belong to subordinate ids.
teardown() {
	cd / && as_layer_root find "$BATS_TEST_TMPDIR" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
}

# Every object of the tree that a store holds of a file system, in a line each.
manifest_of() {
	as_layer_root python3 "$trees" manifest "$(echo "$1"/layers/*/root)"
}

@test "what is saved and imported again is the same tree, entry by entry" {
	manifest_of_tree=$BATS_TEST_TMPDIR/expected
	"$SANDBOX" --root first import "$MADE/tree.tar"
	manifest_of first >"$manifest_of_tree"
	[ "$(wc -l <"$manifest_of_tree")" -gt 450 ]
	grep -q security.capability "$manifest_of_tree"
	for format in docker-archive oci-archive; do
		sandbox save --format "$format" -o "$format.tar" tree
		assert_success ''
		"$SANDBOX" --root "$format" import "$format.tar"
		manifest_of "$format" | diff "$manifest_of_tree" -
	done
}

@test "with a single id the recorded owners and set-id bits are those of the archive" {
	"$SANDBOX" --root one import --userns single "$MADE/plain.tar"
	"$SANDBOX" --root many import "$MADE/plain.tar"
	"$SANDBOX" --root one save -o saved.tar "$("$SANDBOX" --root one images -q)"
	"$SANDBOX" --root again import saved.tar
	diff <(manifest_of many) <(manifest_of again)
	manifest_of again | grep -q -- 'setuid-of-seven.* -rws--s--x 7:9 '
}

@test "what is saved of an image for a single id has all that its archive had" {
	"$SANDBOX" --root one import --userns single --name tree "$MADE/tree.tar"
	sandbox --root one save -o saved.tar tree
	assert_success ''
	tar -xOf saved.tar --wildcards '*.tar' >layer.tar
	diff <(python3 "$trees" entries "$MADE/tree.tar") <(python3 "$trees" entries layer.tar)
}

@test "what a single id could not keep is told of" {
	python3 "$trees" archive tree.tar lossy
	"$SANDBOX" --root one import --userns single --name tree tree.tar
	sandbox --root one save -o saved.tar tree
	assert_status 0
	assert_stderr_has 'lost when the image was unpacked for a single id'
}

@test "thirty layers stay layers, with their deletions and the configuration" {
	sandbox save -o saved.tar layered
	assert_success ''
	# Of the streams that come twice, one takes nothing from below: it is the same layer, and there once.
	[ "$(tar -tf saved.tar | grep -c '\.tar$')" = $(($(find "$MADE/layers" -name '*.tar' | wc -l) - 1)) ]
	"$SANDBOX" --root again import --name layered saved.tar
	list_inside layered | grep -v '^\. ' >before
	store=again list_inside layered | grep -v '^\. ' >after
	diff before after
	# What the archive calls it is new, and its history where a layer that came twice is there once.
	diff <(jq 'select(.config.user == "100:200").config | del(.names, .history)' "$STORE"/images/*.json) \
		<(jq '.config | del(.names, .history)' again/images/*.json)
	jq -e '.config.labels == ["key=value=2"] and .config.names == ["layered:latest"]' again/images/*.json
}

@test "skopeo and umoci read both formats, and the digests are right" {
	for format in docker-archive oci-archive; do
		"$SANDBOX" save --format "$format" -o "$format.tar" layered
		skopeo copy -q "$format:$format.tar" "oci:$format:t"
		# shellcheck disable=SC2016
		as_layer_root sh -c 'umoci unpack --image "$1:t" "$1.d" && exec "$2" "$1.d/rootfs"' sh "$format" "$HELPERS/listing" \
			>"$format.list" 2>log || { cat log && false; }
		as_layer_root rm -rf "$format.d"
	done
	diff docker-archive.list oci-archive.list
	skopeo inspect docker-archive:docker-archive.tar | jq -e '.Labels.key == "value=2" and .Os == "linux"'
	# skopeo verifies what it copies; a byte changed in a layer must fail there, or this test shows nothing.
	python3 - docker-archive.tar <<-'END'
		import sys
		with open(sys.argv[1], "r+b") as file:
		    file.seek(file.read().index(b"in directories that nobody lists"))
		    file.write(b"IN")
	END
	capture skopeo copy docker-archive:docker-archive.tar oci:broken:t
	[ "$status" != 0 ] || fail_with 'the damaged archive should be refused'
}

@test "podman loads both formats and runs them" {
	for format in docker-archive oci-archive; do
		"$SANDBOX" save --format "$format" -o "$format.tar" busybox:1
		with_podman "podman load -q -i $format.tar && run localhost/busybox:1 /bin/busybox echo it runs"
		assert_status 0
		assert_output_has 'it runs'
	done
}

@test "several images are in one archive, and a layer of several is there once" {
	"$SANDBOX" save -o saved.tar tree layered tree "$("$SANDBOX" images --json | jq -r '.[] |
		select(.names[0] == "layered").digest')"
	jq -e 'map(.RepoTags) == [["tree:latest"], ["layered:latest"], ["tree:latest"], []]' <(tar -xOf saved.tar manifest.json)
	refute grep '\.tar$' <(tar -tf saved.tar | sort | uniq -d)
	sandbox --root again import --select layered:latest saved.tar
	assert_status 0
	sandbox --root again run -u 0 --entrypoint cat layered:latest /n/27
	assert_success 27
}

@test "the archive is the same each time, also through a pipe or behind something else" {
	"$SANDBOX" save -o first.tar tree
	"$SANDBOX" save tree >second.tar
	"$SANDBOX" save tree | cat >third.tar
	"$SANDBOX" save tree >>fourth.tar
	for copy in second third fourth; do
		cmp first.tar "$copy.tar"
	done
	[ -z "$(find "$STORE/staging" -mindepth 1)" ]
}

@test "holes stay holes, and files of odd sizes whole" {
	mkdir tree
	truncate -s 1G tree/hole
	printf end | dd of=tree/ended bs=1 seek=300M status=none
	printf 'begin' >tree/begun
	truncate -s 200M tree/begun
	head -c 1048577 /dev/urandom >tree/odd
	tar -C tree --sparse -cf tree.tar .
	"$SANDBOX" --root first import --name sparse tree.tar
	"$SANDBOX" --root first save -o saved.tar sparse
	[ "$(stat -c %s saved.tar)" -lt 3000000 ]
	"$SANDBOX" --root again import saved.tar
	diff <(manifest_of first) <(manifest_of again)
	[ "$(manifest_of again | grep -c sparse)" = 3 ]
	tar -xf saved.tar --wildcards '*.tar'
	mkdir gnu
	tar -C gnu -xf [0-9a-f]*.tar
	cmp tree/ended gnu/ended
	cmp tree/begun gnu/begun
	cmp tree/odd gnu/odd
	[ "$(stat -c %s gnu/hole)" = 1073741824 ]
}

@test "long names, names that are no UTF-8, and names of deletions" {
	mkdir -p tree/d
	long=$(printf 'x%.0s' {1..250})
	mkdir -p "tree/$long/$long"
	echo long >"tree/$long/$long/file"
	ln -s "$long/$long/file" tree/link
	echo bytes >"tree/$(printf 'caf\xe9')"
	echo letters >tree/café
	tar -C tree -cf tree.tar .
	"$SANDBOX" --root first import --name names tree.tar
	"$SANDBOX" --root first save -o saved.tar names
	"$SANDBOX" --root again import saved.tar
	diff <(manifest_of first) <(manifest_of again)
	echo literal >tree/d/.wh.file
	tar -C tree -cf tree.tar .
	"$SANDBOX" --root first import --name deleting tree.tar
	sandbox --root first save -o other.tar deleting
	assert_error E_LAYER_NAME
	assert_stderr_has '.wh.file'
	[ ! -e other.tar ]
	# A device is no file of the tree, but noted there.
	rm tree/d/.wh.file
	tar -C tree -cf tree.tar .
	python3 -c 'import tarfile; t = tarfile.open("tree.tar", "a"); i = tarfile.TarInfo("./d/.wh.null")
i.type = tarfile.CHRTYPE; i.devmajor, i.devminor = 1, 3; t.addfile(i); t.close()'
	"$SANDBOX" --root first import --name device tree.tar
	sandbox --root first save -o other.tar device
	assert_error E_LAYER_NAME
	assert_stderr_has '.wh.null'
}

@test "nothing is written to a terminal, nor for an image that there is not" {
	capture script -qec "'$SANDBOX' save tree" /dev/null
	assert_status 125
	assert_output_has 'refused to write an archive to the terminal'
	sandbox save tree nothing
	assert_error E_IMAGE_UNKNOWN
	assert_stderr_has nothing
	assert_output ''
	sandbox --root none save tree
	assert_error E_IMAGE_UNKNOWN
	assert_stderr_has tree
	[ ! -e none ]
	sandbox save -o missing/file.tar tree
	assert_status 125
	sandbox save --format tar tree
	assert_status 125
	assert_stderr_has 'docker-archive, oci-archive'
	sandbox save
	assert_status 125
	assert_stderr_has 'IMAGE is missing'
}

@test "who could read the file that is replaced can read the new one, and nobody else" {
	for mode in 600 640 644; do
		echo before >file.tar
		chmod $mode file.tar
		"$SANDBOX" save -o file.tar tree
		[ "$(stat -c %a file.tar)" = $mode ]
	done
	rm file.tar
	(umask 027 && "$SANDBOX" save -o file.tar tree)
	[ "$(stat -c %a file.tar)" = 640 ]
}

@test "a file is there when it is complete, and else the one that was there before" {
	echo before >file.tar
	sandbox save -o file.tar tree nothing
	assert_error E_IMAGE_UNKNOWN
	assert_stderr_has nothing
	[ "$(cat file.tar)" = before ]
	capture env SANDBOX_TEST_KILL_AT=save-layer-written "$SANDBOX_SWITCHED" save -o file.tar tree
	[ "$status" != 0 ] || fail_with 'it should have been killed'
	[ "$(cat file.tar)" = before ]
	[ "$(find . -type f ! -name .output ! -name .stderr)" = ./file.tar ]
	ln -s file.tar link.tar
	"$SANDBOX" save -o link.tar tree
	[ -L link.tar ]
	tar -tf file.tar >/dev/null
	capture bash -c '"$1" save tree >/dev/full' sh "$SANDBOX"
	assert_error E_NO_SPACE
	assert_stderr_has 'write the archive'
}
