#!/usr/bin/env bats
# What an import costs does not grow with the archive: the memory for millions of entries, for gigabytes of holes, and for
# what several threads decompress. SANDBOX_TEST_ENTRIES=1000000 for the full count.
# takes long

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir tree
}

# The memory that no import needs more of, in KiB, whatever the archive.
bound=$((64 << 10))

# Imports with these arguments; $peak is the highest peak of memory of a process, in KiB.
import_measured() {
	capture python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:], stdin=sys.stdin).returncode
with open(sys.argv[1], "w") as file:
	print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(status)' peak "$SANDBOX" -q import --userns=single "$@"
	assert_status 0
	peak=$(<peak)
}

# AddressSanitizer keeps much more.
assert_bound() {
	is_sanitized || [ "$peak" -le "$bound" ] || fail_with "$peak KiB of memory: $1"
}

image_root() {
	printf '%s\n' "$XDG_CACHE_HOME"/sandbox/layers/*/root
}

@test "10 GiB of holes are neither data on the disk nor memory" {
	truncate -s 10G tree/large
	echo middle | dd of=tree/large bs=1M seek=5000 conv=notrunc status=none
	tar -S -C tree -cf tree.tar .
	import_measured tree.tar
	assert_bound "10 GiB of holes"
	[ "$(stat -c %s "$(image_root)/large")" = $((10 << 30)) ]
	[ "$(du -k "$(image_root)/large" | cut -f 1)" -lt 1024 ]
	[ "$(dd if="$(image_root)/large" bs=1M skip=5000 count=1 status=none | head -c 6)" = middle ]
}

@test "ten times the entries need no more memory" {
	local entries=${SANDBOX_TEST_ENTRIES:-10000} few
	python3 "$BATS_TEST_DIRNAME/entries.py" $((entries / 10)) >few.tar
	import_measured few.tar
	assert_bound few
	few=$peak
	python3 "$BATS_TEST_DIRNAME/entries.py" "$entries" | gzip -1 >many.tar.gz
	import_measured many.tar.gz
	assert_bound many
	is_sanitized || [ "$peak" -le $((few + (8 << 10))) ] || fail_with "$few KiB become $peak"
	"$SANDBOX" images --json | jq -e --argjson n "$entries" 'any(.[]; .entries == $n + (($n + 999) / 1000 | floor))'
}

@test "blocks that are decompressed side by side share what memory there is" {
	# Incompressible, so that blocks are as large as they can be; one thread for each of -T4 would need 130 MiB.
	head -c 50M /dev/urandom >tree/large
	tar -C tree -cf tree.tar .
	xz -0 -T2 --block-size=24MiB -k tree.tar
	import_measured tree.tar.xz
	assert_bound "large blocks"
	zstd -q -1 -T2 --rm tree.tar
	import_measured tree.tar.zst
	assert_bound zstd
}

@test "an xz file of several blocks is decompressed by several threads" {
	local several one
	[ "$(nproc)" -ge 2 ] || skip "one processor"
	head -c 8M /dev/urandom >tree/large
	tar -C tree -cf tree.tar .
	xz -0 -T2 --block-size=1MiB -k tree.tar
	xz -0 -T1 -k -c tree.tar >one-block.xz
	several=$(threads_for tree.tar.xz)
	one=$(threads_for one-block.xz)
	[ "$several" -gt "$one" ] || fail_with "$several threads, and $one for a single block"
}

# How many threads the importer has when it has read all of FILE but the end.
threads_for() {
	local importer
	rm -f archive written go-on
	mkfifo archive
	{
		head -c -200000 "$1"
		# All but what a pipe holds is read by now.
		touch written
		wait_until [ -e go-on ] || return
		tail -c 200000 "$1"
	} >archive 3>&- &
	"$SANDBOX" -q import --userns=single - <archive >/dev/null 3>&- &
	importer=$!
	wait_until [ -e written ] || return
	awk '$1 == "Threads:" { print $2 }' "/proc/$(pgrep -P "$importer")/status"
	touch go-on
	wait "$importer"
}
