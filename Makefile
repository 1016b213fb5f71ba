# `make` prints the menu: every target with a comment after its name.

.DEFAULT_GOAL := menu
.PHONY: menu deps test-deps build server demo clean format lint filetest bless docs test test-slow test-asan test-tsan test-outside test-load mutate fuzz bench bench-peers test-python test-python-torch test-engines test-server wheel dist test-dist site

SWIFT ?= swift
# The version of swift-format that the sources are formatted with: others differ in details, so that
# only this one's complaints count.
FORMAT_VERSION := 6.3
# Which LLVM: VITC_LLVM=19 make test. Without it, the one that llvm-dev brings.
LLVM_PACKAGE := $(if $(VITC_LLVM),llvm-$(VITC_LLVM)-dev,llvm-dev)
PACKAGES := $(LLVM_PACKAGE) libopenblas0 libxxhash-dev libpng-dev libjpeg-dev libwebp-dev zlib1g-dev \
  binutils pkg-config
# What only the tests take: emulators of other processors, and Arm's libc for programs that run there;
# another libc, a tool that changes libraries, build systems, and Python's
# environments.
TEST_PACKAGES := qemu-user libc6-dev-arm64-cross musl-tools patchelf python3-venv \
  cmake meson ninja-build g++
# What only `make dist` takes: the linker as a library, and an archive that LLVM is linked with.
DIST_PACKAGES := liblld-$(or $(VITC_LLVM:=-),)dev libncurses-dev g++ xz-utils

# Numerics are 15 times slower without optimization, so tests are built for release too; in a folder
# of their own, since a build that may be tested is another build.
TEST := $(SWIFT) test -c release --scratch-path .build-tests
VITC := .build/release/vitc
SOURCES := Package.swift Plugins Sources Tests examples/swift/Package.swift examples/swift/Sources \
  examples/swift-plugin/Package.swift examples/swift-plugin/Sources \
  server/Package.swift server/Sources server/Tests
SERVER := server/.build/release/vitc-serve
# SwiftPM keeps what a manifest said for the same text and environment: without this it would not see
# that LLVM has been installed since.
export VITC_LLVM_HEADERS = $(shell ls -d /usr/lib/llvm-*/include/llvm-c 2>/dev/null)
# Never the user's own.
export VITC_CACHE := $(CURDIR)/.build/objects
PHOTOS := examples/digits/images

menu: ## Prints this menu.
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

# Installs those of the packages $(1) that are missing.
define install
	@missing=; for package in $(1); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	    || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  echo "installing$$missing"; \
	  $$sudo apt-get update -q && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -q -y --no-install-recommends $$missing; \
	fi
endef

##@ Use

deps: ## Installs what is missing, with apt-get; needs root or sudo for that.
	$(call install,$(PACKAGES))

build: deps ## Builds vitc for release: .build/release/vitc.
	$(SWIFT) build -c release --product vitc

# A package of its own, so that nobody builds an HTTP server who wants a compiler.
server: build ## Builds vitc-serve, the HTTP server, and puts it beside vitc: some minutes.
	$(SWIFT) build -c release --package-path server --product vitc-serve
	ln -sf $(CURDIR)/$(SERVER) $(dir $(VITC))vitc-serve

