# Everything that is done to the project by hand or by CI. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

PACKAGES := testdata/lab/packages
# CI builds with the versions that Cargo.lock says.
LOCKED := $(if $(CI),--locked)

# crates/fuzz and benches/peers are outside the workspace.
CRATES := $(filter-out crates/fuzz/%,$(wildcard crates/*/Cargo.toml benches/Cargo.toml))

# $(call step,NAME,COMMAND) runs the command and says how long it took.
step = @echo "== $(1)"; start=$$(date +%s); $(2); echo "== $(1): $$(($$(date +%s) - start)) s"

# $(call wanted,COMMAND) runs `packages COMMAND`. Failing to fetch is a failure, save where KSPLAT_OFFLINE=1 asks for it.
wanted = $(PACKAGES) $(1) >/dev/null || { status=$$?; \
	[ $$status = 75 ] && [ "$${KSPLAT_OFFLINE:-0}" = 1 ] && echo "skipped: $(1) (KSPLAT_OFFLINE is set)" || exit $$status; }

.PHONY: help
help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: rust ## Decodes a captured oops with the real vmlinux (282 MB, fetched once) and shows its title, signature and bucket
	$(call step,build,cargo build $(LOCKED) --release -p ksplat-cli)
	@testdata/lab/demo

.PHONY: test
test: check tools kernel ## Everything that CI runs: check, then all tests, also those on the real vmlinux
	$(call step,tests,eval "$$($(PACKAGES) env)"; cargo test $(LOCKED) --workspace)

.PHONY: check
check: rust ## Formatting, lints, documentation, and each crate built alone; warnings are errors
	$(call step,format,cargo fmt --all --check)
	$(call step,lints,cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings)
	$(call step,documentation,RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --no-deps --workspace)
	$(call step,crates alone,for manifest in $(CRATES); do cargo check $(LOCKED) --quiet --manifest-path $$manifest; done)

FUZZ_SECONDS ?= 600

.PHONY: fuzz
fuzz: rust ## Fuzzes what reads logs for FUZZ_SECONDS (600) on all cores; a finding fails, and says where its input is
	$(call step,fuzz,crates/fuzz/run $(FUZZ_SECONDS))

.PHONY: golden
golden: rust tools kernel ## Rewrites the golden files from what the code says; read the diff
	eval "$$($(PACKAGES) env)"; KSPLAT_GOLDEN=rewrite cargo test --workspace

.PHONY: bench
bench: rust peers ## Measures speed and memory; BENCH="report quiet" for some, BENCH=--help for options
	$(call step,build,cargo build $(LOCKED) --release -p ksplat-cli -p ksplat-benches)
	@eval "$$($(PACKAGES) env)"; target/release/bench $(BENCH)

.PHONY: accuracy
accuracy: rust tools kernel peers ## Compares 12,000 random addresses with five other readers (2 minutes); crates/symbolize/ACCURACY.md has the classes
	$(call step,build,cargo build $(LOCKED) --release -p ksplat-cli)
	eval "$$($(PACKAGES) env)"; testdata/lab/accuracy --count 10000 "$$KSPLAT_VMLINUX"
	eval "$$($(PACKAGES) env)"; find "$$KSPLAT_KERNEL_DIR" -name '*.ko' | sort | xargs testdata/lab/accuracy --count 2000

.PHONY: peers
peers: rust ## Builds the peers that are libraries, for bench and accuracy
	$(call step,peers,cargo build $(LOCKED) --release --manifest-path benches/peers/Cargo.toml)

.PHONY: calibrate
calibrate: rust ## Fits the bisection audit on the labelled logs of ../shared/corpus, cross-validates it; CHECK=--check only compares
	$(call step,calibrate,cargo run $(LOCKED) --release --quiet -p ksplat-bisect --example calibrate -- ../shared/corpus $(CHECK))

.PHONY: families
families: rust ## Fits the bug families on the labelled reports of ../shared/corpus and cross-validates them; WRITE=--write keeps the tables
	$(call step,families,cargo run $(LOCKED) --release --quiet -p ksplat --example families -- ../shared/corpus $(WRITE))

.PHONY: lab
lab: ## Rebuilds the crashing modules and captures all logs anew under qemu (10 minutes)
	testdata/lab/build
	testdata/lab/capture

.PHONY: kernel
kernel: tools ## Fetches the vmlinux of the tests into the cache, and unpacks the debug kernel of ../shared
	$(call step,kernel,$(call wanted,vmlinux); $(call wanted,vmlinux-47); $(call wanted,boot); $(call wanted,debug-kernel))

.PHONY: tools
tools: ## Installs what the tests call: llvm, elfutils, binutils, gcc, zstd, drgn
	$(call step,tools,$(call wanted,tools))

# Rust itself, and the C compiler that it links with.
.PHONY: rust
rust:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust with rustup, which then takes the version in rust-toolchain.toml" >&2; exit 1; }
	@$(call wanted,compiler)
