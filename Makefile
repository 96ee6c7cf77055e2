# sandbox: a rootless user-namespace sandbox. `make help` lists the targets.

# The build directory. Variants (SANITIZE=1, FUZZ=1, TEST_SWITCHES=1) use one of their own.
B ?= build
CC ?= cc
PREFIX ?= /usr/local
VERSION := 0.1

# V=1 shows whole command lines.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

, := ,
SANITIZERS := $(if $(FUZZ),fuzzer-no-link$(,))$(if $(SANITIZE)$(FUZZ),address$(,)undefined)

# The product is linked statically against everything but libarchive: the dynamic loader would be the
# largest single cost of a start. The importer, which needs libarchive, is a second, dynamic program.
LINK ?= $(if $(SANITIZERS),dynamic,static)

PKG_CONFIG ?= pkg-config
MAIN_PACKAGES := libcap libseccomp json-c nettle
IMPORTER_PACKAGES := libarchive libisal liblzma nettle json-c

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla -Wformat=2 -Wundef -Wno-missing-field-initializers $(if $(WERROR),-Werror)
SANITIZE_FLAGS := $(if $(SANITIZERS),-fsanitize=$(SANITIZERS) -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
HARDENING := $(if $(SANITIZERS),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
override CPPFLAGS += -Iinclude -Isrc -D_GNU_SOURCE -DSANDBOX_VERSION='"$(VERSION)"' \
	$(if $(TEST_SWITCHES),-DSANDBOX_TEST_SWITCHES) $(if $(SANITIZERS),-DSANDBOX_SANITIZED)
override CFLAGS += -std=gnu11 $(WARNINGS) $(HARDENING) $(SANITIZE_FLAGS) -MMD -MP
override LDFLAGS += -Wl,-z,relro,-z,now $(SANITIZE_FLAGS)

LIBRARY_SOURCES := $(filter-out src/cli/% src/importer/% src/scope/% src/holder/%,$(wildcard src/*/*.c))
CLI_SOURCES := $(wildcard src/cli/*.c)
IMPORTER_SOURCES := $(wildcard src/importer/*.c)
HOLDER_SOURCES := $(wildcard src/holder/*.c)
# Without libsystemd there is no sandbox-scope, and groups come from where they are delegated by other means.
SCOPE_PACKAGES := libsystemd
SCOPE = $(if $(shell $(PKG_CONFIG) --exists $(SCOPE_PACKAGES) && echo yes),$(B)/sandbox-scope)
object = $(patsubst %.c,$(B)/%.o,$(1))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

## all: build sandbox, its importer and the library
.PHONY: all
all: $(B)/sandbox $(B)/sandbox-import $(B)/sandbox-holder $(B)/libsandbox.a
	$(Q)$(if $(SCOPE),$(MAKE) -s --no-print-directory $(SCOPE))

# Installs what is missing of one section of test/packages; the stamps serve all variants.
PACKAGES := build/packages
$(PACKAGES)/%: test/packages
	@mkdir -p $(@D)
	@test/scripts/install-packages $*
	@touch $@

$(B)/%.o: %.c | $(PACKAGES)/build
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $$($(PKG_CONFIG) --cflags $(MAIN_PACKAGES)) -c $< -o $@

# It contains what it prints.
$(call object,src/cli/cmd_completion.c): $(wildcard contrib/completion/*)

# Everything but the main functions: what the programs and the unit tests are linked with.
$(B)/internal.a: $(call object,$(LIBRARY_SOURCES) $(filter-out src/cli/main.c,$(CLI_SOURCES)))
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

STATIC_FLAGS = $(if $(filter static,$(LINK)),-static-pie,-pie)
$(B)/sandbox: $(call object,src/cli/main.c) $(B)/internal.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(STATIC_FLAGS) -o $@ $^ $$($(PKG_CONFIG) $(if $(filter static,$(LINK)),--static) --libs $(MAIN_PACKAGES))

$(B)/sandbox-import: $(call object,$(IMPORTER_SOURCES)) $(B)/internal.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -pie -o $@ $^ $$($(PKG_CONFIG) --libs $(IMPORTER_PACKAGES)) -pthread

$(B)/sandbox-scope: $(call object,$(wildcard src/scope/*.c)) $(B)/internal.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -pie -o $@ $^ $$($(PKG_CONFIG) --libs $(SCOPE_PACKAGES))

# Against libc alone: it stays in memory.
$(B)/sandbox-holder: $(call object,$(HOLDER_SOURCES) src/kernel/syscalls.c)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -pie -o $@ $^

# The public library: one object in which only the documented names are visible.
$(B)/libsandbox.a: $(call object,$(LIBRARY_SOURCES))
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(LD) -r -o $(B)/libsandbox.o $^
	$(Q)objcopy --wildcard --keep-global-symbol='sandbox_*' $(B)/libsandbox.o
	$(Q)$(AR) rcs $@ $(B)/libsandbox.o

-include $(shell find $(B)/src -name '*.d' 2>/dev/null)

# --- installing ----------------------------------------------------------------------------------------

BINDIR = $(DESTDIR)$(PREFIX)/bin
LIBDIR = $(DESTDIR)$(PREFIX)/lib
LIBEXECDIR = $(DESTDIR)$(PREFIX)/libexec/sandbox
DATADIR = $(DESTDIR)$(PREFIX)/share/sandbox
INCLUDEDIR = $(DESTDIR)$(PREFIX)/include/sandbox
MANDIR = $(DESTDIR)$(PREFIX)/share/man
SHAREDIR = $(DESTDIR)$(PREFIX)/share
# Where bash (with the package bash-completion), zsh and fish look for them, and by which name.
COMPLETIONS := bash:bash-completion/completions/sandbox zsh:zsh/site-functions/_sandbox \
	fish:fish/vendor_completions.d/sandbox.fish
MAN_PAGES := $(patsubst contrib/man/%.scd,$(B)/man/%,$(wildcard contrib/man/*.scd))

$(B)/man/%: contrib/man/%.scd | $(PACKAGES)/install
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)SOURCE_DATE_EPOCH=0 scdoc <$< >$@

## man: the manual pages
.PHONY: man
man: $(MAN_PAGES)

## install: into DESTDIR and PREFIX (/usr/local); uninstall takes the same
.PHONY: install uninstall
install: all $(MAN_PAGES)
	install -D -m 0755 $(B)/sandbox $(BINDIR)/sandbox
	install -D -m 0755 $(B)/sandbox-import $(LIBEXECDIR)/sandbox-import
	$(if $(SCOPE),install -D -m 0755 $(B)/sandbox-scope $(LIBEXECDIR)/sandbox-scope)
	install -D -m 0644 -t $(DATADIR)/systemd contrib/systemd/*.conf
	install -D -m 0755 $(B)/sandbox-holder $(LIBEXECDIR)/sandbox-holder
	install -D -m 0644 $(B)/libsandbox.a $(LIBDIR)/libsandbox.a
	install -D -m 0644 -t $(INCLUDEDIR) include/sandbox/*.h
	$(foreach page,$(MAN_PAGES),install -D -m 0644 -t $(MANDIR)/man$(subst .,,$(suffix $(page))) $(page) &&) true
	$(foreach entry,$(COMPLETIONS),install -D -m 0644 contrib/completion/sandbox.$(subst :, $(SHAREDIR)/,$(entry)) &&) true

uninstall:
	rm -f $(BINDIR)/sandbox $(LIBDIR)/libsandbox.a
	rm -f $(foreach entry,$(COMPLETIONS),$(SHAREDIR)/$(lastword $(subst :, ,$(entry))))
	rm -f $(foreach page,$(MAN_PAGES),$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	rm -rf $(LIBEXECDIR) $(INCLUDEDIR) $(DATADIR)

## clean: remove what was built
.PHONY: clean
clean:
	rm -rf $(B)

include test/test.mk

.PHONY: help
help:
	@sed -n 's/^## //p' $(filter Makefile %.mk,$(MAKEFILE_LIST)) | awk -F ': ' '{ printf "make %-18s %s\n", $$1, $$2 }'
