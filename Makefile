# Everything that one does with this project. `make help` lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo run dev check test conformance format types lint floors bench cgroup2 soak clean

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# A Debian python3 may come without venv: then, and only then, apt is asked for it.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Lambent needs Python 3.11 or newer: make PYTHON=python3.11 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	  echo "installing python3-venv"; rm -rf $(VENV); \
	  SUDO=$$(test "$$(id -u)" = 0 || echo sudo); $$SUDO apt-get -q update && $$SUDO apt-get -q install -y python3-venv && $(PYTHON) -m venv $(VENV); }
	@echo "installing Lambent and its tools into $(VENV) (a minute, once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
# pip compiles what it installs, but not what it only points to. With PYTHONDONTWRITEBYTECODE=1, usual in containers, nobody would: every
# start would compile all modules anew, and take twice as long.
	@$(BIN)/python -m compileall -q src
	@touch $(STAMP)

demo: $(STAMP)  ## pictures in, thumbnails and a table out: the whole system in one go
	@$(BIN)/python -m demo

run: $(STAMP)  ## start a server and keep it (Ctrl-C ends it)
	@$(BIN)/lambent start

dev: $(STAMP)  ## a server that keeps nothing and restarts when the source changes
	@$(BIN)/python tools/reload.py src -- $(BIN)/lambent start --ephemeral

format: $(STAMP)  ## format the source
	@$(BIN)/ruff format src tests tools demo benchmarks

lint: $(STAMP)
	@$(BIN)/ruff format --check -q src tests tools demo benchmarks && $(BIN)/ruff check -q src tests tools demo benchmarks

types: $(STAMP)
	@$(BIN)/mypy

floors: $(STAMP)
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

check: lint types floors  ## format, lint, types, floors, tidy and unit tests: under two minutes
	@$(BIN)/pytest tests/unit

# Tests that talk to real processes race with whatever else the machine does: what fails is tried twice more, and counted as "rerun".
test: lint types floors  ## everything
	@$(BIN)/pytest -n 3 --dist worksteal --reruns 2

bench: $(STAMP)  ## benchmarks, as ratios to a baseline of the same run
	@$(BIN)/python -m benchmarks

conformance: $(STAMP)  ## say anew in docs/reference/conformance.md which operations a passing test shows
	@record=$$(mktemp) && CONFORMANCE_RECORD=$$record $(BIN)/pytest tests/acceptance && $(BIN)/python tools/conformance.py $$record; \
	  status=$$?; rm -f $$record; exit $$status

cgroup2: $(STAMP)  ## the attacks again on a kernel with control groups of version 2 only (root, user-mode-linux)
	@$(BIN)/python -m tools.cgroup2

SECONDS_OF_SOAK ?= 20
soak: $(STAMP)  ## kill a server 50 times and account for every event; then functions that crash, hang, leak, fork and flood
	@$(BIN)/python -m tools.soak
	@$(BIN)/python -m benchmarks.soak $(SECONDS_OF_SOAK)

clean:  ## remove what the build made
	@rm -rf $(VENV) .demo build dist
