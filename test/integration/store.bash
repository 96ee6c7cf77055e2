# Looks into the store of a test, $STORE.
# shellcheck shell=bash

# How many layers it has.
layers() {
	find "$STORE/layers" -mindepth 1 -maxdepth 1 | wc -l
}

# What lies where things are made.
staging() {
	find "$STORE/staging" -mindepth 1 2>/dev/null
}

# For files whose setup_file and setup these are: each test begins with an empty store.
private_store() {
	private_folders
	export STORE=$XDG_CACHE_HOME/sandbox
}

empty_store() {
	"$SANDBOX" reset
	cd "$BATS_TEST_TMPDIR" || return
}
