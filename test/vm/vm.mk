# A guest with cgroup v2 and systemd: test/vm. The last level of `make check`: it takes longest.

LEVELS += vm

## check-vm: the tests in user-mode-linux, a part in QEMU (all with VM=qemu) [VM=uml|qemu] [WORLD=name] [T=file]
.PHONY: check-vm
check-vm: all switched helpers fixtures | $(PACKAGES)/vm
	@$(WITH_FIXTURES) B=$(B) VM=$(VM) WORLD=$(WORLD) T="$(T)" exec setpriv --pdeathsig KILL test/vm/check

LEVELS += vm-self

## check-vm-self: the level above tested on itself: failures, deaths, interruptions, its cache
.PHONY: check-vm-self
check-vm-self: fixtures | $(PACKAGES)/vm
	@$(WITH_FIXTURES) B=$(B) $(RUN_TAP) test/vm/self/lean.bats test/vm/self/cache.bats test/vm/self/guests.bats
