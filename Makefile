# `make help` lists the targets. They need make 3.81 or newer and Python 3.11 or newer.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# The lock has all requirements, including indirect ones: pip resolves nothing, and checks every hash.
INSTALL_LOCKED := $(PIP) install --quiet --require-hashes --no-deps
INSTALL_PROJECT := $(PIP) install --quiet --no-build-isolation --no-deps --no-index --editable .

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# An environment whose folder was moved does not work: make a new one.
ifneq ($(shell cat $(VENV)/place 2>/dev/null),$(CURDIR))
.PHONY: $(BIN)/python
endif

$(BIN)/python:
	@echo 'making $(VENV) ...'
	@$(PYTHON) scripts/environment.py $(VENV)

$(VENV)/run.stamp: $(BIN)/python requirements/run.txt requirements/build.txt pyproject.toml setup.py publisher_cli/launcher.c
	@echo 'installing the requirements to run ...'
	@$(INSTALL_LOCKED) -r requirements/run.txt -r requirements/build.txt
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python requirements/dev.txt pyproject.toml setup.py publisher_cli/launcher.c
	@echo 'installing the requirements to test ...'
	@$(INSTALL_LOCKED) -r requirements/dev.txt
	@$(INSTALL_PROJECT)
	@touch $(VENV)/run.stamp $@

.PHONY: run
run: $(VENV)/run.stamp ## start the whole system with demo lines; pass options with ARGS="--port 9000"
	@exec $(BIN)/ticker up --demo $(ARGS)

.PHONY: install
install: $(VENV)/run.stamp ## make the environment to run Ticker

.PHONY: dev
dev: $(VENV)/dev.stamp ## make the environment to run, test and check Ticker

.PHONY: package
package: $(VENV)/run.stamp ## build the package for servers and laptops: a wheel in dist/
	@rm -rf build
	@$(PIP) wheel --quiet --no-build-isolation --no-deps --no-index --wheel-dir dist .
	@ls dist/*.whl

# Empty, which is the same as unset: hundreds of processes would compile our modules again, for 0.2 to 0.4 s each.
test: export PYTHONDONTWRITEBYTECODE :=

.PHONY: test
test: engines redis70 programs wordpress check ## check, then run all tests; pass options with ARGS="-k board"
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: $(VENV)/dev.stamp ## check lint, format, imports and types: every finding is an error
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/mypy

.PHONY: format
format: $(VENV)/dev.stamp ## format the sources and fix what the linter can fix
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: widget
widget: $(VENV)/dev.stamp ## bundle the widget from its sources, after a change of ticker/widget/src
	@$(BIN)/python scripts/build_widget.py

.PHONY: npm
npm: $(VENV)/dev.stamp ## build the npm package of the widget: a packed file in dist/
	@$(BIN)/python -m scripts.build_package

.PHONY: engines
engines: $(VENV)/dev.stamp ## find or install Chromium, Firefox and WebKit for the tests
	@$(BIN)/python -m scripts.engines

# Without it, the tests that need it fail with a message.
.PHONY: redis70
redis70: $(VENV)/dev.stamp ## find or unpack Redis 7.0 for the tests of access rights
	-@$(BIN)/python -m scripts.redis70

# Without them, the tests that need them fail with a message.
.PHONY: programs
programs: $(VENV)/dev.stamp ## find or unpack the shells, systemd-analyze and the proxies for the tests
	-@$(BIN)/python -m scripts.programs

# Without it, the test of the recipe for WordPress fails with a message.
.PHONY: wordpress
wordpress: $(VENV)/dev.stamp ## find or unpack WordPress, PHP and MariaDB for the test of the recipe
	-@$(BIN)/python -m scripts.wordpress

.PHONY: fuzz
fuzz: $(VENV)/dev.stamp ## fuzz for ten minutes with atheris; choose with ARGS="frames -max_total_time=60"
	@$(BIN)/python -m tests.hostile.fuzz $(or $(ARGS),conversations -max_total_time=600)

.PHONY: faults
faults: $(VENV)/dev.stamp ## run N fault schedules on real systems; repeat one with SEED=17 N=1 or ONLY=flush
	@$(BIN)/python -m tests.faults $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(ARGS)

.PHONY: broken
broken: $(VENV)/dev.stamp ## remove each protection from a copy, and check that a test fails; choose with ONLY=pong
	@$(BIN)/python -m tests.broken $(ONLY)

.PHONY: soak
soak: $(VENV)/dev.stamp ## connect and disconnect 5,000 readers for MINUTES=30, and check that memory stays flat
	@$(BIN)/python -m tests.faults.soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

.PHONY: bench
bench: $(VENV)/dev.stamp ## run the benchmarks, and print one table
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-quick
bench-quick: $(VENV)/dev.stamp ## run short benchmarks with fewer followers: only to see a trend
	@$(BIN)/python -m benchmarks --quick $(ARGS)

.PHONY: lock
lock: $(VENV)/dev.stamp ## pin all requirements with hashes; upgrade them with ARGS=--upgrade
	@$(BIN)/python scripts/lock.py $(ARGS)

.PHONY: clean
clean: ## remove the environment and all generated files
	rm -rf $(VENV) build dist node_modules *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