demo: export VITC = $(CURDIR)/.build/release/vitc
demo: build ## Compiles the digit classifier and classifies images: vitc, a C and a Swift program.
	mkdir -p out
	$(VITC) compile examples/digits/model -o out/libdigits.so
	@echo; echo "== vitc run"
	$(VITC) run out/libdigits.so $(PHOTOS) --top 1
	@echo; echo "== a classifier from words"
	$(VITC) compile examples/words/model --classes examples/words/digits.txt -o out/libwords.so
	$(VITC) run out/libwords.so $(PHOTOS) --top 1
	@echo; echo "== a C program, linked with the model"
	clang -O2 -Wall -Wextra -Werror -I out examples/c/classify.c -o out/classify \
	  -L out -ldigits -Wl,-rpath,'$$ORIGIN' -lpng -lm
	out/classify $(PHOTOS)/*.png
	@echo; echo "== a Swift program, linked with the model; one that loads it; one that compiles it"
	$(VITC) compile examples/digits/model -o examples/swift/Model/libdigits.so
	$(SWIFT) build -c release --package-path examples/swift --product Linked
	$(SWIFT) build -c release --package-path examples/swift --product Loaded
	$(SWIFT) build -c release --package-path examples/swift-plugin
	examples/swift/.build/release/Linked $(PHOTOS)/*.png
	examples/swift/.build/release/Loaded out/libdigits.so $(PHOTOS)/digit-3-1729.png
	examples/swift-plugin/.build/release/Classify $(PHOTOS)/digit-3-1729.png

clean: ## Removes what was built.
	rm -rf .build .build-* out dist examples/swift/.build examples/swift-plugin/.build server/.build
	rm -f examples/swift/Model/libdigits.so examples/swift/Model/digits.h \
	  examples/swift/Model/module.modulemap

dist: deps ## Builds a vitc that brings its libraries along: dist/vitc-*.tar.xz, vitc_*.deb.
	$(call install,$(DIST_PACKAGES))
	SWIFT=$(SWIFT) Scripts/dist

test-dist: test-deps ## Tries dist/vitc in a folder with glibc alone, and its .deb; needs root.
	Scripts/dist-test

# The program that `make dist` made goes into the wheel.
wheel: build test-deps ## Builds dist/vitc-*.whl, the Python package, and tries it in a fresh environment.
	Scripts/wheel $(VITC) $(wildcard dist/vitc/bin/vitc)

site: ## Builds the documentation as a site: out/site/index.html.
	Scripts/site

##@ Change

format: ## Formats the Swift sources.
	$(SWIFT) format -i -p -r $(SOURCES)

lint: ## Checks format, style and imports; silent if all is well.
	@Scripts/check-style
	@Scripts/mutate --check
	@found=$$($(SWIFT) format --version); \
	case "$$found" in \
	  $(FORMAT_VERSION).*) $(SWIFT) format lint --strict -p -r $(SOURCES) ;; \
	  *) echo "note: the format is checked with swift-format $(FORMAT_VERSION) only, found $$found" ;; \
	esac

# Cases that need no generated code need no Codegen, no LLVM and no other tests either.
filetest: ## Runs file tests: make filetest FILE=Tests/FileTests/Cases/evaluate/linear.vir.
	@case "$(FILE)" in \
	  *run/*|*emit/*|*cli/*) VITC_FILETEST="$(FILE)" $(SWIFT) test --filter 'FileTests\.FileTests' ;; \
	  *) $(SWIFT) build --quiet --product vitc-filetest && .build/debug/vitc-filetest $(FILE) ;; \
	esac

bless: deps ## Rewrites the expectations of file tests to what is observed; read the diff.
	BLESS=1 $(SWIFT) test --filter 'FileTests\.FileTests'

docs: deps ## Writes what documents have from sources and from vitc itself; read the diff.
	BLESS=1 $(SWIFT) test --filter DocumentTests

##@ Test

test-deps: deps ## Installs what only the tests take as well.
	$(call install,$(TEST_PACKAGES))

test: lint test-deps ## Lints, then runs all tests but the slow ones and a little of the fuzzing.
	$(TEST) --filter DocumentTests
	$(TEST) --skip-build --skip DocumentTests
	Scripts/python-tests .build-tests/release/vitc
	SWIFT=$(SWIFT) Scripts/fuzz same

test-python: build test-deps ## Runs the Python package's tests, in a virtual environment of their own.
	Scripts/python-tests $(VITC) $(PYTEST)

test-python-torch: build test-deps ## Tests modules of timm and transformers, torch.compile: some GB to install.
	PYTHON_SUITE=torch Scripts/python-tests $(VITC) $(PYTEST)

test-server: server test-deps ## Tests the server: in Swift, then with NVIDIA's client library and hostile requests.
	$(SWIFT) test --package-path server
	Scripts/server-tests $(VITC) $(SERVER) $(PYTEST)

test-engines: build test-deps ## Tests the adapters for Ray Data, Spark, Daft, Dask, on loopback; some GB to install.
	$(call install,default-jre-headless)
	PYTHON_SUITE=engines Scripts/python-tests $(VITC) $(PYTEST)

test-slow: test-deps ## Runs all tests, with the largest models: some GB of memory, some minutes.
	VITC_SLOW=1 $(TEST)

test-outside: deps ## Compares readers and preprocessing with PIL, numpy, torch, timm, ..., in an own environment.
	SWIFT=$(SWIFT) Scripts/outside/run $(OUTSIDE)

test-load: test-deps ## Runs compiled models on 64 threads, 100 000 times, and a thousand random ones.
	VITC_LOAD=100000 VITC_SEEDS=1000 $(TEST) --filter 'LoadTests|DifferentialTests'

mutate: test-deps ## Puts small faults in and looks whether the tests see them: about 40 minutes.
	SWIFT=$(SWIFT) Scripts/mutate

# Sanitizers see vitc and the runtime of compiled models, as ordinary Swift; generated code has guard
# pages instead. Freed at exit is early enough for a compiler, so leaks are not looked for.
test-asan: test-deps ## Runs the tests under AddressSanitizer: 15 minutes.
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test -c release --scratch-path .build-asan \
	  --sanitize address --skip DemoTests

test-tsan: test-deps ## Runs the tests of what has threads under ThreadSanitizer.
	TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/Scripts/tsan.supp" $(SWIFT) test -c release --scratch-path .build-tsan \
	  --sanitize thread --filter 'Pool|RuntimeTests|FilesTests|FuzzTests|DifferentialTests'

# `make test` tries the same few inputs each time; an hour of new ones each is FUZZ_SECONDS=3600.
FUZZ_SECONDS ?= 60
fuzz: test-deps ## Fuzzes the readers of untrusted files: make fuzz FUZZ_SECONDS=1200 [FUZZ=npz].
	SWIFT=$(SWIFT) Scripts/fuzz $(FUZZ_SECONDS) $(FUZZ)

##@ Measure

bench: build ## Measures ViT-B/16 with weights from a seed.
	mkdir -p out
	$(VITC) compile ViT-B/16 --weights seed:1 -o out/libvit.so
	$(VITC) bench out/libvit.so

bench-peers: build ## Measures vitc beside other runtimes; benchmarks/README.md says how.
	benchmarks/bench-peers $(BENCH)
