# xpci: PCI passthrough for Xen, in three commands
#
# Knobs, all to be given on the command line:
PREFIX      = /usr/local
SBINDIR     = $(PREFIX)/sbin
LIBEXECDIR  = $(PREFIX)/lib/xpci
MANDIR      = $(PREFIX)/share/man
UNITDIR     = $(PREFIX)/lib/systemd/system
INITDDIR    = /etc/init.d
COMPDIR     = $(PREFIX)/share/bash-completion/completions
# dracut's own, wherever xpci goes: it looks nowhere else
DRACUTDIR   = /usr/lib/dracut
ZSHDIR      = $(PREFIX)/share/zsh/site-functions
DESTDIR     =
# yes, no, or detect: build the libxl plugin for the Xen release installed here
LIBXL       = detect
CPPFLAGS    =
PKG_CONFIG  = pkg-config
# 1: warnings are errors
DEVELOPER   = 0
# e.g. address,undefined
SANITIZE    =
CC          = gcc
CFLAGS      = -O2 -g
BUILD       = build
# 1: show the commands
V           = 0
# which tests/lab/tests/*.sh 'make check' boots: all without a line "# full",
# the ones that show most first
LAB_FIRST   = walk attach live identity dracut package
LAB_TESTS   = $(LAB_FIRST) $(filter-out $(LAB_FIRST),$(call LAB_NAME,\
                $(shell grep -L '^\# full' tests/lab/tests/*.sh)))
# how many at a time; each takes a processor and 3 GiB
LAB_JOBS    = 2
# e.g. --within 2700
LAB_RUN     =
LAB_NAME    = $(patsubst tests/lab/tests/%.sh,%,$(1))

VERSION    := 0.1.0
LIBS       := common cfg-parser pciback-tools initrd libxl-plugin
PKGS       := libpci smartcols
# what only readers.so needs; tests have all in themselves
READ_PKGS  := libkmod libarchive
WARNINGS   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
              -Wpointer-arith -Wwrite-strings -Wcast-qual -Wvla -Wundef \
              -Wformat=2 -Wno-format-nonliteral
ALLFLAGS   := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DXPCI_VERSION='"$(VERSION)"' \
              -DXPCI_LIBEXECDIR='"$(LIBEXECDIR)"' $(addprefix -I,$(LIBS)) \
              $(shell $(PKG_CONFIG) --cflags $(PKGS) $(READ_PKGS) 2>/dev/null)
BASEFLAGS  := -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) \
              $(if $(filter 1,$(DEVELOPER)),-Werror) \
              $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer \
                -fno-sanitize-recover=all)
LINKFLAGS  := $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LDLIBS     := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -ldl
READ_LIBS  := $(shell $(PKG_CONFIG) --libs $(READ_PKGS) 2>/dev/null)

# The plugin is named after the one libxenlight it is linked to.
XEN_RELEASE := $(if $(filter no,$(LIBXL)),,$(shell \
                 $(PKG_CONFIG) --modversion xenlight 2>/dev/null | cut -d. -f1,2))
ifeq ($(LIBXL)-$(XEN_RELEASE),yes-)
$(error LIBXL=yes, but pkg-config finds no xenlight; install libxen-dev)
endif
PLUGIN     := $(if $(XEN_RELEASE),$(BUILD)/libxl-$(XEN_RELEASE).so)

# libxl-plugin/plugin*.c make the shared object, the rest is its loader.
PLUGIN_SRC := $(wildcard libxl-plugin/plugin*.c)
LIB_SRC    := $(filter-out $(PLUGIN_SRC),$(foreach d,$(LIBS),$(wildcard $(d)/*.c)))
# readers-plugin.c makes readers.so, which readers.c opens
READ_SRC   := cli/readers-plugin.c
CLI_SRC    := $(filter-out $(READ_SRC),$(wildcard cli/*.c))
UNIT_SRC   := $(wildcard tests/unit/*.c)
OBJ         = $(patsubst %.c,$(BUILD)/%.o,$(1))
UNIT_BIN   := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $@)

all: $(BUILD)/xpci $(BUILD)/readers.so $(PLUGIN)

# -rdynamic: what a plugin shares with it
$(BUILD)/xpci: $(call OBJ,$(CLI_SRC)) $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ $(LDLIBS)

$(BUILD)/readers.so: $(call OBJ,$(READ_SRC)) $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -shared -o $@ $^ $(READ_LIBS)

$(BUILD)/libxpci.a: $(call OBJ,$(LIB_SRC))
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

# it has the script in it
$(BUILD)/initrd/seize.o: initrd/seize.sh

$(PLUGIN): $(call OBJ,$(PLUGIN_SRC)) $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -shared -Wl,-z,defs -o $@ $^ \
	    $(shell $(PKG_CONFIG) --libs xenlight xenstore xencontrol \
	      xentoollog) \
	    $(if $(SANITIZE),-shared-libasan)

$(call OBJ,$(PLUGIN_SRC)): ALLFLAGS += $(patsubst -I%,-isystem %,\
    $(shell $(PKG_CONFIG) --cflags xenlight xenstore xencontrol xentoollog))

# objects first: the library is searched for what they lack
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(filter %.a,$^) -lcmocka $(LDLIBS) $(READ_LIBS)

# --- xl's own parser as the judge of cfg-parser, where it is installed ---

XLUTIL     := $(if $(XEN_RELEASE),$(shell $(PKG_CONFIG) --libs xlutil xenlight))
FUZZ       := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz-*.c))
CHECK_SRC  := $(filter-out tests/fuzz/diff.c $(FUZZ:%=tests/fuzz/%.c),\
                $(wildcard tests/fuzz/*.c))

ifneq ($(XEN_RELEASE),)
$(BUILD)/tests/unit/test-cfg-xlu.o: ALLFLAGS += -DXPCI_HAVE_XLUTIL -Itests/fuzz
$(BUILD)/tests/unit/test-cfg-xlu: LDLIBS += $(XLUTIL)
$(BUILD)/tests/unit/test-xl-spec.o: ALLFLAGS += -DXPCI_HAVE_XLUTIL
$(BUILD)/tests/unit/test-xl-spec: LDLIBS += $(XLUTIL)
$(BUILD)/tests/unit/test-cfg-xlu: $(call OBJ,$(CHECK_SRC))
endif

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(call OBJ,$(CHECK_SRC)) \
                       $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) \
	    $(if $(filter fuzz-%,$*),-fsanitize=fuzzer) -o $@ $^ $(XLUTIL) $(LDLIBS) $(READ_LIBS)

# make fuzz, fuzz-cfg, fuzz-diff...: FUZZ_TIME seconds for a target, from its
# files in tests/corpus on; COUNT random inputs of each kind that xpci and xl
# must read the same. What is found stays in build/fuzz, a finding fails.
FUZZ_TIME   = 60
COUNT       = 1000000
SEED        = 1
FUZZ_BIN    = build/fuzz/obj/tests/fuzz
# leaks are looked for at the end: libxlutil has some, each would be searched
FUZZ_FLAGS  = -max_total_time=$(FUZZ_TIME) -max_len=2048 -detect_leaks=0 \
              -print_final_stats=1 -verbosity=0

fuzz: fuzz-targets fuzz-diff

fuzz-targets: $(FUZZ)

fuzz-build:
	$(Q)$(MAKE) --no-print-directory BUILD=build/fuzz/obj CC=clang \
	    CFLAGS='-O1 -g' SANITIZE=fuzzer-no-link,address,undefined \
	    $(FUZZ:%=$(FUZZ_BIN)/%)

$(FUZZ): fuzz-%: fuzz-build
	@mkdir -p build/fuzz/corpus-$*
	LSAN_OPTIONS=suppressions=tests/fuzz/lsan.supp:print_suppressions=0 \
	    $(FUZZ_BIN)/$@ $(FUZZ_FLAGS) -artifact_prefix=build/fuzz/$*- \
	    build/fuzz/corpus-$* $(wildcard tests/corpus/$*)

fuzz-diff: $(BUILD)/tests/fuzz/diff
	$< spec $(COUNT) $(SEED) -- tests/corpus/pci-spec/*
	$< cfg $(COUNT) $(SEED) -- tests/corpus/cfg/*/*

# make bench: docs/benchmarks.md anew, from an optimised build
BENCH      := $(patsubst %.c,%,$(wildcard tests/bench/*.c))

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libxpci.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS) -o $@ $^ $(XLUTIL) $(LDLIBS) $(READ_LIBS)

bench: deps-build-test-bench all $(BENCH:%=$(BUILD)/%)
	tests/bench/run $(BUILD) >$(BUILD)/benchmarks.md
	cp $(BUILD)/benchmarks.md docs/benchmarks.md

# The loader knows where plugins are installed: made anew for another PREFIX.
$(BUILD)/libexecdir: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBEXECDIR)' | cmp -s - $@ || echo '$(LIBEXECDIR)' >$@
$(BUILD)/libxl-plugin/load.o $(BUILD)/cli/readers.o: $(BUILD)/libexecdir

$(BUILD)/%.o: %.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALLFLAGS) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(call OBJ,$(LIB_SRC) $(CLI_SRC) $(READ_SRC) $(PLUGIN_SRC) $(UNIT_SRC) \
    $(wildcard tests/fuzz/*.c tests/bench/*.c)))

MAN_SRC    := $(wildcard docs/man/*.pod)
MAN        := $(patsubst docs/man/%.pod,$(BUILD)/man/%,$(MAN_SRC))

man: $(MAN)

$(BUILD)/man/%: docs/man/%.pod
	@mkdir -p $(@D)
	$(call say,MAN)
	$(Q)pod2man -c xpci -r 'xpci $(VERSION)' -s $(lastword $(subst ., ,$*)) \
	    -n $(basename $*) $< $@

install-plugin: $(PLUGIN)
	$(if $(PLUGIN),install -D -m 755 $(PLUGIN) \
	    $(DESTDIR)$(LIBEXECDIR)/$(notdir $(PLUGIN)))

install: all man install-plugin
	install -D -m 755 $(BUILD)/xpci $(DESTDIR)$(SBINDIR)/xpci
	install -D -m 755 $(BUILD)/readers.so $(DESTDIR)$(LIBEXECDIR)/readers.so
	install -D -m 644 completion/xpci.bash $(DESTDIR)$(COMPDIR)/xpci
	install -D -m 755 initrd/dracut-module.sh \
	    $(DESTDIR)$(DRACUTDIR)/modules.d/90xpci/module-setup.sh
	install -D -m 644 completion/_xpci $(DESTDIR)$(ZSHDIR)/_xpci
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(INITDDIR)
	sed 's|@SBINDIR@|$(SBINDIR)|' initrd/xpci-boot.service \
	    >$(DESTDIR)$(UNITDIR)/xpci-boot.service
	sed 's|@SBINDIR@|$(SBINDIR)|' initrd/xpci-boot.init \
	    >$(DESTDIR)$(INITDDIR)/xpci-boot
	chmod 644 $(DESTDIR)$(UNITDIR)/xpci-boot.service
	chmod 755 $(DESTDIR)$(INITDDIR)/xpci-boot
	for page in $(MAN); do \
	    install -D -m 644 $$page \
	        $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done

# Debian packages of this tree, in build/deb.
deb: deps-build-deb
	scripts/build-deb.sh build/deb

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
lab-root: deps-build-lab
	@rm -rf $(LAB_ROOT)
	@$(MAKE) --no-print-directory BUILD=build/lab-build PREFIX=/usr \
	    DESTDIR=$(LAB_ROOT) install >/dev/null

# The packages, for the tests that install them. This tree is tested as it is.
lab-debs: deps-build-deb
	DEB_BUILD_OPTIONS=nocheck scripts/build-deb.sh build/deb

lab: lab-root
	XPCI_DESTDIR=$(LAB_ROOT) tests/lab/lab shell

demo: lab-root
	XPCI_DESTDIR=$(LAB_ROOT) tests/lab/lab run -v walk

check-lab: lab-root $(if $(filter package real-init,$(LAB_TESTS)),lab-debs) \
           $(if $(filter builtin,$(LAB_TESTS)),deps-kernel)
	XPCI_DESTDIR=$(LAB_ROOT) XPCI_DEBS=build/deb tests/lab/lab run -j $(LAB_JOBS) \
	    $(LAB_RUN) $(LAB_TESTS)

# those that take hours too
check-lab-full: LAB_TESTS = $(call LAB_NAME,$(wildcard tests/lab/tests/*.sh))
check-lab-full: check-lab

clean:
	rm -rf build

FORCE:

.PHONY: FORCE all man install install-plugin deb unit check-fast check lint \
        lab-root lab-debs lab demo check-lab check-lab-full fuzz fuzz-targets \
        $(FUZZ) fuzz-build fuzz-diff clean
.DELETE_ON_ERROR:
.SECONDARY:
