#!/usr/bin/env bats
# Archives of an adversary, and peculiar honest ones. Each is imported into an empty store; archives.bash
# says what is judged.
# runs alone

# shellcheck disable=SC2034,SC2154  # archives.bash gives and takes variables

load ../integration/helper
load archives

setup_file() {
	archives_prepare
}

@test "names that lead elsewhere are refused" {
	examine_classes dotdot absolute slash-names dot-entry below-file
}

@test "odd spellings, NULs, escapes and whiteouts are names or refusals, never more" {
	examine_classes spelling nul-name escape-name whiteout symlink-loop
}

@test "symbolic links are never followed" {
	examine_classes symlinked-parent directory-replaced written-through deferred-chmod long-target
}

@test "hard links reach only what the archive brought before" {
	examine_classes hardlink-through-symlink hardlink-outside hardlink-data hardlink-self hardlink-directory hardlink-forward
}

@test "duplicates and special files are contained" {
	examine_classes duplicate fifo device setuid unknown-kind
}

@test "attributes that mean something to the host or to overlay never arrive" {
	examine_classes xattr-trusted xattr-security xattr-overlay xattr-owner xattr-capability xattr-acl
}

@test "owners and times out of range do no harm" {
	examine_classes owner mtime
}

@test "what costs too much is refused" {
	examine_classes sparse-bomb ratio-bomb limit-bytes limit-entries limit-depth limit-header size
}

@test "what is cut short is refused" {
	examine_classes truncated-boundary truncated-inside compressed-cut
}

@test "damage and contradictions are refused" {
	examine_classes checksum trailing compressed-junk compressed-damage pax-global pax-mismatch sparse-map
}

@test "only tar is read" {
	examine_classes format
}

@test "peculiar honest archives make the tree that they describe, and run" {
	examine_classes honest
}

@test "with a single id it is the same" {
	IMPORT_FLAGS=--userns=single
	examine_classes dotdot symlinked-parent written-through hardlink-outside xattr-overlay xattr-owner
}

@test "a tree 3,000 directories deep can be removed" {
	store_remove
	"$SANDBOX" import --max-depth=4000 --name=deep "$ARCHIVES/limit-depth-3000.tar"
	[ "$(as_layer_root find "$store/layers" -name d -printf x | wc -c)" = 3000 ]
	"$SANDBOX" rmi deep
	[ -z "$(store_contents)" ]
}

@test "every class of the generator is examined above" {
	local class
	while read -r class; do
		grep -qE "examine_classes .*\b$class( |\$)" "$BATS_TEST_FILENAME" || {
			echo "no test examines the class $class"
			return 1
		}
	done < <(cut -f2 "$ARCHIVES/manifest" | sort -u)
}

# --- the tests can fail ----------------------------------------------------------------------------------

set_attribute() {
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.note", b"changed")' "$1"
}

@test "the canary notices a write, a mode, an owner's attribute, a link, a new file anywhere" {
	local change before
	for change in 'echo x >>"$CANARY/file"' 'chmod 0711 "$CANARY/sub"' 'set_attribute "$CANARY/file"' \
		'ln "$CANARY/file" "$BATS_TEST_TMPDIR/link"' 'touch /tmp/planted' 'touch "$HOME/planted"' \
		'echo x >"$XDG_CACHE_HOME/other/new"' 'touch -r /etc/passwd "$CANARY/sub/file"'; do
		before=$(canary_snapshot)
		eval "$change"
		if [ "$before" = "$(canary_snapshot)" ]; then
			echo "unnoticed: $change"
			return 1
		fi
	done
	rm /tmp/planted "$HOME/planted"
}

@test "a careless program that unpacks these archives does change the canary" {
	run python3 "$archive_tools/careless.py" "$BATS_TEST_TMPDIR/careless"
	echo "# ${output//$'\n'/$'\n'# }" >&3
	[ "$status" = 0 ]
}

@test "limits are what refuses: raised, the same archives are accepted" {
	local count=0 file kind expect flags allow runnable why
	while read_row; do
		[ "$allow" != - ] || continue
		store_remove
		"$SANDBOX" import "$allow" "$ARCHIVES/$file"
		count=$((count + 1))
	done <"$ARCHIVES/manifest"
	[ "$count" -ge 10 ]
}

# without DEFENCE,… CLASS PATTERN: the test build without these defences meets an objection that matches.
without() {
	local objections
	export SANDBOX_TEST_REMOVE=$1
	SANDBOX=$SANDBOX_SWITCHED
	objections=$(objections_to "$2")
	if ! grep -q "$3" <<<"$objections"; then
		echo "without $1 the class $2 should meet \"$3\", but met: $objections"
		return 1
	fi
}

@test "without refusing .. and resolving beneath the root, the canary changes" {
	without archive-dotdot,archive-resolve,importer-confined dotdot 'changed outside'
}

@test "without resolving beneath the root, links lead outside" {
	without archive-resolve,importer-confined symlinked-parent 'changed outside'
	without archive-resolve,importer-confined hardlink-through-symlink 'changed outside'
}

@test "where that defence is gone, the importer's root directory is the limit" {
	local class objections
	export SANDBOX_TEST_REMOVE=archive-dotdot,archive-resolve
	SANDBOX=$SANDBOX_SWITCHED
	for class in dotdot symlinked-parent hardlink-through-symlink; do
		objections=$(objections_to "$class")
		# They are indeed gone.
		grep -q 'exit status 0, not 125' <<<"$objections"
		if grep "changed outside: $CANARY" <<<"$objections"; then
			return 1
		fi
	done
}

@test "without refusing absolute names, they are accepted" {
	without archive-absolute absolute 'exit status 0'
}

@test "without asking for the end marker, what is cut short is accepted" {
	without archive-end truncated-boundary 'exit status 0'
	without archive-end trailing 'exit status 0'
}

@test "without refusing them, overlay's attributes arrive" {
	without archive-overlay-attributes xattr-overlay 'exit status 0'
}
