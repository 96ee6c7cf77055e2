#!/usr/bin/env bats
# Looking after the image store: tag, rmi, history, image inspect, verify and prune, df, gc.

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper
load store

setup_file() {
	private_store
}

setup() {
	empty_store
}

# Imports an archive of one file with this content, NAME.tar, under a name or without one; its digest is $digest.
# usage: import_small CONTENT [OPTION…]
import_small() {
	mkdir -p "$1-tree"
	echo "$1" >"$1-tree/file"
	tar -C "$1-tree" --owner=0 --group=0 -cf "$1.tar" .
	digest=$("$SANDBOX" import "${@:2}" "$1.tar")
	record=$STORE/images/${digest#sha256:}.json
}

names() {
	"$SANDBOX" images | awk 'NR > 1 { print $1 }' | sort | paste -sd ' '
}

# Makes an image seem unused for so many days.
age() {
	touch -d "$2 days ago" "$1"
}

# The mapped owner of the layers.
@test "tag gives one more name, also one with a registry, and takes it from another image" {
	import_small one --name one
	sandbox tag one again registry.example:5000/team/app:1.0
	assert_success ''
	[ "$(names)" = 'again one registry.example:5000/team/app:1.0' ]
	first=$digest
	import_small two --name two
	sandbox tag "$digest" again
	assert_success ''
	sandbox image inspect again
	assert_output_has "${digest#sha256:}"
	assert_output_lacks "${first#sha256:}"
	for name in '' a//b 'a b' sha256:x ../x; do
		sandbox tag one "$name"
		assert_error 'cannot be the name of an image'
	done
	sandbox tag nowhere name
	assert_error E_IMAGE_UNKNOWN
	# Its archive stands for it, so long as that is what was imported.
	sandbox tag one.tar by-file
	assert_success ''
	sandbox image inspect by-file
	assert_output_has "${first#sha256:}"
	echo more >>one.tar
	sandbox tag one.tar by-file
	assert_error 'sandbox import one.tar'
	sandbox history ./two.tar
	assert_status 0
	sandbox tag one
	assert_status 125
	assert_stderr_has 'sandbox tag IMAGE NAME'
}

@test "import takes its name after the archive, too" {
	import_small one
	sandbox import one.tar team/one:2
	assert_success "$digest"
	[ "$(names)" = team/one:2 ]
	sandbox import --name other one.tar again
	assert_error 'two names'
	sandbox import one.tar one two
	assert_status 125
}

@test "a name is found by its end, and without latest, if only one fits" {
	import_small one --name docker.io/library/app:1
	for reference in docker.io/library/app:1 library/app:1 app:1; do
		sandbox image inspect "$reference"
		assert_success
	done
	for reference in pp:1 app io/library/app:1; do
		sandbox image inspect "$reference"
		assert_error E_IMAGE_UNKNOWN
	done
	import_small two --name quay.io/other/app:1
	sandbox image inspect app:1
	assert_error E_IMAGE_UNKNOWN
	assert_stderr_has 'docker.io/library/app:1, quay.io/other/app:1'
	sandbox image inspect other/app:1
	assert_success
	"$SANDBOX" tag other/app:1 quay.io/other/tool:latest
	sandbox image inspect tool
	assert_success
	sandbox rmi tool
	assert_success ''
	[ "$(names)" = 'docker.io/library/app:1 quay.io/other/app:1' ]
}

@test "an image with a slash in its name runs; a file of that name comes first" {
	"$SANDBOX" import --name registry.example/busybox:1 "$BUSYBOX_TAR"
	sandbox run registry.example/busybox:1 echo runs
	assert_success runs
	mkdir registry.example
	echo 'no archive' >registry.example/busybox:1
	sandbox run registry.example/busybox:1 echo runs
	assert_error E_ARCHIVE_FORMAT
	sandbox run registry.example/nothing:1 true
	assert_error E_IMAGE_UNKNOWN
}

@test "several names change at once or, when the writer dies, a little later" {
	import_small one --name first
	"$SANDBOX" tag first second third/name
	for step in names-pending names-changing; do
		SANDBOX_TEST_KILL_AT=$step run "$SANDBOX_SWITCHED" rmi --force first
		[ "$status" = 137 ]
		# Decided with the first rename: nobody sees one of them any more.
		[ "$(names)" = '' ]
		sandbox image inspect second
		assert_error E_IMAGE_UNKNOWN
		"$SANDBOX" reset
		import_small one --name first
		"$SANDBOX" tag first second third/name
	done
	[ "$(names)" = 'first second third/name' ]
}

@test "rmi goes on after one that it cannot remove; --force takes all names and forgives a missing one" {
	import_small one --name one
	import_small two --name two
	sandbox rmi one nothing two
	assert_error E_IMAGE_UNKNOWN
	[ "$(layers)" = 0 ]
	sandbox rmi --force nothing
	assert_success ''
	import_small one --name one
	"$SANDBOX" tag one other
	"$SANDBOX" rmi one
	[ "$(names)" = other ]
	"$SANDBOX" tag other one
	sandbox rmi --force one
	assert_success ''
	[ "$(layers)" = 0 ]
}

@test "a record that cannot be understood is named, keeps every layer, and goes by force" {
	import_small one --name one
	damaged=$record
	import_small two --name two
	echo '{"version": 99}' >"$damaged"
	sandbox images
	assert_status 0
	assert_stderr_has "the record of the image sha256:$(basename "$damaged" | head -c 12) cannot be understood"
	for command in 'rmi two' 'gc' 'image prune --all' 'image inspect one' 'run one true'; do
		# shellcheck disable=SC2086
		sandbox $command
		assert_error E_IMAGE_DAMAGED
		assert_stderr_has "$(basename "$damaged" | head -c 12)"
	done
	[ "$(layers)" = 2 ]
	sandbox image verify
	assert_error E_IMAGE_DAMAGED
	assert_output_has 'its record cannot be understood'
	# The fix that the errors name.
	sandbox rmi -f "sha256:$(basename "$damaged" | head -c 12)"
	assert_success ''
	sandbox gc
	assert_status 0
	[ "$(layers)" = 1 ]
	[ "$(names)" = two ]
}

@test "a layer of ids that are not the user's any more keeps verify from no other" {
	import_small one --name one
	import_small two --name two
	local layer
	for layer in "$STORE"/layers/*; do
		if grep -qx two "$layer/root/file"; then
			echo other >"$layer/root/file"
			continue
		fi
		sed -i -E 's/^( *"(users|groups)": "[^"]*)1 [0-9]+ [0-9]+"/\11 4000000000 65536"/' "$layer/ids.json"
		grep -q 4000000000 "$layer/ids.json"
		mv "$layer" "${layer%-*}-0123456789abcdef"
	done
	sandbox image verify
	assert_error E_IMAGE_DAMAGED
	assert_output_has 'newuidmap refuses its ids'
	assert_output_has "${digest:7:12}"
	sandbox image verify one
	assert_error E_IMAGE_DAMAGED
	# The present ids are another matter: then nothing here can be looked at.
	mv "$STORE"/layers/*-0123456789abcdef "$BATS_TEST_TMPDIR"
	sed -i -E 's/^( *"(users|groups)": "[^"]*)1 [0-9]+ [0-9]+"/\11 4000000000 65536"/' "$STORE"/layers/*/ids.json
	sandbox image verify two
	assert_error E_NEWIDMAP_REFUSED
}

@test "importing the archive again mends a damaged record, and an empty one is no image" {
	import_small one --name one
	echo nonsense >"$record"
	sandbox import one.tar
	assert_success "$digest"
	sandbox rmi one
	assert_success ''
	# Also one that is just removed by force: it goes like any image then, with its layers.
	import_small one --name one
	echo nonsense >"$record"
	stop_at image-damaged "$SANDBOX_SWITCHED" rmi --force one
	"$SANDBOX" import one.tar
	go_on
	[ "$(layers)" = 0 ]
	import_small one --name one
	: >"$record"
	sandbox images
	assert_success
	sandbox gc
	assert_status 0
	[ "$(layers)" = 0 ]
}

@test "what came to need a layer just before its lock stays" {
	import_small one --name one
	gzip -kf one.tar
	# The other image of the same layer arrives between the first look and the lock.
	SANDBOX_TEST_STOP_AT=demand-loaded "$SANDBOX_SWITCHED" rmi one &
	removal=$!
	wait_until grep -q '^State:.T' "/proc/$removal/status"
	"$SANDBOX" import --name other one.tar.gz
	kill -CONT "$removal"
	wait "$removal"
	[ "$(names)" = other ]
	sandbox image verify other
	assert_success ''
	# The positive control: without the second look it loses its layer.
	"$SANDBOX" reset
	import_small one --name one
	gzip -kf one.tar
	SANDBOX_TEST_REMOVE=need-again SANDBOX_TEST_STOP_AT=demand-loaded "$SANDBOX_SWITCHED" rmi one &
	removal=$!
	wait_until grep -q '^State:.T' "/proc/$removal/status"
	"$SANDBOX" import --name other one.tar.gz
	kill -CONT "$removal"
	wait "$removal"
	sandbox image verify other
	assert_error E_IMAGE_DAMAGED
}

# Stops a command of the switched build at a point: `go_on` lets it finish. The rest is its environment and words.
# usage: stop_at POINT VARIABLE=VALUE… COMMAND
stop_at() {
	SANDBOX_TEST_STOP_AT=$1 env "${@:2}" >stopped.out 2>&1 3>&- &
	stopped=$!
	wait_until grep -q '^State:.T' "/proc/$stopped/status"
}

go_on() {
	kill -CONT "$stopped"
	wait "$stopped"
}

@test "an image that gets a name, or is used, while it is about to go stays" {
	import_small one
	stop_at image-locked "$SANDBOX_SWITCHED" image prune
	"$SANDBOX" tag "$digest" saved
	go_on
	[ "$(names)" = saved ]
	sandbox image verify saved
	assert_success ''
	# One of two names that has become one of three, since rmi looked.
	"$SANDBOX" reset
	import_small one --name one
	stop_at image-locked "$SANDBOX_SWITCHED" rmi one
	"$SANDBOX" tag one saved
	go_on
	[ "$(names)" = saved ]
	sandbox image verify saved
	assert_success ''
	# One that was used since.
	age "$record" 30
	stop_at image-locked "$SANDBOX_SWITCHED" gc --all --older-than 10d
	touch "$record"
	go_on
	[ "$(names)" = saved ]
	# The positive control: it goes when nobody looks again.
	"$SANDBOX" reset
	import_small one
	stop_at image-locked SANDBOX_TEST_REMOVE=terms-again "$SANDBOX_SWITCHED" image prune
	"$SANDBOX" tag "$digest" saved
	go_on
	[ "$(names)" = '' ]
}

@test "an image that is removed before it has its name gets none, or comes back with its importer" {
	import_small one --name one
	gzip -kf one.tar
	# All of its layers are needed by another image: nothing of it could be locked.
	stop_at import-recorded "$SANDBOX_SWITCHED" import --name two one.tar.gz
	"$SANDBOX" image prune
	[ "$(names)" = one ]
	go_on
	[ "$(names)" = 'one two' ]
	sandbox image verify two
	assert_success ''
	local gone
	gone=$STORE/images/$(sha256sum <one.tar.gz | cut -d ' ' -f 1).json
	stop_at names-locked SANDBOX_TEST_REMOVE=named-image "$SANDBOX_SWITCHED" tag two of-nothing
	mv "$gone" aside
	go_on
	mv aside "$gone"
	[ "$(names)" = 'of-nothing one two' ]
	stop_at names-locked "$SANDBOX_SWITCHED" tag two three
	rm "$gone"
	refute go_on
	grep -q E_IMAGE_UNKNOWN stopped.out
	[[ $(names) != *three* ]]
}

@test "df keeps nobody from a layer while it counts" {
	import_small one --name one
	stop_at usage-counted "$SANDBOX_SWITCHED" df
	sandbox rmi one
	go_on
	assert_success ''
	import_small one --name one
	stop_at usage-counted SANDBOX_TEST_REMOVE=usage-unlocked "$SANDBOX_SWITCHED" df
	sandbox rmi one
	go_on
	assert_error E_IMAGE_IN_USE
}

@test "image inspect tells everything, image ls and rm are images and rmi" {
	import_small one --name one
	sandbox image inspect one "$digest"
	assert_success
	run python3 -c 'import json, sys
one, two = json.load(sys.stdin)
print(one == two, one["names"], one["digest"] == sys.argv[1], one["entries"], one["config"]["env"])' "${digest#sha256:}" \
		<<<"$output"
	assert_output "True ['one'] True 2 []"
	sandbox image ls -q
	assert_success "$digest"
	sandbox images --no-trunc
	assert_output_has "${digest#sha256:}"
	sandbox image rm one
	assert_success ''
	sandbox image inspect one
	assert_error E_IMAGE_UNKNOWN
	sandbox image verfy
	assert_status 125
	assert_stderr_has 'sandbox image verify'
}

@test "image verify names each file that has changed, and how; --discard lets an import mend it" {
	mkdir -p tree/folder tree/other
	for name in content mode owner time removed link; do
		echo "$name" >"tree/folder/$name"
	done
	ln -s content tree/folder/symlink
	mkfifo tree/fifo
	setfattr -n user.note -v kept tree/folder/mode
	truncate -s 1M tree/sparse
	tar -C tree --owner=0 --group=0 --sparse --xattrs -cf tree.tar .
	"$SANDBOX" import --name tree tree.tar >digest
	sandbox image verify tree
	assert_success ''
	sandbox image verify --json
	assert_output_has '"entries": 12'
	# shellcheck disable=SC2016
	as_layer_root sh -c 'cd "$1/folder" && printf Content | dd of=content conv=notrunc status=none &&
		touch -d @1 ../sparse && printf x | dd of=../sparse bs=1 seek=70000 conv=notrunc status=none &&
		chmod 0600 mode && chown 7:8 owner && touch -d @5 time && rm removed && ln -sf elsewhere symlink &&
		setfattr -n user.note -v else link && echo new >added' sh "$(echo "$STORE"/layers/*/root)"
	sandbox image verify tree
	assert_error E_IMAGE_DAMAGED
	sed -n 's/^[0-9a-f]\{12\}  [0-9a-f]\{12\}  //p' <<<"$output" | sed 's/  */ /g' | sort >found
	diff - found <<-END
		attributes folder/link
		missing folder/removed
		mode folder/mode
		not of the image folder/added
		owner, group folder/owner
		size, time, content folder/symlink
		time folder
		time folder/time
		time, content folder/content
		time, content sparse
	END
	sandbox image verify --discard tree
	assert_error E_IMAGE_DAMAGED
	[ "$(layers)" = 0 ]
	sandbox import tree.tar
	assert_success "$(<digest)"
	sandbox image verify
	assert_success ''
}

@test "image verify knows of layers that are gone, and says which it cannot judge" {
	import_small one --name one
	rm "$STORE"/layers/*/manifest
	sandbox image verify
	assert_error E_IMAGE_DAMAGED
	assert_stderr_has 'could not be compared'
	as_layer_root rm -rf "$STORE"/layers/*
	sandbox image verify
	assert_error E_IMAGE_DAMAGED
	assert_output_has missing
}

@test "image verify goes on after a layer that is in use, or that cannot be read" {
	"$SANDBOX" import --name busy "$BUSYBOX_TAR"
	import_small one --name one
	# shellcheck disable=SC2016
	as_layer_root sh -c 'for root in "$1"/layers/*/root; do echo more >"$root/added"; done' sh "$STORE"
	mkfifo hold
	"$SANDBOX" run -i busy cat <hold >/dev/null 3>&- &
	exec 9>hold
	# shellcheck disable=SC2016
	wait_until sh -c '[ "$("$SANDBOX" df --json | jq .idle_images)" = 1 ]'
	sandbox image verify --discard
	exec 9>&-
	wait $!
	assert_error E_IMAGE_DAMAGED
	assert_output_has 'in use, so it stays'
	# The damaged one that nobody uses went all the same.
	[ "$(layers)" = 1 ]
	[ "$(id -u)" != 0 ] || skip 'root reads everything'
	chmod 0000 "$STORE"/layers/*
	sandbox image verify busy
	chmod 0700 "$STORE"/layers/*
	assert_error E_IMAGE_DAMAGED
	assert_output_has 'cannot be compared: Permission denied'
	# That nobody can look is no fault of the image's.
	capture setpriv --no-new-privs "$SANDBOX" image verify busy
	assert_error E_NNP
	assert_stderr_has 'verify the image sha256:'
	[ -z "$output" ]
}

@test "every layer under every id map is verified" {
	import_small one --name one
	"$SANDBOX" import --userns=single one.tar
	sandbox image verify --json
	assert_output_has '"layers": 2'
	echo more >>"$(dirname "$STORE"/layers/*/root/file | head -n 1)/file" 2>/dev/null || as_layer_root \
		sh -c 'echo more >>"$1"' sh "$(find "$STORE"/layers -name file | head -n 1)"
	sandbox image verify
	assert_error E_IMAGE_DAMAGED
}

