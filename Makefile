# Two commands for newcomers:  make demo   and   make test
# Both make the environment in .venv if it is missing or out of date; they need Python 3.11+ and make.

.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin

# The first interpreter that really runs and is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help demo test proof install uninstall twin soak storm bench requests compare picture audit lock clean

help:
	@echo "make demo   run a simulated office's day through asapfill (no account needed)"
	@echo "make test   ruff, mypy, unit files and all tests, long ones with few examples; minutes"
	@echo "make proof  all tests with all their examples and every crash; CI runs both"
	@echo
	@echo "make install    as a service, in /opt/asapfill (PREFIX=…, DESTDIR=…); docs/install.md"
	@echo "make uninstall  removes the program; settings, policies and state stay"
	@echo
	@echo "make twin CASES=20000   compare openings and fits with a brute-force twin"
	@echo "make soak SEEDS=1000    simulated days with every fault; counts violations"
	@echo "make storm MINUTES=60   the daemon under signals at random; counts violations"
	@echo "make bench              how long openings, fits and plans take, and how that grows"
	@echo "make requests           requests by purpose, as the table in docs/measurements.md"
	@echo "make compare OFFICES=50  asapfill beside other ways of asking, in 200 simulated weeks"
	@echo "make audit              known vulnerabilities of the locked packages (asks osv.dev)"

demo: $(VENV)/.installed
	$(BIN)/asapfill demo

# Compiled modules are kept: with this in the environment, every process of asapfill would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

PYTEST := $(BIN)/pytest -n 3 --dist worksteal

test: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	sh tests/check-units.sh
	$(PYTEST)

# Everything that tests/depth.py makes shorter for `make test`, at its full depth.
proof: $(VENV)/.installed
	TEST_DEPTH=proof $(PYTEST)

# As a service on this machine; both are run as root, and may be run again. See docs/install.md.
export PREFIX SYSCONFDIR BINDIR DESTDIR PYTHON
install uninstall:
	@test -n "$(PYTHON)" || { echo "asapfill needs Python 3.11 or newer; none was found on this machine."; exit 1; }
	sh systemd/install.sh $@

# Longer runs, each printing what it found.
CASES ?= 20000
SEEDS ?= 1000

twin: $(VENV)/.installed
	TWIN_CASES=$(CASES) $(BIN)/pytest -q -s tests/core/test_twin.py

soak: $(VENV)/.installed
	$(BIN)/python -m tests.soak.soak --seeds 1-$(SEEDS) --jobs 2

bench: $(VENV)/.installed
	$(BIN)/python tests/benchmarks/bench_scheduling.py
	$(BIN)/python -m tests.benchmarks.bench_planning
	$(BIN)/python tests/benchmarks/bench_startup.py

MINUTES ?= 60
storm: $(VENV)/.installed
	$(BIN)/python -m tests.daemon.storm --minutes $(MINUTES)

# Writes build/compare.json and docs/compare.svg, and prints the tables of docs/measurements.md.
OFFICES ?= 50
compare: $(VENV)/.installed
	$(BIN)/python -m tests.compare.compare --offices $(OFFICES) --figure docs/compare.svg

requests: $(VENV)/.installed
	$(BIN)/python tests/docs/measure_requests.py
	$(BIN)/python -m tests.benchmarks.bench_requests

# The picture of docs/architecture.md, from the imports.
picture: $(VENV)/.installed
	$(BIN)/python -m tests.structure.picture

# Asks osv.dev about every locked version: the only thing here that needs the internet beyond installing.
audit: $(VENV)/.installed
	$(BIN)/python -m tests.dependencies.audit

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "asapfill needs Python 3.11 or newer; none was found on this machine."; exit 1; }
	@sh systemd/with-progress.sh "Making an environment in $(VENV), once" $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo; \
	  echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@sh systemd/with-progress.sh "Installing the packages that asapfill and its tests need" \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# For maintainers: writes the exact versions anew (needs uv). For work on asapfill; for running it, the same versions;
# for building it.
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-header --quiet
lock:
	$(COMPILE) pyproject.toml --group dev --upgrade -o requirements.lock
	$(COMPILE) pyproject.toml -c requirements.lock -o requirements-runtime.lock
	echo 'hatchling>=1.26' | $(COMPILE) - --no-annotate -c requirements.lock -o requirements-build.lock

clean:
	rm -rf $(VENV)
