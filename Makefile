# Every target sets up what it needs: python3 >= 3.11 and make are enough.
#   make demo    one kernel rewritten, checked and run
#   make test    everything that has to hold
#   make lint    style and types
#   make bench   timings
#   make mutants bugs planted in the project, each of which has to be noticed
#   make fuzz    random kernels and programs, before and after, until stopped
#   make dist    wheel and source distribution

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST_STAMP := $(VENV)/.installed-test
DEV_STAMP := $(VENV)/.installed-dev
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What is compiled for one run, or by one worker of the tests, is there for the others.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint bench dist clean

demo: $(TEST_STAMP)
	$(BIN)/python examples/demo.py

# pytest comes last: its closing line is the verdict that a CI log ends with.
test: $(TEST_STAMP)
	$(BIN)/lit -sv tests/filecheck
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: $(TEST_STAMP)
	$(BIN)/python benchmarks/run.py

dist: $(DEV_STAMP)
	$(BIN)/python -m build
	$(BIN)/twine check dist/*

mutants: $(TEST_STAMP)
	$(BIN)/python tests/mutants/run_mutants.py

fuzz: $(TEST_STAMP)
	$(BIN)/python tools/fuzz

clean:
	rm -rf $(VENV) .lit .pytest_cache .ruff_cache .hypothesis build dist *.egg-info

# A half-made environment would look finished to the next run, so a failure removes it.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0])'
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The stamps depend on pyproject.toml: a changed dependency or entry point installs again. The interpreter is an
# order-only prerequisite, because its time stamp is that of the system's python.
$(TEST_STAMP): pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) --editable '.[test]'
	@touch $@

$(DEV_STAMP): pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) --editable '.[dev]'
	@touch $@
