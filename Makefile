# Needs python3 (with venv and pip) and make. Everything else is installed into .venv from the lock files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests examples
READY := $(VENV)/.ready
LOCKS := requirements/build.lock requirements/dev.lock
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bare bench lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with everything that demo and test need

# Build tools come first, so that what is published as source only is built with locked tools and no second download.
$(READY): pyproject.toml $(LOCKS)
	@rm -f $@
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Assay needs Python 3.11 or newer; run: make setup PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(VENV) has an older Python; run: make clean")'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: setup ## Find the trouble that is really in the flights of New York, 2013
	$(BIN)/assay demo

test: setup check ## Run the checks below and the whole test suite
	$(BIN)/python -m pytest -n $(WORKERS)

check: setup ## Format, lint, types and architecture: under a minute
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

format: setup ## Rewrite the sources as the formatter wants them
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bare: setup ## Build the wheel, install it alone, and see what a bare command loads
	$(BIN)/python -m pytest -q tests/test_bare_install.py

bench: setup ## Measure Assay against its peers, in an environment of their own
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check '.[bench]'
	$(VENV)-bench/bin/python -m bench

# Hashes of every platform's files are locked; no address of an index is.
lock: ## Resolve the dependencies again and write the lock files
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lock/bin/uv pip compile $(LOCKING) pyproject.toml --extra test requirements/build.in -o requirements/dev.lock
	$(VENV)-lock/bin/uv pip compile $(LOCKING) requirements/build.in -c requirements/dev.lock -o requirements/build.lock
	rm -rf $(VENV)-lock

LOCKING := --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock'

clean: ## Remove the environments and everything that was built
	rm -rf $(VENV) $(VENV)-bench $(VENV)-lock build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info
	find src tests docs bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