@test "image prune removes what has no name, with --all what is not in use" {
	import_small one --name one
	import_small two
	sandbox image prune --dry-run
	assert_output_has "$digest"
	[ "$(layers)" = 2 ]
	sandbox image prune
	assert_status 0
	assert_output_has "$digest"
	[ "$(names)" = one ]
	import_small two
	sandbox image prune --older-than 1h
	assert_output_has '0 images'
	age "$record" 1
	sandbox image prune --older-than 1h
	assert_output_has '1 image '
	sandbox image prune --all --json
	assert_output_has '"layers": 1'
	[ "$(layers)" = 0 ]
}

@test "what would be removed is what is, also of a layer that several images have" {
	import_small one
	gzip -kn one.tar
	"$SANDBOX" import one.tar.gz
	sandbox image prune --dry-run --json
	assert_output_has '"layers": 1'
	would=$(jq 'del(.dry_run)' <<<"$output")
	sandbox image prune --json
	[ "$(jq 'del(.dry_run)' <<<"$output")" = "$would" ]
	[ "$(layers)" = 0 ]
}

@test "gc takes the longest unused first, and a run counts as a use" {
	for name in old used new; do
		import_small "$name" --name "$name"
		age "$record" "$((10 - 3))"
	done
	age "$STORE/images/$(sha256sum <old.tar | cut -d' ' -f1).json" 30
	sandbox gc --older-than 20d
	assert_output_has '0 images'
	"$SANDBOX" run used true 2>/dev/null || true
	sandbox gc --all --older-than 3d --dry-run
	assert_output_has '2 images'
	sandbox gc --all --older-than 20d
	assert_output_has '1 image '
	[ "$(names)" = 'new used' ]
	# One layer of a single small file takes some kilobytes.
	sandbox gc --all --max-size 1g
	assert_output_has '0 images'
	sandbox gc --max-size 1
	assert_error E_IMAGE_IN_USE
	assert_stderr_has 'gc --all --max-size 1'
	half=$("$SANDBOX" df --json | awk -F '[:,]' '/layer_bytes/ { print $2 - 1 }')
	sandbox gc --all --max-size "$half"
	assert_output_has '1 image '
	[ "$(names)" = used ]
	sandbox gc --all
	assert_error --older-than
	for option in --max-size=x --older-than=x --nothing; do
		sandbox gc "$option"
		assert_status 125
		assert_stderr_has 'sandbox gc --help'
	done
}

