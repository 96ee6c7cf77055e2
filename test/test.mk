# The tests, and what else is not the product. Included by the Makefile. Every level ends with the line
# "N passed, N failed, N skipped" and runs as an ordinary user (test/driver). A level of its own folder
# brings its rules as test/FOLDER/FOLDER.mk, with `LEVELS += NAME` for `make check-NAME`.

# T=name picks one file of a level.
T ?=
JOBS := $(shell nproc)
LEVELS := layers unit $(foreach level,integration hostile,$(if $(wildcard test/$(level)/*.bats),$(level)))

DRIVER = B=$(B) test/driver
WITH_FIXTURES = SANDBOX_FIXTURES="$$(test/scripts/fixtures path)"
RUN_TAP := test/scripts/run-tap -j $(JOBS)
# In a sub-make started by hand; one that was given -j shares its job slots.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

## check: build everything and run every level that this machine can run
.PHONY: check
check:
	@$(MAKE) --no-print-directory $(PARALLEL) check-build
	+@test/scripts/run-levels "$(MAKE) --no-print-directory" $(LEVELS)

# --- what the levels need ------------------------------------------------------------------------------

.PHONY: check-build switched helpers fixtures
check-build: all switched helpers unit-programs

# The product with hooks (base/test_switch.h): a defence can be removed, a process ended at a named step.
switched: | $(PACKAGES)/build
	@$(MAKE) --no-print-directory B=$(B)/test TEST_SWITCHES=1 all

# Small programs that tests run inside a sandbox: static, so that any root will do.
HELPERS := $(patsubst test/helpers/%.c,$(B)/helpers/%,$(wildcard test/helpers/*.c))
$(B)/helpers/%: test/helpers/%.c | $(PACKAGES)/build
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE -MMD -MP -static -o $@ $<
helpers: $(HELPERS)

# The test images, made once outside the checkout.
fixtures: | $(PACKAGES)/run $(PACKAGES)/test
	@test/scripts/fixtures make

# --- levels ----------------------------------------------------------------------------------------------

## check-layers: modules include only what lies below them
.PHONY: check-layers
check-layers:
	@$(RUN_TAP) test/scripts/check-layers

## check-unit: one cmocka program for each test/unit/test_*.c
.PHONY: check-unit unit-programs
UNIT_PROGRAMS := $(patsubst test/unit/%.c,$(B)/unit/%,$(wildcard test/unit/test_*.c))
unit-programs: $(UNIT_PROGRAMS)
check-unit: unit-programs | $(PACKAGES)/run
	@$(DRIVER) $(RUN_TAP) $(if $(T),$(filter %/test_$(T:test_%=%),$(UNIT_PROGRAMS)),$(UNIT_PROGRAMS))

$(B)/unit/%: test/unit/%.c $(B)/internal.a | $(PACKAGES)/test
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(B)/internal.a $(LDFLAGS) $$($(PKG_CONFIG) --libs cmocka $(MAIN_PACKAGES))

## check-integration: the real program, test/integration/*.bats
## check-hostile: archives, root layouts and payloads of an adversary, test/hostile/*.bats
.PHONY: check-integration check-hostile
check-integration check-hostile: check-%: all switched helpers fixtures
	@$(WITH_FIXTURES) $(DRIVER) $(RUN_TAP) test/$*/$(or $(T:%.bats=%),*).bats

-include $(wildcard $(B)/unit/*.d $(B)/helpers/*.d)
-include $(wildcard test/*/*.mk)
