#!/usr/bin/env bats
# Images with layers: what docker save, podman save, skopeo, umoci and buildkit write. What hostile ones may do is
# test/hostile/images.bats.
# takes long

# shellcheck disable=SC2154,SC2314  # bats's variables and negations

load helper
load layered
load store

setup_file() {
	private_folders
	export STORE=$XDG_CACHE_HOME/sandbox MADE=$BATS_FILE_TMPDIR/images PYTHONDONTWRITEBYTECODE=1
	mkdir -p "$MADE/layers"
	(cd "$MADE" && make_images)
}

teardown_file() {
	remove_private_folders
}

make_images() {
	python3 "$images" layers layers "$BUSYBOX_TAR"
	make_layout large layers/*.tar
	make_layout small layers/0[0-2].tar
	make_layout other layers/0[0-1].tar
	skopeo copy -q oci:small:t docker-archive:small-skopeo.tar:example.org/test:30
	skopeo copy -q oci:small:t oci-archive:small-oci.tar:t
	python3 "$images" docker small-docker.tar small
	python3 "$images" hybrid small-hybrid.tar small
	python3 "$images" several several.tar "$BUSYBOX_TAR"
	python3 "$images" index indexed small
	find . -type f -exec touch -d '1 hour ago' {} +
}

setup() {
	"$SANDBOX" reset
	cd "$MADE" || return
}

@test "thirty layers with deletions and replaced folders make the tree that umoci unpacks" {
	unpack_with_umoci large:t | comparable >"$BATS_TEST_TMPDIR/expected"
	list_inside large | comparable >"$BATS_TEST_TMPDIR/found"
	diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/found")" -gt 300 ]
	# Of the 34 one comes twice and is the same; two are not, because they take something else from below.
	[ "$(layers)" = 33 ]
}

@test "whoever wrote the archive, it is the same tree and the same layers" {
	unpack_with_umoci small:t | comparable >"$BATS_TEST_TMPDIR/expected"
	for form in small small-skopeo.tar small-oci.tar small-docker.tar small-hybrid.tar; do
		"$SANDBOX" reset
		list_inside "./$form" | comparable >"$BATS_TEST_TMPDIR/found"
		diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found" || { echo "$form" && false; }
		[ "$(layers)" = 3 ]
	done
	for form in small small-skopeo.tar small-oci.tar small-docker.tar; do
		sandbox --debug import "$form"
		assert_status 0
		[ "$(grep -c 'is in the store' <<<"$stderr")" = 3 ] || fail_with 'the layers should be found'
	done
	[ "$(layers)" = 3 ]
	[ "$("$SANDBOX" images -q | wc -l)" = 5 ]
}

@test "an archive may come through a pipe, or from the middle of a file" {
	sandbox run - < <(cat small-hybrid.tar)
	assert_success 'entry command'
	# From a file, but not from its beginning.
	(echo 'a line before'; cat small-docker.tar) >"$BATS_TEST_TMPDIR/both"
	"$SANDBOX" reset
	{ read -r _; run -0 --separate-stderr "$SANDBOX" import -; } <"$BATS_TEST_TMPDIR/both"
	[ "$(layers)" = 3 ]
}

@test "podman save's archives are read" {
	# shellcheck disable=SC2054
	podman=(podman --root "$BATS_TEST_TMPDIR/podman" --runroot "$BATS_TEST_TMPDIR/run" --storage-driver vfs)
	"${podman[@]}" load -q -i small-docker.tar
	for format in docker-archive oci-archive; do
		"${podman[@]}" save -q --format "$format" -o "$BATS_TEST_TMPDIR/$format.tar" example.org/layers/test:30
		sandbox run "$BATS_TEST_TMPDIR/$format.tar"
		assert_success 'entry command'
	done
	[ "$(layers)" = 3 ]
	"${podman[@]}" unshare rm -rf "$BATS_TEST_TMPDIR/podman"
}

@test "a layer is stored once, and goes with the last image that stands on it" {
	"$SANDBOX" import --name small small
	"$SANDBOX" import --name other other
	[ "$(layers)" = 3 ]
	"$SANDBOX" rmi small
	[ "$(layers)" = 2 ]
	sandbox run other
	assert_success 'entry command'
	"$SANDBOX" rmi other
	[ -z "$(find "$STORE" -mindepth 2)" ]
}

@test "an image in use is not removed, nor any layer of it" {
	"$SANDBOX" import --name small small
	mkfifo "$BATS_TEST_TMPDIR/hold"
	"$SANDBOX" run --entrypoint= small cat <"$BATS_TEST_TMPDIR/hold" &
	sandbox_pid=$!
	exec 7>"$BATS_TEST_TMPDIR/hold"
	for layer in "$STORE"/layers/*; do
		wait_until sh -c "cat /proc/locks | grep -q ':$(stat -c %i "$layer") '"
	done
	sandbox rmi small
	assert_error E_IMAGE_IN_USE
	[ "$(layers)" = 3 ]
	exec 7>&-
	wait "$sandbox_pid"
	"$SANDBOX" rmi small
	[ "$(layers)" = 0 ]
}

@test "256 layers run, and one more is refused" {
	python3 "$images" many "$BATS_TEST_TMPDIR/many.tar" "$BUSYBOX_TAR" 256
	sandbox run "$BATS_TEST_TMPDIR/many.tar" ls /many
	assert_success 255
	"$SANDBOX" reset
	python3 "$images" many "$BATS_TEST_TMPDIR/more.tar" "$BUSYBOX_TAR" 257
	sandbox import "$BATS_TEST_TMPDIR/more.tar"
	assert_error E_ARCHIVE_LIMIT
	[ -z "$(find "$STORE" -mindepth 2)" ]
}

@test "with a single id and its own map, an image with deletions works as well" {
	for options in --userns=single '--userns keep-id'; do
		# shellcheck disable=SC2086
		sandbox run $options --entrypoint= -u 0 -w / small-docker.tar sh -c 'ls -d /gone; ls /opaque /replaced; cat /d/a'
		assert_output $'/opaque:\nnew\n\n/replaced:\nnew\nchanged'
	done
}

@test "its layers are copied for other ids, deletions and replaced folders with them" {
	local before options made='/^\.\/etc\/(passwd|group) /d'
	list_inside ./large | comparable | sed -E "$made" >"$BATS_TEST_TMPDIR/expected"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -gt 300 ]
	"$SANDBOX" import --name large ./large
	before=$(layers)
	for options in --userns=keep-id:uid=7 '--uidmap=0:1:65535 --uidmap=65535:0'; do
		# shellcheck disable=SC2086
		list_inside $options large | comparable | sed -E "$made" >"$BATS_TEST_TMPDIR/found"
		diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
	done
	[ "$(layers)" = $((3 * before)) ]
	[ -z "$(find "$STORE/staging" -mindepth 1)" ]
}

# --- what the image says of itself ---------------------------------------------------------------------------

@test "environment, entry point, command, user and working directory are the image's" {
	sandbox run small
	assert_success 'entry command'
	sandbox run --entrypoint sh small -c 'echo $FROM $PATH $(id -u):$(id -g) $(pwd)'
	assert_success 'image /bin 100:200 /d'
}

@test "options are stronger than the image, and the defaults weaker" {
	sandbox run -e FROM=option -e PATH=/bin:/x -u 0 -w / --entrypoint sh small -c 'echo $FROM $PATH $(id -u):$(id -g) $(pwd)'
	assert_success 'option /bin:/x 0:0 /'
	sandbox run --unsetenv FROM --entrypoint sh small -c 'echo ${FROM-unset}'
	assert_success unset
	echo FROM=file >"$BATS_TEST_TMPDIR/variables"
	sandbox run --env-file "$BATS_TEST_TMPDIR/variables" --entrypoint sh small -c 'echo $FROM'
	assert_success file
	sandbox run --env-file "$BATS_TEST_TMPDIR/missing" small
	assert_status 125
}

@test "arguments and --entrypoint combine as with Docker" {
	sandbox run small argument
	assert_success 'entry argument'
	sandbox run --entrypoint echo small
	assert_success ''
	sandbox run --entrypoint echo small one two
	assert_success 'one two'
	sandbox run --entrypoint= small echo alone
	assert_success alone
	# No entry point and no command: root's shell, as for an image that says nothing.
	sandbox run --entrypoint= small <<<'echo from the shell'
	assert_success 'from the shell'
	sandbox run --entrypoint no-such-program small
	assert_error E_COMMAND_NOT_FOUND 127
}

@test "--dry-run names the image as the origin" {
	"$SANDBOX" import --name small small
	sandbox run --dry-run small
	assert_status 0
	grep -qE '^ +FROM +image +image$' <<<"$output"
	grep -qE '^ +user +100:200 +image$' <<<"$output"
	grep -qE '^ +working directory +/d +image$' <<<"$output"
	[ "$(grep -cE '^ +[012] +(echo|entry|command) +image$' <<<"$output")" = 3 ]
	sandbox run --dry-run -u 1 --entrypoint ls small x
	grep -qE '^ +user +1 +--user$' <<<"$output"
	grep -qE '^ +0 +ls +--entrypoint$' <<<"$output"
	grep -qE '^ +1 +x +argument$' <<<"$output"
}

@test "the record keeps what a run does not need" {
	"$SANDBOX" import small
	for text in '"80/tcp"' '"key=value"' '"SIGINT"'; do
		grep -qF "$text" "$STORE"/images/*.json || { echo "$text" && false; }
	done
}

@test "an import takes over all of the archive's names, unless other images have them" {
	sandbox import small-docker.tar
	assert_success
	[ "$("$SANDBOX" images | awk 'NR > 1 { print $1 }')" = example.org/layers/test:30 ]
	sandbox run test:30
	assert_success 'entry command'
	"$SANDBOX" tag test:30 test:30
	sandbox import small-hybrid.tar
	assert_status 0
	assert_stderr_has 'test:30 stays the name of another image'
	sandbox import --name chosen small-hybrid.tar
	assert_success
	[ "$("$SANDBOX" images | awk '$1 == "test:30"' | wc -l)" = 1 ]
	[ "$("$SANDBOX" images | awk '$1 == "chosen"' | wc -l)" = 1 ]
	# A run of a file names nothing.
	"$SANDBOX" reset
	"$SANDBOX" run small-docker.tar
	[ -z "$(ls "$STORE/names")" ]
}

@test "of several images one is chosen by platform and by name" {
	own=$(python3 -c 'import platform; print({"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()])')
	sandbox run several.tar
	assert_error E_IMAGE_CHOICE
	assert_stderr_has two:1
	sandbox run --select two:1 several.tar
	assert_success "two:1 $own"
	sandbox run --select one:1 several.tar
	assert_success "one:1 $own"
	sandbox run --select one:1 --platform linux/s390x several.tar
	assert_success 'one:1 s390x'
	sandbox run --select three:1 several.tar
	assert_error E_IMAGE_CHOICE
	sandbox run indexed
	assert_success "$own"
	sandbox run --platform linux/arm/v7 indexed
	assert_success arm
	sandbox run --platform linux/aarch64 indexed
	assert_success arm64
	sandbox import --platform linux/ppc64le indexed
	assert_error E_IMAGE_CHOICE
	assert_stderr_has linux/arm64/v8
	[ "$(layers)" = 1 ]
	for mistake in linux linux/ /amd64 linux/amd64/ linux/amd64/v1/x 'linux/a b' ''; do
		sandbox run --platform "$mistake" indexed
		assert_status 125
		assert_stderr_has "--platform \"$mistake\""
	done
	sandbox run --select '' several.tar
	assert_error '--select ""'
	sandbox run --platform linux/amd64 "$BUSYBOX_TAR"
	assert_error E_IMAGE_CHOICE
}

# --- recognising ---------------------------------------------------------------------------------------------

# The names of the images, one a line.
names() {
	"$SANDBOX" images | awk 'NR > 1 { print $1 }' | sort
}

@test "load takes all images of an archive, with all of their names" {
	own=$(python3 -c 'import platform; print({"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()])')
	sandbox load --input several.tar
	assert_success $'Loaded image: one:1\nLoaded image: two:1'
	for name in one:1 two:1; do
		sandbox run "$name"
		assert_success "$name $own"
		# As if it had been chosen.
		sandbox --debug run --select "$name" several.tar
		assert_stderr_has 'already in the store'
	done
	sandbox image verify
	assert_success ''
	# The file's name means them both, and then the one that is left.
	sandbox image inspect several.tar
	assert_error 'several images were made of this archive'
	assert_stderr_has '(two:1)'
	"$SANDBOX" rmi two:1
	sandbox image inspect several.tar
	assert_status 0
	assert_output_has one:1
	# Again, through a pipe, and for another machine.
	sandbox load < <(gzip -c several.tar)
	assert_status 0
	assert_output $'Loaded image: one:1\nLoaded image: two:1'
	assert_stderr_has 'one:1 was the name of'
	sandbox load -i several.tar --platform linux/s390x
	assert_status 0
	[ "$(wc -l <<<"$output")" = 1 ]
	"$SANDBOX" reset
	# The forms that hold one, and a root file system, which has no name.
	for form in small-docker.tar small-oci.tar small "$BUSYBOX_TAR"; do
		sandbox load -i "$form"
		assert_status 0
		assert_output_has 'Loaded image'
		[ "$(wc -l <<<"$output")" = 1 ]
	done
	[ -z "$(find "$STORE/staging" -mindepth 1)" ]
}

@test "load names all images or none" {
	SANDBOX_TEST_KILL_AT=names-pending run "$SANDBOX_SWITCHED" load -i several.tar
	[ "$status" = 137 ]
	[ "$(names)" = $'one:1\ntwo:1' ]
	"$SANDBOX" reset
	SANDBOX_TEST_KILL_AT=manifest-written run "$SANDBOX_SWITCHED" load -i several.tar
	[ "$status" = 137 ]
	[ "$(names)" = '-' ]
	sandbox load -i nothing.tar
	assert_error E_IMAGE_UNKNOWN
	sandbox load < <(echo nonsense)
	assert_error E_ARCHIVE_FORMAT
}

@test "history shows the steps of an image with the sizes of its layers" {
	python3 - small-docker.tar described.tar <<-END
		import io, json, sys, tarfile
		with tarfile.open(sys.argv[1]) as source, tarfile.open(sys.argv[2], "w") as target:
		    manifest = json.load(source.extractfile("manifest.json"))
		    for member in source:
		        data = source.extractfile(member).read() if member.isfile() else None
		        if member.name == manifest[0]["Config"]:
		            config = json.loads(data)
		            config["history"] = [
		                {"created": "2024-05-01T00:00:00Z", "created_by": "ADD base\\n/"},
		                {"created_by": "ENV A=b", "empty_layer": True, "comment": "a\\tcomment"},
		                {"created_by": "RUN " + "x" * 100}, {"created_by": "COPY last"}]
		            data = json.dumps(config).encode()
		            member.size = len(data)
		        target.addfile(member, io.BytesIO(data) if data is not None else None)
	END
	"$SANDBOX" import --name described described.tar
	sandbox history described
	assert_success
	[ "$(wc -l <<<"$output")" = 5 ]
	[[ ${lines[1]} == *'COPY last'* ]]
	[[ ${lines[2]} == *' RUN xxx'*'...'* ]]
	[[ ${lines[3]} == '-  '*'ENV A=b'*'a comment'* ]]
	[[ ${lines[4]} == '2024-05-01T00:00:00Z  '*MiB*'ADD base /'* ]]
	sandbox history --json described
	run python3 -c 'import json, sys
steps = json.load(sys.stdin)
print([step["layer"] for step in steps], len(steps[1]["created_by"]), steps[3]["size"] > 1000000)' <<<"$output"
	assert_output '[True, True, False, True] 104 True'
	# One that says nothing has a step for each layer.
	sandbox history small-oci.tar
	assert_error E_IMAGE_UNKNOWN
	"$SANDBOX" load -i small-oci.tar >/dev/null
	sandbox history --json t
	[ "$(grep -c '"layer": true' <<<"$output")" = 3 ]
}

@test "a root file system with an image's file names stays one" {
	mkdir -p "$BATS_TEST_TMPDIR/tree/bin" "$BATS_TEST_TMPDIR/tree/blobs/sha256"
	cd "$BATS_TEST_TMPDIR/tree" || return
	echo '[]' | tee manifest.json index.json >oci-layout
	echo x >blobs/sha256/x
	cp "$HELPERS/ids" bin/
	for order in 'manifest.json index.json oci-layout blobs bin' 'bin manifest.json index.json oci-layout blobs' .; do
		"$SANDBOX" reset
		# shellcheck disable=SC2086
		tar --owner=0 --group=0 -cf ../flat.tar $order
		for compressor in cat gzip; do
			$compressor <../flat.tar >../packed.tar
			sandbox import ../packed.tar
			assert_status 0
			[ "$output" = "sha256:$(sha256sum <../packed.tar | cut -d' ' -f1)" ]
			[ "$(cat "$STORE"/layers/*/root/manifest.json)" = '[]' ]
			[ -e "$(echo "$STORE"/layers/*/root/bin/ids)" ]
			sandbox images --json
			assert_output_has '"entries": 8' || assert_output_has '"entries": 9'
		done
		[ "$(layers)" = 1 ]
	done
}

