# `make help` lists the targets. They need make 3.81 or newer and Python 3.11 or newer.

PYTHON ?= python3
ARGS ?=
# Test processes. They wait about half of the time, for servers and browsers.
PROCESSES ?= 4
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

$(VENV)/run.stamp: $(BIN)/python requirements/run.txt requirements/build.txt pyproject.toml setup.py publisher_cli/launcher.c ticker/gateway/send_all.c
	@echo 'installing the requirements to run ...'
	@$(INSTALL_LOCKED) -r requirements/run.txt -r requirements/build.txt
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python requirements/dev.txt pyproject.toml setup.py publisher_cli/launcher.c ticker/gateway/send_all.c
	@echo 'installing the requirements to test ...'
	@# Compiling all modules of 140 packages takes 20 s. Python compiles those that are imported.
	@$(INSTALL_LOCKED) --no-compile -r requirements/dev.txt
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
test: $(VENV)/dev.stamp ## check, then run all tests; pass options with ARGS="-k board"
	@$(MAKE) --no-print-directory --jobs 5 check engines redis70 programs wordpress frameworks $(VENV)/collected
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: lint types ## check lint, format, imports and types: every finding is an error

.PHONY: lint
lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo

.PHONY: types
types: $(VENV)/dev.stamp
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
programs: $(VENV)/dev.stamp ## find or unpack the shells, systemd-analyze, the proxies and Helm for the tests
	-@$(BIN)/python -m scripts.programs
	-@$(BIN)/python -m scripts.helm

# Without it, the test of the recipe for WordPress fails with a message.
.PHONY: wordpress
wordpress: $(VENV)/dev.stamp ## find or unpack WordPress, PHP and MariaDB for the test of the recipe
	-@$(BIN)/python -m scripts.wordpress

# All test processes import all tests at the same time. Without this, each one would first compile them and rewrite their
# assertions, which takes 20 s of processor time.
$(VENV)/collected: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest --collect-only --quiet --quiet >$@ || { cat $@; exit 1; }

# The tests would install them, too, but one after the other.
.PHONY: frameworks
frameworks: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.support.recipes

.PHONY: fuzz
fuzz: $(VENV)/dev.stamp ## fuzz for ten minutes with atheris; choose with ARGS="frames -max_total_time=60"
	@$(BIN)/python -m tests.hostile.fuzz $(or $(ARGS),conversations -max_total_time=600)

.PHONY: faults
faults: $(VENV)/dev.stamp ## run N fault schedules on real systems; repeat one with SEED=17 N=1 or ONLY=flush; TOPOLOGY=ha for several hosts
	@$(BIN)/python -m tests.faults$(if $(TOPOLOGY),.topologies $(TOPOLOGY)) $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(ARGS)

.PHONY: rolling
rolling: $(VENV)/dev.stamp ## restart the desks and gateways of `ha` while READERS=10000 follow, and draw docs/rolling-restart.svg
	@$(BIN)/python -m tests.faults.topologies.rolling $(if $(READERS),--readers $(READERS)) $(ARGS)

.PHONY: topology
topology: $(VENV)/dev.stamp ## run NAME=ha as processes in their own networks: single, ha, cluster, caddy, nginx, haproxy
	@$(BIN)/python -m scripts.topologies $(or $(NAME),ha) $(ARGS)

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
