# make run and make test need git, make and Python 3.11-3.13; everything else they set up, in .venv and .build.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2
export OMP_NUM_THREADS := 1
export UV_PYTHON_DOWNLOADS := never
# uv trusts whom the system trusts
export UV_NATIVE_TLS := 1
# only the lock says what is installed and from which file: no stray settings of this machine's
unexport PIP_FIND_LINKS UV_FIND_LINKS PIP_REQUIRE_VIRTUALENV PYTHONPATH VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: run test test-slow test-all lint compile bench native lock clean help

run: $(READY) native ## one honest market and its table (overrides: make run ARGS="attack=lazy seed=3")
	$(BIN)/slashpoint run $(ARGS)
	@echo "now slashpoint itself: source $(BIN)/activate, then slashpoint --help"

test: lint ## style, types and the quick tests
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow"

test-slow: lint ## the slow tests: what the documents cite as evidence
	$(BIN)/python -m pytest -q -n $(JOBS) -m slow

test-all: lint ## both, and Hypothesis searches afresh
	$(BIN)/python -m pytest -q -n $(JOBS) --hypothesis-profile=search

lint: $(READY) native ## style and types: ruff, mypy, and what an editor's type checker says
	$(BIN)/ruff check -q
	$(BIN)/mypy --no-error-summary
	@mkdir -p .build && $(BIN)/basedpyright > .build/basedpyright.log || { cat .build/basedpyright.log; exit 1; }

compile: $(READY) ## compile the contracts again (needs npm)
	$(BIN)/slashpoint compile

bench: $(READY) native ## the benchmarks
	$(BIN)/slashpoint bench

# the optional Rust engine, built again when its sources or the environment changed: any failure costs one line
NATIVE := $(if $(filter 0,$(SLASHPOINT_NATIVE)),,$(wildcard native/pyproject.toml))
native: $(if $(NATIVE),$(VENV)/.native) ## the optional Rust engine (SLASHPOINT_NATIVE=0 leaves it out)

$(VENV)/.native: $(READY) $(NATIVE) $(wildcard native/Cargo.* native/src/*.rs native/src/*/*.rs native/src/*/*/*.rs)
	@mkdir -p .build && echo "building the native engine, a minute or two the first time (SLASHPOINT_NATIVE=0 leaves it out)"
	@$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --reinstall-package slashpoint-revm \
	  ./native > .build/native.log 2>&1 || echo "native engine not built (.build/native.log says why): pyevm does its work"
	@touch $@

lock: $(BIN)/uv ## resolve requirements.lock again (hashes of every file, no index addresses)
	$(BIN)/uv pip compile -q --universal --fork-strategy fewest --python-version 3.11 --extra dev --extra mnist --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" pyproject.toml -o requirements.lock

$(READY): requirements.lock pyproject.toml | $(BIN)/uv
	@echo "setting up $(VENV): 5 GB, 4 of them torch with CUDA; a minute or two, and longer on a slow network"
	$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes --build-constraints requirements.lock requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v < (3, 14) or sys.exit( \
	  "slashpoint needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d: try make PYTHON=python3.12 $(MAKECMDGOALS)" % v)'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p .build && sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .build/uv.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r .build/uv.txt

clean: ## forget everything that was set up or built
	rm -rf $(VENV) .build .mypy_cache .pytest_cache .ruff_cache .hypothesis dist native/target

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	  while IFS='|' read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done
