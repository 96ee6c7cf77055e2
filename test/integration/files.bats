# What the user lends: -v, --mount, --tmpfs, --device, --read-only, --shm-size, and the mistakes in them.
# shellcheck shell=bash

load helper

setup() {
	lent=$BATS_TEST_TMPDIR/lent
	mkdir "$lent"
	echo 'from outside' >"$lent/file"
}

@test "a folder is shown, written with our own id, and stays writable by us" {
	run_busybox -v "$lent:/src" -- sh -c 'cat /src/file; echo inside >/src/new; stat -c %u:%g /src/new'
	assert_success $'from outside\n0:0'
	[ "$(cat "$lent/new")" = inside ]
	[ "$(stat -c %u "$lent/new")" = "$(id -u)" ]
}

@test "a relative source begins with a dot; a bare name is a precise error" {
	cd "$BATS_TEST_TMPDIR"
	run_busybox -v ./lent:/src -- cat /src/file
	assert_success 'from outside'
	run_busybox -v lent:/src -- true
	assert_error 'no named volumes'
}

@test "a single file is shown, over one of the image or as a new one" {
	run_busybox -v "$lent/file:/etc/passwd" -v "$lent/file:/deep/below/new" -- cat /etc/passwd /deep/below/new
	assert_success $'from outside\nfrom outside'
}

@test ":ro refuses writing, :noexec executing; without them both work" {
	printf '#!/bin/sh\necho ran\n' >"$lent/script"
	chmod +x "$lent/script"
	run_busybox -v "$lent:/src:ro" -- sh -c 'echo x >/src/file'
	assert_status 1
	assert_stderr_has 'Read-only file system'
	[ "$(cat "$lent/file")" = 'from outside' ]
	run_busybox -v "$lent:/src:noexec" -- /src/script
	assert_status 126
	run_busybox -v "$lent:/src" -- /src/script
	assert_success ran
}

@test "a mount below a :ro folder is read-only, too" {
	mkdir "$lent/below"
	run unshare --map-root-user --mount sh -c "mount -t tmpfs tmpfs '$lent/below' &&
		'$SANDBOX' run --userns=single -v '$lent:/src:ro' '$BUSYBOX_TAR' sh -c 'touch /src/below/x'"
	assert_status 1
	assert_output_has 'Read-only file system'
	run unshare --map-root-user --mount sh -c "mount -t tmpfs tmpfs '$lent/below' &&
		'$SANDBOX' run --userns=single -v '$lent:/src' '$BUSYBOX_TAR' sh -c 'touch /src/below/x && echo made'"
	assert_output_has made
}

# Another folder takes the place of the lent one between the decision and the mount.
# usage: replace_while_starting, for $status, $output and $stderr
replace_while_starting() {
	local tool results=$BATS_TEST_TMPDIR
	SANDBOX_TEST_STOP_AT=init.unshared "$SANDBOX_SWITCHED" run -v "$lent:/src" "$BUSYBOX_TAR" cat /src/file \
		>"$results/stdout" 2>"$results/stderr" 3>&- &
	tool=$!
	wait_until pgrep -P "$tool" -x stopped
	mv "$lent" "$lent.away"
	mkdir "$lent"
	echo another >"$lent/file"
	kill -CONT "$(pgrep -P "$tool" -x stopped)"
	status=0
	wait "$tool" || status=$?
	# shellcheck disable=SC2034  # assert_stderr_has reads it
	output=$(<"$results/stdout") stderr=$(<"$results/stderr")
	rm -r "$lent"
	mv "$lent.away" "$lent"
}

@test "a folder that another takes the place of while the sandbox starts is an error" {
	replace_while_starting
	assert_status 125
	assert_stderr_has 'it was replaced while the sandbox started'
	assert_output ''
	export SANDBOX_TEST_REMOVE=lent-again
	replace_while_starting
	assert_success another
}

@test "set-user-ID bits and device nodes mean nothing in what is lent" {
	run_busybox -v "$lent:/src:rw" -- grep -o 'nosuid,nodev' /proc/self/mounts
	assert_output_has nosuid,nodev
	run_busybox -v "$lent:/src" -- grep ' /src ' /proc/self/mounts
	assert_output_has 'nosuid,nodev'
}

@test "--mount is the long form" {
	run_busybox --mount "type=bind,source=$lent,target=/src,readonly" -- sh -c 'cat /src/file; echo x >/src/file'
	assert_status 1
	assert_output 'from outside'
	run_busybox --mount type=tmpfs,target=/scratch,tmpfs-size=1m,tmpfs-mode=700 -- stat -c %a /scratch
	assert_success 700
	run_busybox --mount "type=volume,source=x,target=/y" -- true
	assert_error 'neither bind nor tmpfs'
	run_busybox --mount "type=tmpfs,source=$lent,target=/y" -- true
	assert_error 'has no source'
}

@test "--tmpfs is empty, sized, not executable, and follows the image's links inside the root" {
	run_busybox --tmpfs /etc:size=1m -- sh -c 'ls /etc; dd if=/dev/zero of=/etc/big bs=1M count=2 2>&1'
	assert_output_has 'No space left'
	run_busybox --tmpfs /scratch -- sh -c 'cp /bin/busybox /scratch/true && /scratch/true'
	assert_status 126
	run_busybox --tmpfs /scratch:exec -- sh -c 'cp /bin/busybox /scratch/true && /scratch/true && echo ran'
	assert_success ran
	run_busybox --tmpfs /var/run -- grep -c ' /run tmpfs' /proc/self/mounts
	assert_success 1
}

