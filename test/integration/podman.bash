# podman with a storage of its own, for the tests that hand something to it.
# shellcheck shell=bash
# shellcheck disable=SC2154  # bats's variables

# Runs a script of the shell, in which `podman` works and `run` starts a container. It is root of a user namespace already:
# a crun of Debian 12 refuses to run beside both versions of control groups, and so sees none of them here.
with_podman() {
	# shellcheck disable=SC2016
	capture unshare --map-root-user --map-auto --mount sh -c '
		mount -t tmpfs none /sys/fs/cgroup && mount -t tmpfs none /run || exit 99
		storage=$1
		podman() {
			command podman --root "$storage/podman" --runroot "$storage/run" --tmpdir "$storage/tmp" \
				--storage-driver vfs --cgroup-manager cgroupfs --events-backend none --log-level error "$@"
		}
		run() {
			podman --runtime crun run --rm --network none --cgroups disabled --log-driver none --pull never \
				--no-hosts --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"
		}
		eval "$2"
		result=$?
		rm -rf "$storage/podman" "$storage/tmp"
		exit "$result"' sh "$BATS_TEST_TMPDIR" "$1"
}