@test "gc to a size takes no more when more is removed than it measured" {
	"$SANDBOX" import --name large "$BUSYBOX_TAR"
	large=$(echo "$STORE"/images/*.json)
	import_small one --name small
	for defence in SANDBOX_TEST_REMOVE=none SANDBOX_TEST_REMOVE=size-left; do
		"$SANDBOX" import --name large "$BUSYBOX_TAR"
		touch -d @1000000000 "$large"
		taken=$("$SANDBOX" df --json | jq .layer_bytes)
		# Copied for other ids while it goes: its removal frees more than there was.
		stop_at gc-measured $defence "$SANDBOX_SWITCHED" gc --all --max-size $((taken - 1))
		"$SANDBOX" import --userns=single "$BUSYBOX_TAR"
		touch -d @1000000000 "$large"
		go_on || [[ $defence != *=none ]]
		[ "$(names)" = "$([[ $defence != *=none ]] || echo small)" ]
	done
}

@test "gc and prune leave what a sandbox runs from" {
	"$SANDBOX" import --name busy "$BUSYBOX_TAR"
	mkfifo hold
	"$SANDBOX" run busy cat <hold &
	running=$!
	exec 7>hold
	wait_until sh -c "cat /proc/locks | grep -q ':$(stat -c %i "$STORE"/layers/*) '"
	age "$(echo "$STORE"/images/*.json)" 30
	sandbox gc --all --older-than 1d
	assert_output_has '0 images'
	sandbox image prune --all
	assert_output_has '0 images'
	sandbox df --json
	assert_output_has '"idle_images": 0'
	exec 7>&-
	wait "$running"
	sandbox df --json
	assert_output_has '"idle_images": 1'
	sandbox image prune --all
	assert_output_has '1 image '
}

@test "what a kept sandbox stands on stays; by force its image goes, and its layers stay" {
	"$SANDBOX" import --name image "$BUSYBOX_TAR"
	"$SANDBOX" run --name kept image true
	sandbox rmi image
	assert_error E_IMAGE_IN_USE
	sandbox image prune --all
	assert_output_has '0 images'
	sandbox rmi --force image
	assert_success ''
	sandbox images -q
	assert_success ''
	sandbox gc
	assert_output_has '0 layers'
	sandbox start --attach kept
	assert_status 0
	"$SANDBOX" rm kept
	sandbox gc
	assert_output_has '1 layer'
	[ "$(layers)" = 0 ]
}

@test "gc clears layers that no image has, and archives that no image came from" {
	import_small one --name one
	touch -d '1 hour ago' one.tar
	sleep 2.2
	"$SANDBOX" import one.tar
	[ -n "$(find "$STORE/archives" -type f)" ]
	rm "$record"
	sandbox df
	assert_output_has 'layers of no image  1'
	sandbox gc --dry-run
	assert_output_has '1 layer'
	[ "$(layers)" = 1 ]
	sandbox gc
	assert_output_has '1 layer'
	[ "$(layers)" = 0 ]
	[ -z "$(find "$STORE/archives" -type f)" ]
	sandbox gc
	assert_success '0 images and 0 layers, 0 B'
}

# Removes images without a name as soon as nobody runs from them, until a file is there; a failure is written down.
collect_until() {
	while [ ! -e "$1" ]; do
		"$SANDBOX" image prune >/dev/null 2>>"$1.failures" || echo "prune: $?" >>"$1.failures"
		"$SANDBOX" gc --older-than 1ms >/dev/null 2>>"$1.failures" || echo "gc: $?" >>"$1.failures"
		echo >>"$1.rounds"
	done
}

# SANDBOX_GC_RUNS=200 for the whole of it.
@test "garbage collection in a loop beside many runs: none fails" {
	local i pids=() failed=0 runs=${SANDBOX_GC_RUNS:-24}
	"$SANDBOX" import --name named "$BUSYBOX_TAR"
	gzip -c "$BUSYBOX_TAR" >nameless.tar.gz
	cp "$BUSYBOX_TAR" another.tar
	# With a layer of its own, which goes and comes.
	echo more >file
	tar --append -f another.tar file
	collect_until "$PWD/enough" &
	collector=$!
	for ((i = 0; i < runs; i++)); do
		case $((i % 3)) in
		0) image=named ;;
		1) image=./nameless.tar.gz ;;
		2) image=./another.tar ;;
		esac
		"$SANDBOX" run "$image" echo "$i" </dev/null >"out.$i" 2>"err.$i" 3>&- &
		pids+=($!)
		# Eight at once.
		[ $((i % 8)) != 7 ] || wait "${pids[@]:i-7}" || true
	done
	for ((i = 0; i < runs; i++)); do
		wait "${pids[i]}" && [ "$(<"out.$i")" = "$i" ] || { failed=$((failed + 1)) && cat "err.$i"; }
	done
	echo >enough
	wait "$collector"
	echo "$(wc -l <enough.rounds) rounds of collection beside $runs runs, $failed failed"
	[ "$failed" = 0 ]
	[ ! -s enough.failures ] || { cat enough.failures && false; }
	sandbox image verify named
	assert_success ''
	"$SANDBOX" gc
	"$SANDBOX" images
	[ -z "$(find "$STORE/staging" -mindepth 1)" ]
}

# A store on a file system of its own, in a mount namespace: `sandbox` is root there, and has one id.
on_small_disk() {
	unshare --map-root-user --mount sh -ec 'mount -t tmpfs -o size=8m,mode=0700 none "$1"; shift; "$@"' sh "$PWD/disk" "$@"
}

@test "gc works on a full disk" {
	tmpfs_holds_layers || skip "this kernel has no user attributes on tmpfs"
	mkdir disk
	import_small one
	# shellcheck disable=SC2016
	capture on_small_disk sh -c 'sandbox="$1 --root $2/store --state $2/state" && $sandbox import --userns=single one.tar &&
		$sandbox tag "$($sandbox images -q)" one two/three && ! cat /dev/zero >"$2/fill" 2>/dev/null &&
		! $sandbox tag one four 2>/dev/null; $sandbox df >/dev/null && $sandbox rmi one && ! [ -e "$2/state" ] &&
		$sandbox image prune --all && $sandbox images -q' sh "$SANDBOX" "$PWD/disk"
	assert_status 0
	assert_output_has '1 image and 1 layer, '
	[ "${lines[-1]}" != "$digest" ]
}

@test "what only looks works in a home that cannot be written, and so does nothing that never ran" {
	import_small one --name one
	# shellcheck disable=SC2016
	capture unshare --map-root-user --mount sh -ec 'mount --rbind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME"
		"$1" --state "$HOME/none" df --json && "$1" image inspect one' sh "$SANDBOX"
	assert_status 0
	assert_output_has '"images": 1'
	SANDBOX_TEST_REMOVE=hold-makes capture "$SANDBOX_SWITCHED" --state "$HOME/made" df
	assert_status 0
	[ -e "$HOME/made" ] && [ ! -e "$HOME/none" ]
}
