# xpci: PCI passthrough for Xen, in three commands
#
# Knobs, all to be given on the command line:
PREFIX      = /usr/local
SBINDIR     = $(PREFIX)/sbin
LIBEXECDIR  = $(PREFIX)/lib/xpci
MANDIR      = $(PREFIX)/share/man
COMPDIR     = $(PREFIX)/share/bash-completion/completions
DESTDIR     =
# yes, no, or detect: build the libxl plugin for the Xen release installed here
LIBXL       = detect
# 1: warnings are errors
DEVELOPER   = 0
# e.g. address,undefined
SANITIZE    =
CC          = gcc
CFLAGS      = -O2 -g
BUILD       = build
# 1: show the commands
V           = 0
# which tests/lab/tests/*.sh 'make check' boots
LAB_TESTS   = $(patsubst tests/lab/tests/%.sh,%,$(wildcard tests/lab/tests/*.sh))

VERSION    := 0.1.0
LIBS       := common cfg-parser pciback-tools initrd libxl-plugin
PKGS       := libpci libkmod libarchive smartcols mount
WARNINGS   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
              -Wpointer-arith -Wwrite-strings -Wcast-qual -Wvla -Wundef \
              -Wformat=2 -Wno-format-nonliteral
CPPFLAGS   := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DXPCI_VERSION='"$(VERSION)"' \
              -DXPCI_LIBEXECDIR='"$(LIBEXECDIR)"' $(addprefix -I,$(LIBS)) \
              $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
BASEFLAGS  := -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) \
              $(if $(filter 1,$(DEVELOPER)),-Werror) \
              $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
                -fno-sanitize-recover=all)
LINKFLAGS  := $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LDLIBS     := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldl

# The plugin is named after the one libxenlight it is linked to.
XEN_RELEASE := $(if $(filter no,$(LIBXL)),,$(shell \
                 pkg-config --modversion xenlight 2>/dev/null | cut -d. -f1,2))
ifeq ($(LIBXL)-$(XEN_RELEASE),yes-)
$(error LIBXL=yes, but pkg-config finds no xenlight; install libxen-dev)
endif
PLUGIN     := $(if $(XEN_RELEASE),$(BUILD)/libxl-$(XEN_RELEASE).so)

# libxl-plugin/plugin*.c make the shared object, the rest is its loader.
PLUGIN_SRC := $(wildcard libxl-plugin/plugin*.c)
LIB_SRC    := $(filter-out $(PLUGIN_SRC),$(foreach d,$(LIBS),$(wildcard $(d)/*.c)))
CLI_SRC    := $(wildcard cli/*.c)
UNIT_SRC   := $(wildcard tests/unit/*.c)
OBJ         = $(patsubst %.c,$(BUILD)/%.o,$(1))
UNIT_BIN   := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $@)

all: $(BUILD)/xpci $(PLUGIN)

$(BUILD)/xpci: $(call OBJ,$(CLI_SRC)) $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libxpci.a: $(call OBJ,$(LIB_SRC))
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

$(PLUGIN): $(call OBJ,$(PLUGIN_SRC)) $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -shared -Wl,-z,defs -o $@ $^ \
	    $(shell pkg-config --libs xenlight xenstore xentoollog) \
	    $(if $(SANITIZE),-shared-libasan)

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

# The oracle of the grammar tests: xl's own parser, where it is installed.
ifneq ($(XEN_RELEASE),)
XLUTIL     := $(shell pkg-config --libs xlutil xenlight)
$(BUILD)/tests/unit/test-cfg-xlu.o: CPPFLAGS += -DXPCI_HAVE_XLUTIL
$(BUILD)/tests/unit/test-cfg-xlu: LDLIBS += $(XLUTIL)
$(BUILD)/tests/unit/test-xl-spec.o: CPPFLAGS += -DXPCI_HAVE_XLUTIL
$(BUILD)/tests/unit/test-xl-spec: LDLIBS += $(XLUTIL)
endif

# make fuzz-cfg FUZZ_TIME=600: one target of tests/fuzz for so many seconds
FUZZ_TIME   = 60
fuzz-%:
	@mkdir -p build/fuzz/corpus-$*
	clang $(CPPFLAGS) -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
	    -o build/fuzz/$@ tests/fuzz/$@.c $(LIB_SRC) $(LDLIBS)
	build/fuzz/$@ -max_total_time=$(FUZZ_TIME) build/fuzz/corpus-$*

# The loader knows where plugins are installed: made anew for another PREFIX.
$(BUILD)/libexecdir: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBEXECDIR)' | cmp -s - $@ || echo '$(LIBEXECDIR)' >$@
$(BUILD)/libxl-plugin/load.o: $(BUILD)/libexecdir

$(BUILD)/%.o: %.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(call OBJ,$(LIB_SRC) $(CLI_SRC) $(PLUGIN_SRC) $(UNIT_SRC)))

MAN_SRC    := $(wildcard docs/man/*.pod)
MAN        := $(patsubst docs/man/%.pod,$(BUILD)/man/%,$(MAN_SRC))

man: $(MAN)

$(BUILD)/man/%: docs/man/%.pod
	@mkdir -p $(@D)
	$(call say,MAN)
	$(Q)pod2man -c xpci -r 'xpci $(VERSION)' -s $(lastword $(subst ., ,$*)) \
	    -n $(basename $*) $< $@

install: all man
	install -D -m 755 $(BUILD)/xpci $(DESTDIR)$(SBINDIR)/xpci
	$(if $(PLUGIN),install -D -m 755 $(PLUGIN) \
	    $(DESTDIR)$(LIBEXECDIR)/$(notdir $(PLUGIN)))
	install -D -m 644 completion/xpci.bash $(DESTDIR)$(COMPDIR)/xpci
	for page in $(MAN); do \
	    install -D -m 644 $$page \
	        $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done

# --- tests; each installs what it lacks when run as root ---

unit: $(UNIT_BIN)

deps-%:
	scripts/deps.sh $(subst -, ,$*)

check-fast:
	tests/check.sh fast

check: deps-build-test-lint-lab
	tests/check.sh all

lint: deps-build-lint
	tests/check.sh lint

# What goes into the lab's dom0: an installed xpci.
LAB_ROOT = build/lab-root
lab-root:
	@rm -rf $(LAB_ROOT)
	@$(MAKE) --no-print-directory BUILD=build/lab-build PREFIX=/usr \
	    DESTDIR=$(LAB_ROOT) install >/dev/null

lab: deps-build-lab lab-root
	XPCI_DESTDIR=$(LAB_ROOT) tests/lab/lab shell

demo: deps-build-lab lab-root
	XPCI_DESTDIR=$(LAB_ROOT) tests/lab/lab run -v walk

check-lab: deps-build-lab lab-root
	XPCI_DESTDIR=$(LAB_ROOT) tests/lab/lab run $(LAB_TESTS)

clean:
	rm -rf build

FORCE:

.PHONY: FORCE all man install unit check-fast check lint lab-root lab demo \
        check-lab clean
.DELETE_ON_ERROR:
.SECONDARY:
