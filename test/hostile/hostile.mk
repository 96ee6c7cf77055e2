LEVELS += defences

## check-defences: every defence that the test build can remove is removed by a test
.PHONY: check-defences
check-defences:
	@$(RUN_TAP) test/scripts/check-defences
