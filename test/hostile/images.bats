#!/usr/bin/env bats
# Images with layers, by an adversary: their manifests, configurations and deletions. Each is imported into an empty
# store. What a layer holds besides is read as every other archive: archives.bats.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2317  # archives.bash gives and takes variables; rows have more columns than are read

load ../integration/helper
load archives

setup_file() {
	private_folders
	export CANARY=$BATS_FILE_TMPDIR/canary ARCHIVES=$BATS_FILE_TMPDIR/archives store=$XDG_CACHE_HOME/sandbox
	export PYTHONDONTWRITEBYTECODE=1
	mkdir -p "$CANARY" "$XDG_CACHE_HOME"
	echo precious >"$CANARY/file"
	python3 "$PWD/test/hostile/images/generate.py" "$ARCHIVES" "$CANARY/file"
}

# What may not change, nor be read: the time of the last access is in it.
canary_state() {
	stat -c '%n %A %U %s %X %Y %Z %h' "$CANARY" "$CANARY/file"
}

# Says what is wrong with the import of one image.
judge() {
	local file=$1 expect=$2 status=0
	store_remove
	timeout 60 "$SANDBOX" import "$ARCHIVES/$file" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	check_printable "$BATS_TEST_TMPDIR/stderr"
	if [ "$expect" = honest ]; then
		[ "$status" = 0 ] || echo "refused: $(cat -v "$BATS_TEST_TMPDIR/stderr")"
		"$SANDBOX" images >"$BATS_TEST_TMPDIR/images" || echo "its image cannot be listed"
		check_printable "$BATS_TEST_TMPDIR/images"
	else
		[ "$status" = 125 ] || echo "exit status $status, not 125"
		grep -q "help $expect" "$BATS_TEST_TMPDIR/stderr" || echo "not $expect: $(cat -v "$BATS_TEST_TMPDIR/stderr")"
		[ -z "$(store_contents)" ] || echo "left in the store: $(store_contents)"
	fi
}

examine() {
	local objections before file kind expect why count=0 bad=0
	before=$(canary_state)
	while IFS=$'\t' read -r file kind expect why; do
		[[ " $* " == *" $kind "* ]] || continue
		count=$((count + 1))
		objections=$(judge "$file" "$expect")
		[ -z "$objections" ] || { echo "$file ($why): $objections" && bad=1; }
	done <"$ARCHIVES/manifest"
	[ "$before" = "$(canary_state)" ] || { echo "changed outside: $(canary_state)" && bad=1; }
	[ "$count" -gt 3 ] && [ "$bad" = 0 ]
}

@test "paths and links in manifests name members of the archive, or nothing" {
	examine path link
}

@test "digests are verified, and nothing of an image stays where one is wrong" {
	examine digest
}

@test "what an image names and does not bring is missing" {
	examine missing
}

@test "JSON is bounded and strict" {
	examine json
}

@test "a configuration says nothing that could be mistaken" {
	examine config
}

@test "indexes end" {
	examine index
}

@test "deletions delete names, and nothing elsewhere" {
	examine whiteout
}

@test "layers are archives like others" {
	examine layer
}

@test "a layout's blobs are files in it" {
	examine layout
}

@test "an archive that is cut short anywhere is refused" {
	examine cut
}

@test "every class of the generator is examined above" {
	local class
	[ "$(cut -f2 "$ARCHIVES/manifest" | sort -u | wc -l)" -gt 5 ]
	while read -r class; do
		grep -qE "^	examine .*\b$class( |\$)" "$BATS_TEST_FILENAME" || { echo "no test examines $class" && return 1; }
	done < <(cut -f2 "$ARCHIVES/manifest" | sort -u)
}

@test "without verifying them, wrong digests are accepted" {
	export SANDBOX_TEST_REMOVE=layer-digest,image-digest
	SANDBOX=$SANDBOX_SWITCHED
	store_remove
	"$SANDBOX" import "$ARCHIVES/diff-id"
	for number in 0 1 2; do
		store_remove
		"$SANDBOX" import "$ARCHIVES/blob-changed-$number"
	done
}

@test "without refusing them, deletions of dots reach the file system" {
	export SANDBOX_TEST_REMOVE=whiteout-dots
	SANDBOX=$SANDBOX_SWITCHED
	store_remove
	"$SANDBOX" import "$ARCHIVES/whiteout-dots"
	# What is above the root of a layer is the root, for who is confined to it.
	capture as_layer_root getfattr --absolute-names --only-values -n user.overlay.opaque "$store"/layers/*/root
	assert_output y
}
