# Images with layers, written by the tools that write them, and what they are to become.
# shellcheck shell=bash
# shellcheck disable=SC2034  # others read it

images=$PWD/test/integration/layered.py
export PYTHONDONTWRITEBYTECODE=1

# An OCI layout of these layers, with a configuration.
make_layout() {
	local layer
	umoci init --layout "$1"
	umoci new --image "$1:t"
	for layer in "${@:2}"; do
		umoci raw add-layer --image "$1:t" "$layer"
	done
	umoci config --image "$1:t" --config.env PATH=/bin --config.env FROM=image --config.workingdir /d \
		--config.user 100:200 --config.entrypoint echo --config.entrypoint entry --config.cmd command \
		--config.stopsignal SIGINT --config.exposedports 80/tcp --config.label key=value
	umoci gc --layout "$1"
} >/dev/null 2>&1

# Everything in the root of a sandbox on an image, of the store $store if that is set.
list_inside() {
	"$SANDBOX" ${store:+--root "$store"} run --entrypoint= -u 0 -w / -v "$HELPERS:/helpers:ro" "$@" /helpers/listing / | grep -v '^./helpers'
}

# What umoci unpacks as root of the same ids: in ./reference.
unpack_with_umoci() {
	unshare --map-root-user --map-auto sh -c 'umoci unpack --image "$1" "$2" && exec "$3" "$2/rootfs"' sh \
		"$1" "$BATS_TEST_TMPDIR/reference" "$HELPERS/listing" 2>"$BATS_TEST_TMPDIR/umoci"
	unshare --map-root-user --map-auto rm -rf "$BATS_TEST_TMPDIR/reference"
}

# Left out: the root's own time, which every tool sets as it likes, and that of directories that no layer lists; files
# that a sandbox mounts; the number of names of a file of which a higher layer has replaced one. No line at all is a failure.
comparable() {
	sed -E -e '/^\. /d' -e '/^\.\/(dev|proc|sys|etc\/(hosts|hostname|resolv.conf)) /d' -e '/^\.\/d\/hard /s/ (-|\.\/d\/hard) 3 / 3 /' \
		-e '/^\.\/(later(\/deep)?|deleted(\/sub)?) /s/ [0-9]+\.[0-9]+//' | grep .
}
