# `make run` and `make test` do all the set-up themselves; `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
GENERATED := generated/redspice_protocol
CODECS := $(wildcard runtime/redspice/codecs/*.py runtime/redspice/codecs/*.pxd)
REFERENCE := docs/protocol

HOST ?= 127.0.0.1
PORT ?= 5900
FUZZ_SECONDS ?= 30

.DEFAULT_GOAL := help
.PHONY: help run test pure check generate format bench coverage soak fuzz peers clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

run: $(STAMP) generate ## set up, then serve the demo desktop on HOST:PORT
	@$(BIN)/redspice serve demo --host $(HOST) --port $(PORT)

test: $(STAMP) peers ## set up, install the real peers where possible, run every test
	$(BIN)/pytest $(ARGS)

pure: $(STAMP) ## the tests of the codecs once more, without the compiled modules
	REDSPICE_PURE=1 $(BIN)/pytest tests/codecs tests/runtime/test_display_compression.py $(ARGS)

check: $(STAMP) ## lint, format, types of all three packages, generated code up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy examples
	$(BIN)/redspice-codegen generate spice.proto -o $(GENERATED) --check
	$(BIN)/redspice-codegen generate spice.proto -o $(REFERENCE) --backend docs --check

generate: $(STAMP) ## spice.proto -> generated/redspice_protocol and docs/protocol
	@$(BIN)/redspice-codegen generate spice.proto -o $(GENERATED)
	@$(BIN)/redspice-codegen generate spice.proto -o $(REFERENCE) --backend docs

format: $(STAMP) ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## speed of the generated code and of the codecs beside their yardsticks
	PYTHONPATH=tests $(BIN)/python -m benchmarks.messages
	$(BIN)/pytest tests/benchmarks --benchmark-only --benchmark-group-by=group \
		--benchmark-columns=min,median,ops $(ARGS)

soak: $(STAMP) ## viewers by the hundred, floods, bad lines, for minutes (SOAK="quick flood")
	PYTHONPATH=tests $(BIN)/python -m soak $(SOAK)

coverage: $(STAMP) ## branch coverage of the core by the tests without sockets; fails below 100 %
	$(BIN)/python -m pip install --quiet --disable-pip-version-check coverage
	.ci/coverage $(BIN)/python

fuzz: $(STAMP) ## the decoders under AddressSanitizer, FUZZ_SECONDS each
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python tests/fuzz $(FUZZ_SECONDS)

peers: ## install the real SPICE clients (Debian packages) that the tests drive
	@.ci/peers

# An editable install compiles the codecs beside their sources.
$(STAMP): pyproject.toml hatch_build.py $(CODECS)
	@$(PYTHON) -m venv $(VENV) || { .ci/python-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .benchmarks .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
