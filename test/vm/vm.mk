# A guest with cgroup v2 and systemd: test/vm. The last level of `make check`: it takes longest.

LEVELS += vm

## check-vm: the tests in user-mode-linux and QEMU [VM=uml|qemu|both] [WORLD=name] [T=file]
.PHONY: check-vm
check-vm: all switched helpers fixtures | $(PACKAGES)/vm
	@$(WITH_FIXTURES) B=$(B) VM=$(VM) WORLD=$(WORLD) T=$(T) test/vm/check
