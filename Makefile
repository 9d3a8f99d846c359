# One command a job. `make` alone lists them. Needs make and Python 3.11 or newer, nothing else.
#
# The environment is .venv, built from the hashed lock in requirements/. Each step leaves a stamp
# inside it that depends on the file it was made from, so a second run does nothing. A step that was
# interrupted leaves .venv/.unfinished behind, and the next run builds the environment anew.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

PYTHON ?=
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input --quiet install
SRC := $(wildcard src tests benchmarks validation scripts docs)

# pip and the tests must see nothing of an environment that happens to be active.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV

# $(call install,what to say,pip's arguments)
define install
	@echo "$(VENV): $(1)"
	@touch $(VENV)/.unfinished
	@$(PIP) $(2)
	@rm -f $(VENV)/.unfinished
	@touch $@
endef

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

# --- the environment ------------------------------------------------------------------------------

# Begin anew if a step was interrupted, the interpreter is gone, or the folder was moved.
MADE_FOR := $(shell cat $(VENV)/.made 2>/dev/null)
ifneq ($(wildcard $(VENV)/.unfinished),)
$(VENV)/.made: FORCE
else ifeq ($(wildcard $(PY)),)
$(VENV)/.made: FORCE
else ifneq ($(MADE_FOR),$(CURDIR))
$(VENV)/.made: FORCE
endif

$(VENV)/.made:
	@found=; for candidate in "$(PYTHON)" python3.11 python3.12 python3.13 python3 python; do \
	  if [ -n "$$candidate" ] && "$$candidate" -c \
	    'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	  then found=$$candidate; break; fi; done; \
	if [ -z "$$found" ]; then \
	  echo "make: needs Python 3.11 or newer with its venv module (on Debian: python3-venv);" \
	    "found none as python3.11, python3.12, python3.13, python3 or python." \
	    "Name one with: make PYTHON=/path/to/python" >&2; exit 1; fi; \
	echo "$(VENV): made with $$("$$found" --version)"; \
	"$$found" -m venv --clear $(VENV)
	@pwd -P > $@

$(VENV)/.core: requirements/core.txt $(VENV)/.made
	$(call install,core dependencies,--require-hashes -r requirements/core.txt)

$(VENV)/.build: requirements/build.txt $(VENV)/.core
	$(call install,build backend,--require-hashes -r requirements/build.txt)

$(VENV)/.package: pyproject.toml $(VENV)/.build
	$(call install,ketalab itself,--no-build-isolation --no-deps --editable .)

$(VENV)/.dev: requirements/dev.txt $(VENV)/.package
	$(call install,what tests and lint need,--require-hashes -r requirements/dev.txt)

$(VENV)/.docs: requirements/docs.txt $(VENV)/.package
	$(call install,what the manual needs,--require-hashes -r requirements/docs.txt)

# Without these the benchmark leaves a row out and says so.
$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	@echo "$(VENV): solvers that only the benchmark runs"
	@if $(PIP) --require-hashes -r requirements/bench.txt; then touch $@; \
	  else echo "$(VENV): they cannot be installed; their rows are left out" >&2; fi

.PHONY: FORCE
FORCE:

# --- the jobs -------------------------------------------------------------------------------------

.PHONY: replay
replay: $(VENV)/.package ## replay one published study; writes out/berman2000.html
	@mkdir -p out
	$(VENV)/bin/ketalab replay berman2000 --replicates 1000 --report out/berman2000.html

.PHONY: test
test: $(VENV)/.dev ## every test that takes seconds, on all processors
	$(PY) -m pytest --numprocesses auto --dist worksteal

.PHONY: science
science: $(VENV)/.dev ## the slow scientific checks
	$(PY) -m pytest -m slow

.PHONY: validate
validate: $(VENV)/.dev ## other implementations against this one (validation/)
	$(PY) validation/solvers/compare.py
	$(PY) validation/solvers/doubled.py

.PHONY: lint
lint: $(VENV)/.dev ## format, linter, types, imports, house rules
	$(PY) -m ruff format --check $(SRC)
	$(PY) -m ruff check $(SRC)
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest -q tests/exact/test_house.py

.PHONY: format
format: $(VENV)/.dev ## rewrite the code in the house's format
	$(PY) -m ruff format $(SRC)
	$(PY) -m ruff check --fix $(SRC)

.PHONY: bench
bench: $(VENV)/.dev $(VENV)/.bench ## speed, in interleaved rounds, and other solvers beside it (SOLVERS=--write: keep)
	@mkdir -p out
	$(PY) benchmarks/run.py --json out/bench.json
	$(PY) benchmarks/solvers.py $(SOLVERS)

.PHONY: picture
picture: $(VENV)/.package ## draw the README's picture again
	$(PY) scripts/picture.py docs/replay-berman2000.svg

.PHONY: docs
docs: $(VENV)/.docs ## the manual, in docs/_build/html
	$(PY) -m sphinx --fail-on-warning --keep-going --fresh-env --quiet -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

.PHONY: lock
lock: ## resolve the requirements again (UPGRADE=1: to the newest versions)
	@PYTHON="$(PYTHON)" UPGRADE="$(UPGRADE)" sh scripts/lock

.PHONY: clean
clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build dist docs/_build docs/generated out
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(SRC) -name __pycache__ -type d -prune -exec rm -rf {} +
