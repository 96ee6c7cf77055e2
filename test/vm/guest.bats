# What every world has in common, and the tests in it rely on.

@test "the tests run as an ordinary user" {
	[ "$(id -u)" = 1000 ]
	[ "$(awk '/^CapEff/ { print $2 }' /proc/self/status)" = 0000000000000000 ]
	[ -O "$HOME" ]
}

@test "there is a session keyring, as after a login" {
	keyctl show @s
}

@test "the test images are there, and read-only" {
	[ -s "$SANDBOX_FIXTURES/busybox.tar" ]
	[ ! -w "$SANDBOX_FIXTURES/busybox.tar" ]
}

@test "there is no network but the loopback and one that ends nowhere" {
	[ "$(cd /sys/class/net && echo *)" = 'lo nowhere uplink' ]
}

@test "cgroup v2 is the only hierarchy" {
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
	[ "$(wc -l </proc/self/cgroup)" = 1 ]
}

@test "the libraries of the programs under test are there" {
	run ldd "${B:-build}/sandbox-import"
	[ "$status" = 0 ]
	[[ $output != *"not found"* ]]
}
