# Every target sets up what it needs in .venv first, so each works in an empty clone.
# A stamp per target remembers that; a change of the files in $(PROJECT) sets it up
# again.

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
OLDEST := .venv-oldest
RELEASE := .venv-release
ECOSYSTEM := .venv-ecosystem
PROJECT := pyproject.toml setup.py constraints.txt sksmooth/_version.py

# target -> extras of pyproject.toml
EXTRAS_bench := bench
EXTRAS_coverage := coverage,scale,test,torch
EXTRAS_demo := plot
EXTRAS_docs := docs
EXTRAS_docs-test := docs-test
EXTRAS_lint := lint
EXTRAS_mutate := mutate,torch
EXTRAS_test := scale,test,torch
EXTRAS_wheel := build
TARGETS := bench coverage demo docs docs-test lint mutate test wheel

.DEFAULT_GOAL := help
# One virtual environment: no two installs at once.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help clean test-ecosystem test-oldest release-test $(TARGETS)

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

demo: $(STAMPS)/demo  ## the hidden cost of smoothing on the digits, in about three minutes
	$(BIN)/python examples/demo.py

# Work is stolen, so that a file and what its tests share stay with one process.
test: $(STAMPS)/test  ## all tests and doctests (installs torch and dask)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal

coverage: $(STAMPS)/coverage  ## all tests, and which lines they do not run
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term \
		--cov-report=xml

lint: $(STAMPS)/lint  ## ruff, import contracts, and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

mutate: $(STAMPS)/mutate  ## small faults made on purpose, and the tests that find them
	$(BIN)/python tests/mutation/run.py

bench: $(STAMPS)/bench  ## wall time against a peer library and the floor
	$(BIN)/python benchmarks/peers.py

docs: $(STAMPS)/docs  ## the documentation site, in docs/_build/html
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build -W --keep-going -d docs/_build/doctrees \
		docs docs/_build/html

docs-test: $(STAMPS)/docs-test docs/_build/html/index.html  ## the site in a browser
	$(BIN)/python docs/browser_test.py

docs/_build/html/index.html:
	$(MAKE) docs

wheel: $(STAMPS)/wheel  ## sdist and wheel in dist/
	rm -rf dist
	$(BIN)/python -m build

test-oldest: $(OLDEST)/.stamp  ## all tests with the oldest versions allowed, without torch
	OMP_NUM_THREADS=1 $(OLDEST)/bin/pytest -n auto --dist worksteal

test-ecosystem: $(ECOSYSTEM)/.stamp  ## tables with XGBoost, LightGBM, CatBoost and others
	OMP_NUM_THREADS=1 $(ECOSYSTEM)/bin/pytest tests/ecosystem
	OMP_NUM_THREADS=1 $(ECOSYSTEM)/bin/python -m tests.ecosystem.cpu_table

release-test: wheel  ## install the wheel, then the sdist, and try each by itself
	for built in dist/*.whl dist/*.tar.gz; do \
		$(PYTHON) -m venv --clear $(RELEASE) && \
		$(RELEASE)/bin/python -m pip install --disable-pip-version-check \
			-c constraints.txt "$$built" && \
		(cd .ci && ../$(RELEASE)/bin/python smoke.py) || exit 1; \
	done

clean:  ## remove .venv and everything else that make made
	rm -rf docs/_build docs/auto_examples docs/reference docs/sg_execution_times.rst
	rm -rf $(VENV) $(OLDEST) $(RELEASE) $(ECOSYSTEM) build demo_output dist *.egg-info \
		coverage.xml .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find sksmooth tests examples benchmarks -name __pycache__ -prune \
		-exec rm -rf {} + 2>/dev/null || true

$(STAMPS)/venv:
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

$(TARGETS:%=$(STAMPS)/%): $(STAMPS)/%: $(STAMPS)/venv $(PROJECT)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt \
		-e '.[$(EXTRAS_$*)]'
	@touch $@

$(OLDEST)/.stamp: $(PROJECT) constraints-oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --disable-pip-version-check \
		-c constraints-oldest.txt -e '.[test,scale]'
	@touch $@

$(ECOSYSTEM)/.stamp: $(PROJECT) constraints-ecosystem.txt
	$(PYTHON) -m venv $(ECOSYSTEM)
	$(ECOSYSTEM)/bin/python -m pip install --disable-pip-version-check \
		-c constraints.txt -c constraints-ecosystem.txt -e '.[test]' \
		catboost imbalanced-learn interpret-core lightgbm polars xgboost
	@touch $@
