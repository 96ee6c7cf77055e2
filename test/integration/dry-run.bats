# --dry-run: the plan in the open, and nothing done.
# shellcheck shell=bash

load helper

# The value and the origin of a row: plan_row SECTION NAME
plan_row() {
	jq -r --arg section "$1" --arg name "$2" \
		'[.[$section][] | select(.name == $name) | .value + " <- " + .why] | join("; ")' <<<"$output"
}

@test "nothing is run and no archive is imported" {
	run_busybox --dry-run -v "$HOME:/home" -- sh -c 'touch /home/ran'
	assert_status 0
	assert_output_has 'to be imported'
	[ ! -e "$HOME/ran" ]
	[ -z "$(find "$XDG_CACHE_HOME/sandbox/layers" "$XDG_CACHE_HOME/sandbox/images" -mindepth 1)" ]
}

@test "a known image is named by its digest" {
	"$SANDBOX" run "$BUSYBOX_TAR" true
	run_busybox --dry-run --json -- true
	[ "$(plan_row image "$BUSYBOX_TAR")" = "sha256:$(sha256sum "$BUSYBOX_TAR" | cut -d' ' -f1) <- argument" ]
}

@test "every decision says where it comes from" {
	run_busybox --dry-run --json --userns=single -u nobody -h box -w /work -e A=1 --cap-drop ALL --nesting \
		--tmpfs /t:size=1m --timeout 5 --ulimit nofile=10:20 -- echo 'two words'
	assert_status 0
	[ "$(plan_row ids users)" = "0 $(id -u) 1 <- --userns" ]
	[ "$(plan_row namespaces 'host name')" = 'box <- --hostname' ]
	[ "$(plan_row process user)" = 'nobody <- --user' ]
	[ "$(plan_row process 'working directory')" = '/work <- --workdir' ]
	[ "$(plan_row process timeout)" = '5000 ms <- --timeout' ]
	[ "$(plan_row environment A)" = '1 <- --env' ]
	[ "$(plan_row environment HOSTNAME)" = 'box <- default' ]
	[ "$(plan_row security 'bounding set')" = 'none <- --cap-drop' ]
	[ "$(plan_row security 'nested user namespaces')" = 'allowed <- --nesting' ]
	[ "$(plan_row security limit)" = 'nofile=10:20 <- --ulimit' ]
	[ "$(plan_row mounts /t)" = 'tmpfs nosuid,nodev,noexec,size=1.0 MiB <- --tmpfs' ]
	[ "$(plan_row mounts /proc/kcore)" = '' ]
	[ "$(plan_row command 1)" = 'two words <- argument' ]
}

@test "without options everything is the default" {
	run_busybox --dry-run --json -- true
	[ "$(plan_row ids 'written by')" = 'newuidmap, newgidmap <- default' ]
	[ "$(plan_row namespaces 'host name')" = 'sandbox <- default' ]
	[ "$(plan_row mounts /proc/kcore)" = 'mask <- default' ]
	[ "$(plan_row security 'nested user namespaces')" = 'refused <- default' ]
}

@test "a mistake is the same error as without it" {
	run_busybox --dry-run --cap-add NO_SUCH -- true
	assert_error E_CAPABILITY
	sandbox run --dry-run "$HOME/missing.tar" true
	assert_error E_IMAGE_UNKNOWN
}