@test "--read-only: nothing of the root can be written, mount points are made all the same" {
	run_busybox --read-only -v "$lent:/new/point" -w /made/too -- sh -c \
		'pwd; cat /new/point/file; touch /x || touch /etc/passwd || echo refused; touch /dev/shm/x && echo shm'
	assert_status 0
	assert_output $'/made/too\nfrom outside\nrefused\nshm'
	run_busybox -- touch /x
	assert_success ''
}

@test "--shm-size is the size of /dev/shm" {
	run_busybox --shm-size 3m -- sh -c 'df -k /dev/shm | tail -1 | while read -r _ size _; do echo $size; done'
	assert_success 3072
	run_busybox --shm-size many -- true
	assert_status 125
	assert_stderr_has 'not a size'
}

@test "--device lends a node that the user may use" {
	run_busybox --device /dev/zero:/dev/nought -- sh -c 'head -c 3 /dev/nought | od -An -tx1'
	assert_success ' 00 00 00'
	run_busybox --device "$lent/file" -- true
	assert_error 'not a device node'
	run_busybox --device /dev/zero:/dev/nought:r -- true
	assert_error 'cannot be divided'
}

@test "an outer target does not hide an inner one, in whatever order they are given" {
	mkdir "$lent/inner"
	run_busybox -v "$lent/file:/a/inner/file" -v "$lent:/a" --tmpfs /a/inner -- cat /a/file /a/inner/file
	assert_success $'from outside\nfrom outside'
}

@test "nothing is ever made in a folder that is lent" {
	run_busybox -v "$lent:/src" --tmpfs /src/missing -- true
	assert_error 'nothing is made in folders of yours'
	run_busybox -v "$lent:/src" -w /src/missing -- true
	assert_error 'nothing is made in folders of yours'
	run_busybox -v "$lent:/src" -v "$lent/file:/src/deep/missing" -- true
	assert_error 'nothing is made in folders of yours'
	[ "$(ls "$lent")" = file ]
}

@test "mistakes are found before anything exists" {
	local words
	for words in "$lent" "$lent:relative" "$lent:/" "$lent:/a/../b" "$lent:/proc/x" "$lent:/sys" "$lent:/a:b" \
		"$lent:/a:ro:x" ":/a" "$lent/missing:/a"; do
		run_busybox -v "$words" -- true
		assert_status 125
		assert_stderr_has "--volume \"$words\""
		assert_stderr_has 'fix: '
	done
}

@test "what is said twice is a mistake, also in other words" {
	local words option
	for words in 'type=bind,source=/etc,target=/a,target=/b' 'type=bind,source=/etc,dst=/a,destination=/a' \
		'type=bind,src=/etc,source=/usr,target=/a' 'type=bind,type=tmpfs,source=/etc,target=/a' \
		'type=bind,source=/etc,target=/a,ro,rw' 'type=tmpfs,target=/a,tmpfs-size=1m,size=2m' \
		'type=tmpfs,target=/a,tmpfs-mode=700,tmpfs-mode=700'; do
		run_busybox --mount "$words" -- true
		assert_error "--mount \"$words\""
		assert_stderr_has 'says already'
	done
	for option in --volume=/etc:/a:ro,readonly --volume=/etc:/a:noexec,exec --tmpfs=/a:size=1m,size=1m --tmpfs=/a:mode=1,mode=2; do
		run_busybox "$option" -- true
		assert_error "\"${option#*,}\" is about what another of its words says already"
	done
	for words in uid=1,uid=2 gid=1,uid=1,gid=1; do
		run_busybox "--userns=keep-id:$words" -- true
		assert_error 'it names two users, or two groups'
	done
	run_busybox --userns=keep-id:uid=-x -- true
	assert_error 'keep-id:uid=N,gid=N'
	# Each once, and words that change nothing.
	run_busybox -v "$lent:/a:ro,noexec,nosuid,z" --mount "type=tmpfs,dst=/b,tmpfs-mode=700,ro,exec,tmpfs-size=1m" \
		--userns=keep-id:uid=1,gid=2 -- stat -c %a /b
	assert_success 700
}

@test "two things at one target are a mistake: one would hide the other" {
	local words
	for words in "-v /etc:/box/" "--tmpfs /box" "--mount type=tmpfs,target=/box" "--device /dev/null:/box"; do
		# shellcheck disable=SC2086  # words
		run_busybox -v "$lent:/box" $words -- true
		assert_status 125
		assert_stderr_has 'puts something there already'
		assert_stderr_has 'fix: '
	done
}

@test "a link of the image into /proc does not let a volume cover it" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir "$root"
	tar -xf "$BUSYBOX_TAR" -C "$root"
	ln -s /proc "$root/data"
	tar -cf "$BATS_TEST_TMPDIR/link.tar" -C "$root" .
	sandbox run -v "$lent:/data/sys" "$BATS_TEST_TMPDIR/link.tar" true
	assert_error 'leads from there into /proc'
}
