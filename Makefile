# Sets itself up: Python 3.11 or 3.12, make and a package index are enough.
# A stamp in .venv says what is installed, so a second run starts at once.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
PY := $(VENV)/bin/python
JOBS ?= 3
PIP := $(PY) -m pip --disable-pip-version-check
COMPILE := $(PY) -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra build

.PHONY: help demo serve test prove bench lint format lock
.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | awk -F '\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: $(VENV)/.runtime-stamp ## Show the service with a district at work (ONCE=1: look once and leave)
	@exec $(PY) -m api.demo $(if $(ONCE),--once)

serve: $(VENV)/.runtime-stamp ## Run the service
	@exec $(VENV)/bin/diandan serve

test: $(VENV)/.dev-stamp ## Run every test on a small fixed sample
	@$(PY) -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder

# Alone on the machine, not in parallel: the proofs make their own races, and the seconds in the table mean something.
prove: $(VENV)/.dev-stamp ## Run the tests of WHAT=... (or all) on a large sample, and note it in benchmarks/RESULTS.md
	@DIANDAN_PROVE=$(or $(WHAT),'?') $(PY) -m pytest

bench: $(VENV)/.bench-stamp ## Measure WHAT=... (plans, 'peers 450x700', scale, 'features d e'), and note it in benchmarks/RESULTS.md
	@$(PY) -m benchmarks $(WHAT)

lint: $(VENV)/.dev-stamp ## Check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy --strict matcher

format: $(VENV)/.dev-stamp ## Put the code in the house's format
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

lock: $(VENV)/.dev-stamp ## Pin what pyproject.toml asks for (UPGRADE=1: the newest of it)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra bench --constraint requirements-dev.lock --output-file requirements-bench.lock

$(VENV)/.runtime-stamp: requirements.lock pyproject.toml
	@$(call install,requirements.lock)
	@touch $@

# The development lock holds the runtime lock whole.
$(VENV)/.dev-stamp: requirements-dev.lock pyproject.toml
	@$(call install,requirements-dev.lock)
	@touch $(VENV)/.runtime-stamp $@

# The engines that ours is compared with, beside the runtime lock whole.
$(VENV)/.bench-stamp: requirements-bench.lock pyproject.toml
	@$(call install,requirements-bench.lock)
	@touch $(VENV)/.runtime-stamp $@

define install
	fits='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))'; \
	if ! $(PY) -c "$$fits" 2>/dev/null || ! $(PY) -m pip --version >/dev/null 2>&1; then \
		base=; \
		for python in $(PYTHON) python3.11 python3.12 python3; do \
			if "$$python" -c "$$fits" 2>/dev/null; then base=$$python; break; fi; \
		done; \
		if [ -z "$$base" ]; then \
			echo "diandan needs Python 3.11 or 3.12; here python3 is: $$(python3 --version 2>&1 || true). Install one (apt-get install python3.11 python3-venv), or name one with PYTHON=" >&2; \
			exit 1; \
		fi; \
		if ! "$$base" -c 'import venv, ensurepip' 2>/dev/null; then \
			echo "$$base cannot make a virtual environment: its venv module is not installed; apt-get install python3-venv" >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$("$$base" --version)"; \
		"$$base" -m venv --clear $(VENV); \
	fi; \
	echo "Installing $$(grep -c '==' $(1)) packages of $(1) into $(VENV) (a minute or two the first time)"; \
	$(PIP) install --require-hashes --no-deps -r $(1) | { grep -v '^Requirement already satisfied' || true; }; \
	$(PIP) install --quiet --no-index --no-build-isolation --no-deps -e .; \
	echo "Compiling the engine (two or three minutes the first time)"; \
	$(PY) -c 'from matcher.engine.compile import compile_side_by_side; compile_side_by_side()'; \
	echo "Installed."
endef
