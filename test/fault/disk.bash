# File systems of root's own around the ordinary user's store, and images small enough to be imported hundreds of times.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # helper.bash and bats set variables; others read those of this file

# Whether this is root (test/driver -r), who can do what these tests do to the ordinary user.
needs_root() {
	[ "$(id -u)" = 0 ] || skip 'root is needed to do this to a user; run make check as root'
}

# Whether a loop device can be mounted here; containers often have none.
needs_loop() {
	[ -e "$WORK/loop" ] || skip 'no ext4 can be mounted from a file here'
}

# A folder of the user's, in memory, for the file systems and whatever he needs: $WORK. The user is $USER_IDS.
make_work() {
	export WORK=/dev/shm/fault.$BASHPID USER_IDS
	USER_IDS=$(id -u "$SANDBOX_TEST_USER"):$(id -g "$SANDBOX_TEST_USER")
	export HOME=$WORK/home STORE=$WORK/disk/cache/sandbox XDG_CACHE_HOME=$WORK/disk/cache
	export XDG_STATE_HOME=$WORK/disk/state XDG_CONFIG_HOME=$HOME/config XDG_DATA_HOME=$HOME/data
	export MEDDLE=$HELPERS/meddle
	mkdir -p "$WORK"/{disk,home,images}
	make_images
	chown -R "$USER_IDS" "$WORK"
}

remove_work() {
	[ -n "${WORK:-}" ] || return 0
	! mountpoint -q "$WORK/disk" || umount "$WORK/disk"
	rm -rf "$WORK"
}

# The images bring the program that lists their contents.
make_images() {
	local name number layers=()
	cd "$WORK/images" || return
	for name in flat other; do
		mkdir -p "$name"/{bin,content/sub/empty,proc,sys,dev}
		cp "$HELPERS/listing" "$name/bin/listing"
		strip "$name/bin/listing"
		for number in 1 2 3 4 5 6; do
			head -c $((number * 1500)) /dev/urandom >"$name/content/file-$number"
		done
		ln "$name/content/file-1" "$name/content/sub/linked"
		ln -s ../file-2 "$name/content/sub/link"
		mkfifo "$name/content/fifo"
		setfattr -n user.note -v "$name" "$name/content/file-3"
		chmod 4711 "$name/content/file-4"
		chmod 0500 "$name/content/sub"
		tar -C "$name" --numeric-owner --owner=0 --group=0 --xattrs -cf "$name.tar" bin content proc sys dev
		tar -C "$name" --numeric-owner --owner=7 --group=8 -rf "$name.tar" content/file-5
	done
	mkdir -p writer/{bin,proc,sys,dev}
	cp flat/bin/listing "$(command -v busybox)" writer/bin
	tar -C writer --numeric-owner --owner=0 --group=0 -cf writer.tar .
	PYTHONDONTWRITEBYTECODE=1 python3 "$OLDPWD/test/integration/layered.py" many layered.tar flat.tar 4
	PYTHONDONTWRITEBYTECODE=1 python3 "$OLDPWD/test/integration/layered.py" several several.tar flat.tar
	touch -d '1 hour ago' ./*.tar
	cd "$OLDPWD" || return
}

as_user() {
	setpriv --reuid="${USER_IDS%:*}" --regid="${USER_IDS#*:}" --clear-groups --inh-caps=-all "$@"
}

# `sandbox ARG…` of the user; $status, $output, $stderr.
user_sandbox() {
	capture timeout -k 5 60 setpriv --reuid="${USER_IDS%:*}" --regid="${USER_IDS#*:}" --clear-groups --inh-caps=-all \
		"$SANDBOX" "$@"
}

# `sandbox ARG…` of the user, meddled with: meddle.c says what PLAN is. The calls are in $WORK/log.
# usage: meddled_sandbox PLAN ARG…
meddled_sandbox() {
	local plan=$1
	shift
	capture timeout -k 5 60 "$MEDDLE" "$USER_IDS" "$WORK/log" "$plan" "$SANDBOX" "$@"
}

# How many calls COMMAND makes, none of which is meddled with: $calls.
count_calls() {
	meddled_sandbox count "$@"
	[ "$status" = 0 ] || fail_with "sandbox $*"
	calls=$(wc -l <"$WORK/log")
	[ "$calls" -gt 10 ] || fail_with "only $calls calls counted"
}

# What an image holds, by a run of it: $output.
contents() {
	user_sandbox run --entrypoint= -w / "$1" /bin/listing /content
}

# What is in the making or on its way out.
staging() {
	find "$STORE/staging" -mindepth 1 2>/dev/null
}

# Numbers from 1 to TOTAL, COUNT of them spread evenly, each at a place that SANDBOX_TEST_SEED decides.
# usage: spread COUNT TOTAL
spread() {
	awk -v count="$1" -v total="$2" -v seed="${SANDBOX_TEST_SEED:-1}" 'BEGIN {
		srand(seed)
		if (count > total)
			count = total
		for (i = 0; i < count; i++)
			print int((i + rand()) * total / count) + 1
	}'
}
