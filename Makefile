# `make help` says what there is. Needs make (3.81 or newer), Python 3.11 or newer, and nothing installed.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# Every requirement with everything below it is in the lock: pip has nothing to resolve, and takes only
# what has the lock's hash.
INSTALL_LOCKED := $(PIP) install --quiet --require-hashes --no-deps
INSTALL_PROJECT := $(PIP) install --quiet --no-build-isolation --no-deps --no-index --editable .

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# An environment that was moved with its folder starts nothing: make it anew.
ifneq ($(shell cat $(VENV)/place 2>/dev/null),$(CURDIR))
.PHONY: $(BIN)/python
endif

$(BIN)/python:
	@echo 'making $(VENV) ...'
	@$(PYTHON) scripts/environment.py $(VENV)

$(VENV)/run.stamp: $(BIN)/python requirements/run.txt requirements/build.txt pyproject.toml
	@echo 'installing what running takes ...'
	@$(INSTALL_LOCKED) -r requirements/run.txt -r requirements/build.txt
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python requirements/dev.txt pyproject.toml
	@echo 'installing what testing takes ...'
	@$(INSTALL_LOCKED) -r requirements/dev.txt
	@$(INSTALL_PROJECT)
	@touch $(VENV)/run.stamp $@

.PHONY: run
run: $(VENV)/run.stamp ## start the whole system with made-up lines; pass options with ARGS="--port 9000"
	@exec $(BIN)/ticker up --demo $(ARGS)

.PHONY: install
install: $(VENV)/run.stamp ## make the environment for running

.PHONY: dev
dev: $(VENV)/dev.stamp ## make the environment for running, testing and checking

.PHONY: test
test: chromium redis70 check ## check, then run every test; pass options with ARGS="-k board"
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: $(VENV)/dev.stamp ## check lint, format, imports and types: every finding is an error
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/mypy

.PHONY: format
format: $(VENV)/dev.stamp ## put the sources into form, with the lint findings that mend themselves
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: widget
widget: $(VENV)/dev.stamp ## bundle the widget from its sources, after a change of ticker/widget/src
	@$(BIN)/python scripts/build_widget.py

.PHONY: chromium
chromium: $(VENV)/dev.stamp ## find the browser that the tests drive, or install one
	@$(BIN)/python scripts/chromium.py

# Where there is none to be had, the tests that need it fail, and say so.
.PHONY: redis70
redis70: $(VENV)/dev.stamp ## find the Redis 7.0 that the tests of access rights run on, or unpack one
	-@$(BIN)/python scripts/redis70.py

.PHONY: fuzz
fuzz: $(VENV)/dev.stamp ## fuzz for ten minutes, with atheris; ARGS="frames -max_total_time=60" chooses
	@$(BIN)/python -m tests.hostile.fuzz $(or $(ARGS),conversations -max_total_time=600)

.PHONY: faults
faults: $(VENV)/dev.stamp ## break real systems in N ways; SEED=17 N=1 or ONLY=flush plays one again
	@$(BIN)/python -m tests.faults $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(ARGS)

.PHONY: broken
broken: $(VENV)/dev.stamp ## take out each protection once, on a copy: a test has to see it; ONLY=pong chooses
	@$(BIN)/python -m tests.broken $(ONLY)

.PHONY: soak
soak: $(VENV)/dev.stamp ## 5,000 readers who come and go, for MINUTES=30: memory stays flat
	@$(BIN)/python -m tests.faults.soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

.PHONY: bench
bench: $(VENV)/dev.stamp ## measure, and print one table
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-quick
bench-quick: $(VENV)/dev.stamp ## measure in a minute, with fewer followers: for a change's direction, not its size
	@$(BIN)/python -m benchmarks --quick $(ARGS)

.PHONY: lock
lock: $(VENV)/dev.stamp ## pin everything anew, with hashes; ARGS=--upgrade takes the newest that fits
	@$(BIN)/python scripts/lock.py $(ARGS)

.PHONY: clean
clean: ## remove the environment and everything else that was made
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
