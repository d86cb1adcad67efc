PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup
setup:
	@$(PYTHON) tools/setup.py
