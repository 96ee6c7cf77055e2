# The tests, and what else is not the product. Included by the Makefile. Every level ends with a line
# "N passed, N failed, N skipped".

T ?=

# --- unit: one cmocka program for each test/unit/test_*.c --------------------------------------------

UNIT_PROGRAMS := $(patsubst test/unit/%.c,$(B)/unit/%,$(wildcard test/unit/test_$(or $(T),*).c))

$(B)/unit/%: test/unit/%.c $(B)/internal.a | $(PACKAGES)/test
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(B)/internal.a $(LDFLAGS) $$($(PKG_CONFIG) --libs cmocka $(MAIN_PACKAGES))

.PHONY: check-unit
check-unit: $(UNIT_PROGRAMS)
	@test/scripts/run-tap $(UNIT_PROGRAMS)

-include $(wildcard $(B)/unit/*.d)
