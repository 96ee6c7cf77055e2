# Loaded by examples.bats.
# shellcheck shell=bash disable=SC2034

LOADED=yes
