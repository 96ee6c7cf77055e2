# The posture probe is one program of several files. Like the other helpers it is static and without
# sanitizers: it runs in a root file system with nothing else in it.

helpers: $(B)/helpers/probe
$(B)/helpers/probe: $(wildcard test/helpers/probe/*.c) test/helpers/probe/probe.h | $(PACKAGES)/build
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -O2 -g $(WARNINGS) -D_GNU_SOURCE -static -o $@ $(filter %.c,$^)
