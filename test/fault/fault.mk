LEVELS += fault

## check-fault: calls that fail, full disks and power cuts, by root around the ordinary user, test/fault/*.bats
.PHONY: check-fault
check-fault: all switched helpers fixtures
	@$(WITH_FIXTURES) $(DRIVER) -r $(RUN_TAP) -j $(JOBS) test/fault/$(or $(T:%.bats=%),*).bats
