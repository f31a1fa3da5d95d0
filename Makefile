# Every target does its own set-up in .venv; nothing else on the machine changes, but for the servers of "make test".
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The Python to build .venv with: make test PYTHON=python3.12
PYTHON ?= python3
# Further words for the demo, and for pytest: make test PYTEST="-k journal"
DEMO ?=
PYTEST ?=
# Further words for the measurement of alarm quality: make quality QUALITY="--case cooking"
QUALITY ?=
# How often "make torture" runs, from which seed on, and further words for it: make torture TORTURE=--full
RUNS ?= 20
SEED ?= 1
TORTURE ?=
# How many histories "make histories" lets the ladder, the desk and the auditor live through
HISTORIES ?= 2000

BIN := .venv/bin
export PYTHON

.PHONY: bench bench-broker bench-catchup bench-storm help demo check test quality torture histories clean static servers venv-demo venv-dev

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv-demo ## run everything on this machine with simulated sensors (needs Python only)
	@$(BIN)/firesense demo $(DEMO)

check: static ## the fast part: format, lint, types, layers, profiles, rule cases, tests without servers
	$(BIN)/pytest -q -m "not server" tests/unit tests/contract $(PYTEST)

test: static servers ## all of it, with a real broker, real stores and a real browser
	$(BIN)/pytest $(PYTEST)

torture: venv-dev servers ## kill everything at random and count what is left: make torture RUNS=1000 SEED=7
	$(BIN)/python -m tests.torture --runs $(RUNS) --seed $(SEED) $(TORTURE)

histories: venv-dev ## HISTORIES=2000 of alerts, people, deaths and clocks at random: none without a next step (about 10 min)
	CLIMB_HISTORIES=$(HISTORIES) $(BIN)/pytest -q --timeout=0 tests/unit/test_climbs_machine.py $(PYTEST)

bench: venv-dev ## what a frame costs, stage by stage and street by street (FULL=1: up to a million devices; about 40 min)
	PYTHONPATH=. $(BIN)/python tests/bench/bench.py

bench-broker: venv-dev ## through a real Mosquitto: frames a second, and how long a fire flag takes
	PYTHONPATH=. $(BIN)/python tests/bench/broker.py

bench-catchup: venv-dev ## FRAMES=1000000 wait in the journal: how fast they are done, and whether a fresh fire waits
	PYTHONPATH=. $(BIN)/python tests/bench/catchup.py

bench-storm: venv-dev ## FIRES=10000 in a minute, and CLIMBS=100000 due at once: when people are called
	PYTHONPATH=. $(BIN)/python tests/bench/storm.py

quality: venv-dev ## replay labelled cases and print how good the alarms are (some minutes; docs/alarm-quality.md)
	$(BIN)/python -m tests.quality $(QUALITY)

clean: ## remove what these targets made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache demo-data
	find firesense simulators tests -name __pycache__ -type d -prune -exec rm -rf {} +

static: venv-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/firesense profile check
	$(BIN)/firesense rules test

servers:
	@scripts/servers.sh

venv-demo:
	@scripts/venv.sh demo

venv-dev:
	@scripts/venv.sh dev
