# Loaded by the tests of the worlds: the integration tests' helpers, with the world's own folders.
# shellcheck shell=bash

load ../integration/helper

setup_file() {
	:
}

teardown_file() {
	:
}
