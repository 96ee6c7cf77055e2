#!/usr/bin/env bats
# One tree, in every form that the usual tools write and in every compression: what comes out is the same, entry by
# entry (kind, mode, owner, time, attributes, names of one file, contents), as what umoci, tar and podman make of it.
# takes long

# shellcheck disable=SC2154  # bats's variables

load helper
load layered
load store

setup_file() {
	private_folders
	export STORE=$XDG_CACHE_HOME/sandbox MADE=$BATS_FILE_TMPDIR/images
	mkdir -p "$MADE/layers" "$MADE/packed"
	(cd "$MADE" && make_forms)
}

teardown_file() {
	as_layer_root rm -rf "$MADE"
	remove_private_folders
}

setup() {
	cd "$MADE" || return
}

# The folder that umoci makes of the image is what all else is compared with, and what is exported.
make_forms() {
	python3 "$images" layers layers "$BUSYBOX_TAR"
	make_layout layout layers/0[0-2].tar
	as_layer_root umoci unpack --image layout:t unpacked 2>/dev/null
	chmod 0755 unpacked
	list_folder unpacked/rootfs >expected
	[ "$(wc -l <expected)" -gt 280 ]
	make_exports
	skopeo copy -q oci:layout:t docker-archive:docker-skopeo.tar:example.org/test:1
	skopeo copy -q oci:layout:t oci-archive:oci-skopeo.tar:t
	python3 "$images" docker docker-old.tar layout
	python3 "$images" hybrid docker-hybrid.tar layout
}

list_folder() {
	as_layer_root "$HELPERS/listing" "$1" | comparable
}

# As `docker export` writes it, which is not to be had here, by tar; and by podman itself.
make_exports() {
	local storage container
	# shellcheck disable=SC2016
	as_layer_root tar -C unpacked/rootfs --numeric-owner --xattrs --xattrs-include='user.*' --format=pax -cf export-tar.tar .
	storage=$(mktemp -d "${TMPDIR:-/tmp}/pXXXXXX")
	podman=(podman --root "$storage/root" --runroot "$storage/r" --tmpdir "$storage/tmp" --storage-driver vfs
		--cgroup-manager cgroupfs --events-backend none --log-level error)
	container=$("${podman[@]}" create --quiet --network none --cgroups disabled \
		"$("${podman[@]}" import --quiet export-tar.tar)" true)
	"${podman[@]}" export --output export-podman.tar "$container"
	find "$storage" -path "$storage/root" -prune -o -name pause.pid -exec sh -c 'kill "$(cat "$1")"' sh {} \;
	as_layer_root rm -rf "$storage"
}

compressions=(none:cat gzip:gzip\ -1 bzip2:bzip2\ -1 xz:xz\ -0 zstd:zstd\ -q lz4:lz4\ -q)

# usage: assert_same IMAGE LAYERS
assert_same() {
	list_inside "$1" | comparable | diff expected - || { echo "$1 is another tree" && return 1; }
	[ "$(layers)" = "$2" ] || { echo "$1 has not $2 layers" && return 1; }
}

# usage: assert_form ARCHIVE LAYERS: compressed in each way
assert_form() {
	local row packed
	for row in "${compressions[@]}"; do
		packed=packed/$1.${row%%:*}
		# shellcheck disable=SC2086
		${row#*:} <"$1" >"$packed"
		"$SANDBOX" reset
		assert_same "./$packed" "$2"
		sandbox images --json
		assert_output_has "\"compression\": \"${row%%:*}\""
		rm "$packed"
	done
}

@test "a root file system, as docker export and podman export write it" {
	assert_form export-tar.tar 1
	assert_form export-podman.tar 1
}

@test "a docker archive, as docker save wrote it until version 24, and since" {
	assert_form docker-old.tar 3
	assert_form docker-hybrid.tar 3
}

@test "a docker archive, as skopeo and podman save write it" {
	assert_form docker-skopeo.tar 3
}

@test "an OCI archive" {
	assert_form oci-skopeo.tar 3
}

@test "an OCI layout, whose layers are compressed" {
	local row
	for row in "${compressions[@]}"; do
		rm -rf packed/layout
		# shellcheck disable=SC2086
		python3 "$images" packed packed/layout layout ${row#*:}
		"$SANDBOX" reset
		assert_same ./packed/layout 3
	done
}

@test "an archive whose layers are compressed" {
	local row
	for row in "${compressions[@]}"; do
		# shellcheck disable=SC2086
		python3 "$images" docker packed/docker.tar layout ${row#*:}
		"$SANDBOX" reset
		assert_same ./packed/docker.tar 3
	done
}

@test "standard input, through a pipe" {
	local row form
	for form in export-tar.tar oci-skopeo.tar; do
		for row in "${compressions[@]}"; do
			"$SANDBOX" reset
			# shellcheck disable=SC2086
			${row#*:} <"$form" | "$SANDBOX" import --name piped - >/dev/null
			assert_same piped "$([ "$form" = oci-skopeo.tar ] && echo 3 || echo 1)"
		done
	done
}

@test "a folder" {
	"$SANDBOX" reset
	list_inside ./unpacked/rootfs | comparable | diff expected -
}

@test "tar as root makes the same of an export" {
	mkdir by-tar
	as_layer_root tar -C by-tar --numeric-owner --xattrs --xattrs-include='user.*' -xpf export-podman.tar
	list_folder by-tar | diff expected -
}