@test "a known archive and a known layout are not read again" {
	export ASAN_OPTIONS=detect_leaks=0
	for form in small-docker.tar small; do
		# Control: that is what is looked for.
		strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=execve,openat "$SANDBOX" import --userns=single "$form" 2>/dev/null
		grep -qE 'openat.*(small-docker.tar|index.json)".*= [0-9]' "$BATS_TEST_TMPDIR/trace"
		strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=execve,openat "$SANDBOX" import --userns=single "$form" 2>/dev/null
		! grep -qE 'sandbox-import|openat.*(small-docker.tar|index.json)".*= [0-9]' "$BATS_TEST_TMPDIR/trace" ||
			{ cat "$BATS_TEST_TMPDIR/trace" && false; }
	done
}

@test "an archive of which an image was chosen stays known when garbage is collected" {
	"$SANDBOX" reset
	"$SANDBOX" import --userns=single --select one:1 several.tar
	known=$(ls "$STORE/archives")
	[ -n "$known" ]
	"$SANDBOX" gc
	[ "$(ls "$STORE/archives")" = "$known" ]
	"$SANDBOX" rmi --force one:1
	"$SANDBOX" gc
	[ "$(ls "$STORE/archives")" = '' ]
}

@test "killed at any step, an import of layers leaves nothing that the next one does not clear away" {
	for step in import-start import-unpacked inherit-started layer-publish layer-published import-recorded; do
		SANDBOX_TEST_KILL_AT=$step run "$SANDBOX_SWITCHED" import small-docker.tar
		[ "$status" = 137 ] || fail_with "it should be killed at $step"
		sandbox run small-docker.tar
		assert_success 'entry command'
		[ "$(layers)" = 3 ]
		[ -z "$(find "$STORE/staging" -mindepth 1)" ]
		"$SANDBOX" reset
	done
}
