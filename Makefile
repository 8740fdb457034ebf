# Two commands do everything, set-up included: `make run` and `make test`. See README.md.
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STUDY ?= examples/range_reset.toml
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
JOBS ?= 2
REPORT := src/tidemill/app/static/report.html

.PHONY: setup setup-test setup-lint run test test-long bench bench-peers mutants lint clean help

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON); install Python 3.11 or newer" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; set PYTHON=…" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/build.txt requirements/run.txt pyproject.toml | $(PY)
	@echo "setting up .venv (once) …"
	$(PIP) -r requirements/build.txt -r requirements/run.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	$(PIP) -r requirements/test.txt
	@touch $@

$(VENV)/.lint: requirements/lint.txt $(VENV)/.test
	$(PIP) -r requirements/lint.txt
	@touch $@

web/node_modules/.done: web/package-lock.json
	@command -v npm >/dev/null || { echo "make: no npm; install node 20 or newer with npm" >&2; exit 2; }
	npm ci --prefix web --no-audit --no-fund --loglevel=error
	@touch $@

$(REPORT): web/node_modules/.done $(shell find web/src web/*.html web/*.ts web/*.json -type f 2>/dev/null)
	npm run --prefix web --silent build
	@touch $@

$(VENV)/.warm: $(VENV)/.run $(REPORT) $(shell find src/tidemill -name '*.py' 2>/dev/null)
	@echo "compiling kernels, making the synthetic sample (once) …"
	@$(PY) -m tidemill.units.warm >/dev/null
	@$(VENV)/bin/tidemill demo --out $(VENV)/warm >/dev/null 2>&1 || $(VENV)/bin/tidemill demo --out $(VENV)/warm
	@touch $@

setup: $(VENV)/.run $(REPORT) $(VENV)/.warm  ## install into .venv, build the report page, warm the kernels

setup-test: setup $(VENV)/.test  ## what the tests need as well: contract artefacts, local chain
	$(VENV)/bin/tidemill contracts fetch

setup-lint: $(VENV)/.lint

run: setup  ## the main job on the embedded sample, or STUDY=path.toml
ifeq ($(origin STUDY),file)
	@$(VENV)/bin/tidemill demo
else
	@$(VENV)/bin/tidemill backtest $(STUDY)
endif

test: setup-test  ## the suite (what CI runs)
	tools/ensure-chromium
	$(PY) -m pytest -q -n $(JOBS) --dist worksteal -m "not long"

test-long: setup-test  ## the long runs: 1,660,000 actions on the twins, a kill at every point
	$(PY) -m pytest -q -n $(JOBS) --dist worksteal -m long

mutants: setup-test  ## plant one-token mutations and see the twin tests kill each
	$(PY) tools/mutants.py

bench: setup-test  ## one table of ratios, medians, one run
	$(PY) -m benchmarks

bench-peers: setup-test  ## other tools on the same work: installs them outside the checkout, about 20 minutes
	$(PY) -m benchmarks.peers

lint: setup-lint  ## ruff, strict typing, the project's own lints
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy src
	$(PY) -m tidemill.units.lint

clean:  ## remove what make made here (the user's cache stays)
	rm -rf $(VENV) out web/node_modules web/dist src/tidemill/app/static .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
