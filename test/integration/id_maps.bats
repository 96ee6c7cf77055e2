# Which ids exist inside, and whose they are outside: --userns, --uidmap, --gidmap, --group-add.
# shellcheck shell=bash

load helper

setup() {
	lent=$BATS_TEST_TMPDIR/lent
	mkdir "$lent"
	me=$(id -u) my_group=$(id -g)
	first=$(awk -F: -v user="$(id -un)" '$1 == user { print $2 }' /etc/subuid)
}

# What we lay over the image is ours, not its.
without_our_files() {
	grep -vE '^(/|/(dev|proc|sys)(/.*)?|/etc/(hosts|hostname|resolv.conf)) ' | LC_ALL=C sort
}

# PATH UID:GID of everything in a tar file.
owners_in_archive() {
	python3 -c 'import sys, tarfile
for entry in tarfile.open(sys.argv[1]):
    print("/" + entry.name.removeprefix(".").strip("/"), f"{entry.uid}:{entry.gid}")' "$1" | without_our_files
}

@test "keep-id: the command is us, by number and name, and what it writes is ours" {
	local name
	# The image's own entry, where it has one for our number, is the one that counts.
	name=$(tar -xOf "$BUSYBOX_TAR" ./etc/passwd | awk -F: -v id="$me" '$3 == id { print $1 }')
	run_busybox --userns=keep-id -v "$lent:/src" -- sh -c 'id -u; id -g; id -un; touch /src/new; stat -c %u:%g /src'
	assert_success "$me"$'\n'"$my_group"$'\n'"${name:-$(id -un)}"$'\n'"$me:$my_group"
	[ "$(stat -c %u:%g "$lent/new")" = "$me:$my_group" ]
}

@test "keep-id: other numbers can be had, and root is a subordinate id" {
	run_busybox --userns=keep-id:uid=7,gid=9 -- sh -c 'id -u; id -g; cat /proc/self/uid_map'
	assert_status 0
	assert_output_has $'7\n9'
	[[ $output =~ 0\ +$first\ +7 ]] || fail_with 'ids 0 to 6 should be the first subordinate ones'
	[[ $output =~ 7\ +$me\ +1 ]] || fail_with 'id 7 should be the caller'
	chmod 777 "$lent"
	run_busybox --userns=keep-id -u 0 -v "$lent:/src" -- touch /src/by-root
	assert_success
	[ "$(stat -c %u "$lent/by-root")" = "$first" ]
}

@test "keep-id: the user's entry can be replaced, is not doubled, and is made where there is no file" {
	run_busybox --userns=keep-id:uid=65534 -- grep -c :65534: /etc/passwd
	assert_success 1
	run_busybox --userns=keep-id -u 0 -- sh -c 'grep -v daemon /etc/passwd >/etc/new; mv /etc/new /etc/passwd && echo moved'
	assert_success moved
}

@test "the owners of the image are the archive's under every map" {
	local map expected
	expected=$(owners_in_archive "$BUSYBOX_TAR")
	[ "$(wc -l <<<"$expected")" -gt 20 ]
	for map in --userns=map --userns=keep-id --userns=keep-id:uid=3 '--uidmap=0:1:30000 --uidmap=30000:0'; do
		# shellcheck disable=SC2086
		run_busybox $map -u 0 -- sh -c 'find / -xdev -exec stat -c "%n %u:%g" {} +'
		assert_status 0
		diff <(echo "$expected") <(without_our_files <<<"$output") || fail_with "an owner differs with $map"
	done
}

@test "--uidmap counts in the default map: 0 is the caller, 1 and up are subordinate" {
	run_busybox --uidmap 0:1:2000 --uidmap 2000:0 -v "$lent:/src" -u 2000 -- sh -c 'id -u; touch /src/new'
	assert_success 2000
	[ "$(stat -c %u "$lent/new")" = "$me" ]
	run_busybox --uidmap 0:1:2000 --uidmap 2000:0 --gidmap 0:1:3000 --gidmap 4000:0 -- sh -c 'cat /proc/self/uid_map; cat /proc/self/gid_map'
	[[ $output =~ 0\ +$first\ +2000 ]] || fail_with 'the user ids should be those of --uidmap'
	[[ $output =~ 0\ +[0-9]+\ +3000 ]] || fail_with 'the group ids should be those of --gidmap'
}

@test "what our own id writes into a volume is ours outside, under every map" {
	local map
	cd "$lent"
	for map in --userns=map --userns=single --userns=keep-id --userns=keep-id:uid=5,gid=6 \
		'--uidmap=0:1:2000 --uidmap=2000:0 -u 2000:2000' '--uidmap=0:0:5000 --gidmap=0:0:5000'; do
		# shellcheck disable=SC2086
		run_busybox $map -v "$PWD:/src" -- sh -c 'echo mine >/src/new && mkdir -m 0751 /src/folder && stat -c %u:%g /src'
		assert_status 0
		[ "$(stat -c '%u:%g' new folder | uniq)" = "$me:$my_group" ] || fail_with "not ours with $map"
		[ "$(cat new)" = mine ]
		rm -r new folder
	done
}

@test "maps that cannot be are refused" {
	run_busybox --uidmap 1:0:10 -- true
	assert_error 'set up by its root'
	run_busybox --uidmap 0:1:2000 -- true
	assert_error 'your own id'
	run_busybox --uidmap 0:0:10 -- true
	assert_error 'has no place for its owner'
	run_busybox --uidmap 0:1:99999999 -- true
	assert_error E_ID_UNMAPPED
	run_busybox --uidmap 0:1:10 --uidmap 5:20:10 -- true
	assert_error E_SUBID_INVALID
	run_busybox --uidmap 0:1:10 --userns=map -- true
	assert_status 125
	assert_stderr_has 'use either'
	run_busybox --uidmap zero:1:10 -- true
	assert_status 125
	assert_stderr_has INSIDE:ID:COUNT
	run_busybox --userns=keep-id:uid=x -- true
	assert_status 125
	assert_stderr_has 'keep-id:uid=N'
}

@test "--group-add gives one more group; with a single id that is an error" {
	run_busybox --group-add 4 --group-add nogroup -- id -G
	assert_success '0 4 65534'
	run_busybox --group-add no-such-group -- true
	assert_error E_USER_UNKNOWN
	run_busybox --userns=single --group-add 4 -- true
	assert_error E_ID_UNMAPPED
}
