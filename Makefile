# A thin front for Meson; the builds live in build*/.
#   make          builds everything             make run     builds build/weir and serves on 127.0.0.1:8080
#   make test     builds and passes every test  make tuned   builds build-tuned/weir, whose calls cost some 6 to 9 % less
#   make bench    that beside nginx, both sides of one run
# Each of these first installs the Debian packages that are missing (tools/deps).

MESON_ARGS ?=
BUILD := build
.NOTPARALLEL: # ninja is, within each
.PHONY: all build tuned run test unit e2e coverage mutate bench watch fuzz soak asan tsan valgrind format lint docs install deb clean

all: build

export MESON_ARGS
build:
	@[ -e $(BUILD)/build.ninja ] || tools/deps build
	@tools/build $(BUILD)

# As releases are built: with a profile of what runs often. To keep it: make tuned install BUILD=build-tuned
tuned:
	@tools/deps build
	@tools/build --tuned build-tuned

# make run PORT=9000; make run ARGS='-c weir.yaml'. PORT in the environment means something else.
run:
	@[ -e $(BUILD)/build.ninja ] || tools/deps build run
	@tools/build $(BUILD) weir
	@exec $(BUILD)/weir serve $(if $(filter command,$(origin PORT)),--listen 127.0.0.1:$(PORT)) $(ARGS)

test:
	@tools/deps build test
	@tools/test

unit:
	@tools/deps build test
	@tools/build --tests $(BUILD)
	@meson test -C $(BUILD) --no-rebuild --suite unit

e2e: build
	@tools/deps test
	@tests/e2e/run $(ARGS)

# Which part of the code the unit tests run, by room; with the end-to-end suite too: make coverage ARGS=--e2e
coverage:
	@tools/deps build test coverage
	@tools/coverage $(ARGS)

# Small mutants and what the unit tests say to them, in a build of its own: make mutate ARGS='call --sample 60'
mutate:
	@tools/deps build test
	@tools/mutate $(ARGS)

bench:
	@tools/deps build bench
	@$(MAKE) --no-print-directory tuned
	@bench/run $(ARGS)

# FUZZ_SECONDS each; one target: make fuzz ARGS=json
FUZZ_SECONDS ?= 60
fuzz:
	@tools/deps build fuzz
	@tools/fuzz $(FUZZ_SECONDS) $(ARGS)

# Hostile clients and a hostile provider at once, with all kinds of trouble; a run again: make soak ARGS='--seed 7'
SOAK_SECONDS ?= 1200
soak:
	@tools/deps build fuzz soak
	@tools/soak $(SOAK_SECONDS) $(ARGS)

# Large documents through a build that tells what keeps a loop for more than 5 ms.
watch:
	@tools/deps build test
	@[ -e build-watch/build.ninja ] || meson setup build-watch -Dloop_watch=true >/dev/null
	@ninja -C build-watch --quiet weir
	@WEIR=build-watch/weir tests/e2e/run test_large_documents.py test_large_answers.py $(ARGS)

# The whole suite under the sanitizers, in builds of their own.
asan:
	@tools/deps build test fuzz
	@tools/test --sanitize address,undefined
tsan:
	@tools/deps build test fuzz
	@tools/test --sanitize thread

# The unit tests under memcheck, and what is named of the end-to-end suite: make valgrind ARGS='test_sse.py test_forms.py'
valgrind:
	@tools/deps build test
	@tools/test --valgrind -- $(ARGS)

format:
	@tools/deps lint
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint:
	@tools/deps build lint
	@tools/lint

# The pages that are made from tables in the code.
docs: build
	@tools/docs

# make install PREFIX=/usr DESTDIR=somewhere
install: build
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' tools/install $(BUILD)

# Debian's packages of what is committed, in build-package/.
deb:
	@tools/deps build package
	@tools/package

clean:
	rm -rf build build-*
