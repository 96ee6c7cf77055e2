# The tests, and what else is not the product. Included by the Makefile. Every level ends with the line
# "N passed, N failed, N skipped" and runs as an ordinary user (test/driver). A level of its own folder
# brings its rules as test/FOLDER/FOLDER.mk, with `LEVELS += NAME` for `make check-NAME`.

# T='name…' picks files of a level.
T ?=
JOBS := $(shell nproc)
LEVELS := layers install unit $(foreach level,integration worlds hostile,$(if $(wildcard test/$(level)/*.bats),$(level)))

DRIVER = B=$(B) test/driver
WITH_FIXTURES = SANDBOX_FIXTURES="$$(test/scripts/fixtures path)"
RUN_TAP := test/scripts/run-tap -j $(JOBS)
# Half of their time bats files wait: for the disk, for helper programs, for an end.
BATS_JOBS := $(shell echo $$((2 * $(JOBS))))
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
	@$(MAKE) --no-print-directory -s B=$(B)/test TEST_SWITCHES=1 all

# Small programs that tests run inside a sandbox: static, so that any root will do.
HELPERS := $(patsubst test/helpers/%.c,$(B)/helpers/%,$(wildcard test/helpers/*.c))
$(B)/helpers/%: test/helpers/%.c | $(PACKAGES)/build
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE -MMD -MP -static -o $@ $<
helpers: $(HELPERS)

# The test images, made once outside the checkout.
fixtures: | $(PACKAGES)/run $(PACKAGES)/test
	@test/scripts/fixtures all

# What the importer is made of, but for its main: for tests of the parts.
IMPORTER_PARTS := $(filter-out %/main.o,$(call object,$(IMPORTER_SOURCES)))

# --- levels ----------------------------------------------------------------------------------------------

## check-layers: modules include only what lies below them
.PHONY: check-layers
check-layers:
	@$(RUN_TAP) test/scripts/check-layers

## check-install: install, use and uninstall
.PHONY: check-install
check-install: all $(MAN_PAGES)
	@MAKE=$(MAKE) $(RUN_TAP) test/scripts/check-install

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

# Tests of what the importer is made of.
$(B)/unit/test_importer_%: test/unit/test_importer_%.c $(IMPORTER_PARTS) $(B)/internal.a | $(PACKAGES)/test
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(IMPORTER_PARTS) $(B)/internal.a $(LDFLAGS) \
		$$($(PKG_CONFIG) --libs cmocka $(MAIN_PACKAGES) $(IMPORTER_PACKAGES)) -pthread

## check-integration: the real program, test/integration/*.bats
## check-hostile: archives, root layouts and payloads of an adversary, test/hostile/*.bats
.PHONY: check-integration check-hostile
check-integration check-hostile: check-%: all switched helpers fixtures
	@$(WITH_FIXTURES) B=$(B) test/scripts/run-apart $(BATS_JOBS) $(patsubst %,test/$*/%.bats,$(or $(T:%.bats=%),*))

## check-worlds: machines that lack something (made by root around the ordinary user)
.PHONY: check-worlds
check-worlds: all helpers fixtures
	@$(WITH_FIXTURES) $(DRIVER) -r $(RUN_TAP) test/worlds/*.bats

# --- sanitizers and fuzzing --------------------------------------------------------------------------------

## check-sanitize: the suites again with AddressSanitizer and UndefinedBehaviorSanitizer, and the fuzzers
.PHONY: check-sanitize check-fuzz
SANITIZE_LEVELS = $(filter unit integration hostile,$(LEVELS)) $(if $(FUZZ_SOURCES),fuzz)
check-sanitize:
	@$(MAKE) --no-print-directory $(PARALLEL) B=build/sanitize SANITIZE=1 check-build
	+@test/scripts/run-levels "$(MAKE) --no-print-directory B=build/sanitize SANITIZE=1" $(SANITIZE_LEVELS)

## check-fuzz: libFuzzer programs, test/fuzz/*.c, FUZZ_SECONDS each
FUZZ_SECONDS ?= 60
FUZZ_SOURCES := $(wildcard test/fuzz/$(or $(T),*).c)
FUZZ_PROGRAMS := $(patsubst test/fuzz/%.c,build/fuzz/fuzz/%,$(FUZZ_SOURCES))
check-fuzz: | $(PACKAGES)/sanitize
	@$(MAKE) --no-print-directory $(PARALLEL) B=build/fuzz FUZZ=1 SANITIZE= CC=clang fuzz-programs
	@B=build/fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) test/driver $(RUN_TAP) $(FUZZ_PROGRAMS)

# A target may use what the importer is made of, but for its main.
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
$(B)/fuzz/%: test/fuzz/%.c $(IMPORTER_PARTS) $(B)/internal.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -o $@ $< $(IMPORTER_PARTS) $(B)/internal.a $(LDFLAGS) \
		$$($(PKG_CONFIG) --libs $(MAIN_PACKAGES) $(IMPORTER_PACKAGES)) -pthread

# --- the state of the source -------------------------------------------------------------------------------

## lint: compilers' and analysers' warnings are errors; the length of functions
.PHONY: lint format
lint: | $(PACKAGES)/build $(PACKAGES)/test $(PACKAGES)/sanitize $(PACKAGES)/lint
	@test/scripts/run-tap -t 1800 test/scripts/lint

## format: lay out the C files as .clang-format says
format: | $(PACKAGES)/lint
	clang-format -i $$(find src include test -name '*.[ch]')

## demo: run a command in two images, and show what is isolated
.PHONY: demo
demo: all | $(PACKAGES)/run $(PACKAGES)/test
	@test/scripts/fixtures basic
	@$(WITH_FIXTURES) $(DRIVER) -p contrib/demo $(B)/sandbox

-include $(wildcard $(B)/unit/*.d $(B)/helpers/*.d $(B)/fuzz/*.d)
-include $(wildcard test/*/*.mk)
