# SPDX-License-Identifier: Apache-2.0
# Remit. `make` alone says what there is to make.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
PYTHON ?= python3

# A static PIE starts 2.5 times faster than the default; without --disable-local-rpath it crashes at start.
STATIC = -c release --static-swift-stdlib --disable-local-rpath -Xswiftc -use-ld=lld
STATIC_PIE = $(STATIC) -Xswiftc -Xclang-linker -Xswiftc -static-pie
BIN = .build/release

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- building

deps: ## install the Debian packages that building, testing and the demo need (sudo when not root)
	@scripts/deps build test programs

build-deps:
	@scripts/deps build

build: build-deps ## debug build
	$(SWIFT) build

# Programs that link libraries of which no static archive is to be had, or which may not be a part of remit's start.
BESIDE = remit-egress remit-provider-postgres

release: build-deps ## static-PIE .build/release/remit; the gate, the PostgreSQL provider and remit-probe beside it
	$(SWIFT) build --product remit $(STATIC_PIE)
	for program in $(BESIDE); do \
	    $(SWIFT) build --product $$program --scratch-path .build-beside $(STATIC) || exit 1; \
	    cmp -s .build-beside/release/$$program $(BIN)/$$program \
	        || install -m 755 .build-beside/release/$$program $(BIN)/$$program || exit 1; \
	done
	@$(MAKE) --no-print-directory $(BIN)/remit-probe
	@scripts/check-release $(BIN)/remit

# Plain C and static, so that it runs in any root; SwiftPM's own would bring the Swift runtime along.
$(BIN)/remit-probe: $(wildcard Sources/remit-probe/*.[ch])
	@mkdir -p $(BIN)
	$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -pthread -static -o $@ $(filter %.c,$^)

# ---- testing: each tier prints how many ran, and how many were skipped and why

test: deps release ## every tier, as root also as an ordinary user
	@scripts/test unit kernel cli breakout posture programs profiles egress interop

unit: deps ## values and state machines, files, journal
	@scripts/test unit

kernel: deps ## real system calls
	@scripts/test kernel

cli: deps release ## the release binary as a black box
	@scripts/test cli

posture: deps release ## a live session seen from outside: descriptors, capabilities, mounts, namespaces, filter
	@scripts/test posture

breakout: deps release ## every way out, every race thousands of times: Tests/Breakout/RESULTS.md (half an hour)
	@BREAKOUT_TABLE='$(CURDIR)/Tests/Breakout/RESULTS.md' scripts/test breakout

# What the table says of a machine that nothing protects. They change it, so it is a guest that is thrown away.
controls: deps vm-deps release ## what the probes of the breakout suite do as root of a stock Debian 13
	@scripts/vm --suite trixie --command 'BREAKOUT_GUEST=throw-away $(CURDIR)/scripts/breakout \
	    /var/tmp/products/remit --guest-control /run/remit-vm-logs/guest-controls.jsonl' posture
	@cp .build/test-logs/trixie/guest-controls.jsonl Tests/Breakout/

programs: deps release ## git, compilers, interpreters, editors and real agents in sessions, unmodified
	@scripts/test programs

profiles: deps release ## the tests that the shipped profiles have of themselves
	@scripts/test profiles

mutations: deps release ## every value of the shipped profiles broken on its own: Tests/Profiles/MUTATIONS.md (minutes)
	@scripts/mutations --table Tests/Profiles/MUTATIONS.md $(BIN)/remit

egress: deps release ## agents, clients and attacks reach hosts of the suite's own, no others: Tests/Egress/RESULTS.md
	@EGRESS_TABLE='$(CURDIR)/Tests/Egress/RESULTS.md' scripts/test egress

vm: deps vm-deps release ## profiles, posture, cli, breakout on stock Debian 12 and 13: Tests/GUESTS.md (hours)
	@scripts/vm --together --publish Tests/GUESTS.md

vm-deps:
	@scripts/deps vm

interop: deps ## receipts and tokens checked with other people's libraries
	@scripts/test interop

# The reference engine of the policy language, in Python's form; no product needs it.
REFERENCE = .build/reference/bin/python
$(REFERENCE):
	@scripts/deps test
	$(PYTHON) -m venv .build/reference
	.build/reference/bin/pip install -q --disable-pip-version-check cedarpy==4.12.2

differential: $(REFERENCE) release ## `remit policy` against the reference engine on CASES (100000) cases of SEED (1)
	$(REFERENCE) -B Tests/Differential/differential.py $(BIN)/remit \
	    --cases $(or $(CASES),100000) --seed $(or $(SEED),1)

review: deps ## a thousand random workspaces and hostile changes, applied while somebody else moves things about
	@REMIT_ROUNDS=$(or $(ROUNDS),1000) scripts/test --filter ImportRounds kernel

tsan: deps ## unit tier under the thread sanitizer
	@scripts/test --sanitize thread unit

asan: deps ## unit tier under the address sanitizer
	@scripts/test --sanitize address unit

fuzz: build-deps ## every parser that reads hostile bytes, FUZZ_SECONDS each (30)
	@scripts/fuzz

coverage: deps ## line coverage of the unit and kernel tiers, by file
	@scripts/test --coverage unit kernel

# ---- the sources

format: ## rewrite the sources in house style
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests

lint: ## style of Swift and shell, and that generated files are current
	@scripts/lint

docs: release ## man page and the modules' documentation, in .build/docs
	@scripts/docs

# ---- using it

demo: deps release ## three agents, one that behaves and two that do not, and the receipts of all three
	@scripts/demo

bench: bench-deps release ## launch, kill, crash and memory against bubblewrap, runc and firejail: bench/RESULTS.md
	@bench/run

bench-policies: $(REFERENCE) release ## `remit policy` beside the reference engine: bench/POLICIES.md
	@$(REFERENCE) -B bench/policies

bench-egress: bench-deps release ## throughput, latency, memory and fence of the gate against mitmproxy and squid
	@bench/egress

bench-deps:
	@scripts/deps build bench

# Building is not part of it, so that `sudo make install` makes nothing in the checkout.
install: ## binaries, profiles, schemas, man page, completions, systemd units (PREFIX, DESTDIR)
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install

clean: ## remove everything built
	rm -rf .build .build-beside .build-thread .build-address .build-coverage .build-fuzz

.PHONY: help deps build-deps build release test unit kernel cli posture breakout controls programs profiles mutations \
    egress vm vm-deps interop review tsan asan fuzz coverage format lint docs demo bench bench-egress bench-deps \
    install clean
