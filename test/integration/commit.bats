#!/usr/bin/env bats
# New images from sandboxes: `sandbox commit`.

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper
load layered
load podman

setup_file() {
	private_folders
	export STORE=$XDG_CACHE_HOME/sandbox
	"$SANDBOX" import --name busybox "$BUSYBOX_TAR"
	"$SANDBOX" run --name job busybox sh -c '
		echo new >/new; chown 33:44 /new; rm /etc/os-release; rm -r /home; mkdir /home; echo changed >/home/file; chmod 700 /root'
}

teardown_file() {
	"$SANDBOX" rm -f job
	remove_private_folders
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# What the image shows, but for what each sandbox makes anew.
list_image() {
	list_inside "$1" | grep -v -e '^\. ' -e '^./etc d' -e '^./etc/hostname' -e '^./etc/hosts' -e '^./etc/resolv.conf'
}

@test "the image has what the sandbox wrote, on top of its image, and nothing else" {
	sandbox commit job mine:1
	assert_status 0
	[[ $output == sha256:* ]] || fail_with 'it should print the digest'
	"$SANDBOX" images --json | jq -e --arg digest "${output#sha256:}" \
		'map(select(.names == ["mine:1"])) | .[0].digest == $digest or .[0].digest == "sha256:" + $digest'
	sandbox run mine:1 sh -c 'cat /new /home/file; stat -c "%u:%g %a" /new /root; ls -d /etc/os-release /home/user'
	assert_status 1
	assert_output $'new\nchanged\n33:44 644\n0:0 700'
	[ "$(jq '.layers | length' "$STORE/images/${digest:-$("$SANDBOX" images --json | jq -r '.[] |
		select(.names == ["mine:1"]).digest' | sed s/sha256://)}.json")" = 2 ]
	"$SANDBOX" export -o kept.tar job
	"$SANDBOX" import --name whole kept.tar
	list_image whole >of-whole
	list_image mine:1 >of-mine
	diff of-whole of-mine
}

@test "one that runs, without a name for the image" {
	id=$("$SANDBOX" run -d busybox sh -c 'echo one >/one; sleep 1000')
	wait_until "$SANDBOX" exec "$id" test -s /one
	digest=$("$SANDBOX" commit "$id")
	# It went on.
	sandbox exec "$id" cat /one
	assert_success one
	"$SANDBOX" rm -f "$id"
	sandbox run "$digest" cat /one
	assert_success one
}

@test "an image of an image of an image" {
	"$SANDBOX" run --name first busybox sh -c 'echo 1 >/1; echo shared >/shared'
	"$SANDBOX" commit first steps:1
	"$SANDBOX" run --name second steps:1 sh -c 'rm /1; echo 2 >/2; echo again >>/shared'
	"$SANDBOX" commit -m 'the second step' second steps:2
	"$SANDBOX" rm first second
	sandbox run steps:2 sh -c 'ls /1 /2; cat /shared'
	assert_output $'/2\nshared\nagain'
	sandbox history steps:2
	assert_status 0
	assert_output_has 'the second step'
	[ "$(jq '[.config.history[] | select(startswith("1"))] | length' "$STORE"/images/"$("$SANDBOX" images --json |
		jq -r '.[] | select(.names == ["steps:2"]).digest' | sed s/sha256://)".json)" = 3 ]
}

@test "the configuration is the image's, with the changes" {
	"$SANDBOX" commit -c 'CMD ["echo", "from cmd"]' -c 'ENV COLOUR=green' -c 'ENV OTHER two words' -c 'USER 1000' \
		-c 'WORKDIR /tmp' -c 'LABEL a.b=c d' -c 'EXPOSE 8080' -c 'STOPSIGNAL SIGINT' -a 'A. U. Thor' job changed
	sandbox run changed
	assert_success 'from cmd'
	sandbox run changed sh -c 'echo $COLOUR $OTHER; id -u; pwd'
	assert_success $'green two words\n1000\n/tmp'
	"$SANDBOX" commit -c 'ENTRYPOINT ["echo", "entry"]' -c 'CMD words of a shell' job entry
	sandbox run entry one
	assert_success 'entry one'
	sandbox run entry
	assert_success 'entry /bin/sh -c words of a shell'
	"$SANDBOX" save changed | tar -xO --wildcards '*.json' >saved
	grep -q '"a.b": "c d"' saved
	grep -q '"8080/tcp"' saved
	grep -q '"org.opencontainers.image.authors": "A. U. Thor"' saved
	grep -q SIGINT saved
}

@test "committed, saved, loaded and run by podman, and read by skopeo" {
	"$SANDBOX" commit -c 'CMD ["/bin/busybox", "cat", "/new", "/home/file"]' -m 'a message' job travelling:1
	"$SANDBOX" save -o saved.tar travelling:1
	with_podman 'podman load -q -i saved.tar && run localhost/travelling:1 &&
		podman history --format "{{.Comment}}" localhost/travelling:1'
	assert_status 0
	assert_output_has $'new\nchanged'
	assert_output_has 'a message'
	skopeo inspect --config docker-archive:saved.tar | jq -e '.rootfs.diff_ids | length == 2'
	"$SANDBOX" --root again import saved.tar
	"$SANDBOX" --root again run travelling:1 >loaded
	[ "$(cat loaded)" = $'new\nchanged' ]
	unshare --map-root-user --map-auto rm -rf again
}

@test "a layer of a single id keeps the owners that the archive had" {
	mkdir -p tree/bin
	cp "$(command -v busybox)" tree/bin/
	echo a >tree/a
	tar -C tree --owner=33 --group=44 -cf ids.tar a
	tar -C tree --append -f ids.tar --owner=0 --group=0 bin
	"$SANDBOX" run --userns single --name single ./ids.tar /bin/busybox sh -c 'echo more >>/a; echo b >/b'
	"$SANDBOX" commit single single
	"$SANDBOX" rm single
	sandbox run --userns single single /bin/busybox cat /a /b
	assert_success $'a\nmore\nb'
	"$SANDBOX" save single | tar -xf - --wildcards '*.tar'
	for layer in *[0-9a-f].tar; do
		tar --numeric-owner -tvf "$layer"
	done | sort -u >list
	grep -q ' 33/44 .* a$' list
	grep -q ' 0/0 .* b$' list
}

@test "a sandbox with a control group is paused, and only such a one can be asked to be" {
	id=$("$SANDBOX" run -d busybox sleep 1000)
	sandbox commit --pause "$id" paused
	assert_error E_SANDBOX_STATE
	assert_stderr_has 'no control group'
	sandbox commit --pause=false "$id" unpaused
	assert_status 0
	"$SANDBOX" rm -f "$id"
	sandbox run -d --pids-limit 100 busybox sleep 1000
	[ "$status" = 0 ] || skip 'no control group is delegated here'
	id=$output
	sandbox commit --pause "$id" paused
	assert_status 0
	# It goes on.
	sandbox exec "$id" echo awake
	assert_success awake
	"$SANDBOX" pause "$id"
	sandbox commit "$id"
	assert_error E_SANDBOX_STATE
	assert_stderr_has paused
	"$SANDBOX" rm -f "$id"
}

@test "one that does not run is not started before its files have been taken" {
	SANDBOX_TEST_STOP_AT=commit-published "$SANDBOX_SWITCHED" commit job held >/dev/null 3>&- &
	local commit=$!
	wait_until grep -q '^State:.T' "/proc/$commit/status"
	sandbox start job
	assert_error E_SANDBOX_STATE
	sandbox diff job
	assert_error E_SANDBOX_STATE
	assert_stderr_has 'another command works on it'
	kill -CONT "$commit"
	wait "$commit"
	sandbox rmi held
	assert_status 0
}

@test "gc leaves what no archive brings back" {
	"$SANDBOX" run --name short busybox sh -c 'echo new >/new'
	digest=$("$SANDBOX" commit short)
	"$SANDBOX" rm short
	# It says that it could not make so much room.
	sandbox gc --all --max-size 1
	assert_stderr_has 'more than 1 B'
	sandbox run "$digest" cat /new
	assert_success new
	"$SANDBOX" rmi "$digest"
	assert_status 0
	sandbox run "$digest" cat /new
	assert_error E_IMAGE_UNKNOWN
}

@test "killed at any moment it leaves nothing, or an image that is whole" {
	for point in commit-published commit-recorded import-start import-unpacked; do
		before=$("$SANDBOX" images -q | sort)
		capture env SANDBOX_TEST_KILL_AT=$point "$SANDBOX_SWITCHED" commit job killed
		[ "$status" != 0 ] || fail_with "it should have been killed at $point"
		new=$(comm -13 <(echo "$before") <("$SANDBOX" images -q | sort))
		[ "$(find "$STORE/staging" -mindepth 1)" = '' ] || fail_with "staging should be empty after $point"
		[ -z "$new" ] || [ "$("$SANDBOX" run "$new" cat /new)" = new ]
		[ -z "$new" ] || [ "$point" = commit-recorded ]
		[ -z "$new" ] || "$SANDBOX" rmi "$new"
	done
	sandbox commit job killed
	assert_status 0
}

@test "one whose image cannot be recorded takes its layer back" {
	"$SANDBOX" run --name unrecorded busybox touch /unrecorded
	before=$(ls "$STORE/layers")
	chmod a-w "$STORE/images"
	sandbox commit unrecorded
	chmod u+w "$STORE/images"
	assert_status 125
	assert_stderr_has 'Permission denied'
	[ "$(ls "$STORE/layers")" = "$before" ]
	sandbox commit unrecorded
	assert_status 0
	sandbox run "$output" ls /unrecorded
	assert_success /unrecorded
	"$SANDBOX" rm unrecorded
}

@test "a damaged commit is told of, and not removed: no archive brings it back" {
	digest=$("$SANDBOX" commit job damaged)
	tree=$(find "$STORE/layers" -path '*/root/new')
	unshare --map-root-user --map-auto sh -c 'echo other >"$1"' sh "${tree%%$'\n'*}"
	sandbox image verify --discard damaged
	assert_error E_IMAGE_DAMAGED
	sandbox run damaged cat /new
	assert_success other
	"$SANDBOX" rmi "$digest"
}

@test "what cannot become an image is told of, and there is none" {
	before=$("$SANDBOX" images -q | sort)
	sandbox commit nobody
	assert_error E_SANDBOX_UNKNOWN
	sandbox commit job 'not a name'
	assert_status 125
	assert_stderr_has 'not a name'
	for change in 'RUN make' 'CMD [1]' 'CMD ["open' 'ENV novalue' 'USER a b' 'WORKDIR relative' 'CMD'; do
		sandbox commit -c "$change" job
		assert_status 125
		assert_stderr_has "--change \"$change\""
	done
	mkdir folder
	tar -C folder -xf "$BUSYBOX_TAR" --no-same-owner
	"$SANDBOX" run --name onfolder ./folder touch /new
	sandbox commit onfolder
	assert_error E_FOLDER
	"$SANDBOX" rm onfolder
	"$SANDBOX" run --name literal busybox touch /.wh.file
	sandbox commit literal
	assert_error E_LAYER_NAME
	"$SANDBOX" rm literal
	[ "$before" = "$("$SANDBOX" images -q | sort)" ]
}
