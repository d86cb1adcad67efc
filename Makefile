# Everything begins with `make setup`, which does nothing where .venv is up to date.
PYTHON ?= python3
BIN := .venv/bin
export VESTAL_HOME_FOR_RUN := $(if $(VESTAL_HOME),$(VESTAL_HOME),$(CURDIR)/.vestal)

.PHONY: help setup programs run test test-all lint docs screenshots bench clean

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup:           ## .venv with Vestal and what its tests need
	@$(PYTHON) tools/setup.py

run: setup       ## the daemon with its dashboard, and a practice token to keep alive
	@VESTAL_HOME="$(VESTAL_HOME_FOR_RUN)" $(BIN)/vestal practice --dashboard

lint: setup      ## ruff, mypy --strict, import-linter, and that the generated pages are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/reference.py --check

programs:
	@$(PYTHON) tools/system_packages.py

test: lint programs       ## everything but the long matrix
	$(BIN)/pytest -q -n 2 -m "not slow"

test-all: lint programs   ## everything
	$(BIN)/pytest -q -n 2

docs: setup      ## generate docs/reference from the code
	$(BIN)/python tools/reference.py

screenshots: setup  ## take the pictures of the dashboard in the docs anew
	$(BIN)/python tools/screenshots.py

bench: setup     ## measure against the peers: a table, and JSON in bench/results
	@$(PYTHON) tools/setup.py bench
	$(BIN)/python -m bench $(ARGS)

clean:           ## remove what the targets above have made
	rm -rf .venv .vestal .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/results tests/real/node/node_modules
