# Everything a contributor types. Each target makes the environment it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 5000
# Five processes, also on two cores: many tests wait for servers. A file's tests stay in one process,
# in the order that tests/conftest.py gives the files.
PARALLEL := --numprocesses=5 --dist=loadfile --no-loadscope-reorder
# The tests start hundreds of interpreters; without bytecode each would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-oldest test-development lint types architecture coverage diagrams docs dist check-dist bench fuzz compat clean

help:
	@echo "make demo      the example app at http://$(HOST):$(PORT)"
	@echo "make test      the whole test suite"
	@echo "make lint      ruff, check and format"
	@echo "make types     mypy --strict"
	@echo "make coverage  the test suite with a coverage report; fails below the goals in CONTRIBUTING.md"
	@echo "make docs      the documentation site, in site/, and the check of its links"
	@echo "make diagrams  the pages that are made of the source and of results, and the diagrams"
	@echo "make compat    the suites of Flask and of its extensions on asyncflask (takes long)"
	@echo "make bench     the benchmarks (installs the peers into .venv-bench)"
	@echo "make dist      the distributions, in dist/"
	@echo "make check-dist  what is in dist/, installed; the README followed to the letter"
	@echo "make test-oldest       the test suite on the oldest supported libraries"
	@echo "make test-development  the test suite on the libraries' development versions"

$(VENV)/demo.stamp: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/dev.stamp: pyproject.toml requirements/dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --requirement requirements/dev.txt
	@# Compiles the tests. Else each process of the first `make test` would do it.
	$(BIN)/python -m pytest -qq --collect-only >/dev/null
	touch $@ $(VENV)/demo.stamp

demo: $(VENV)/demo.stamp
	$(BIN)/python -m examples --host $(HOST) --port $(PORT)

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -q $(PARALLEL)

coverage: $(VENV)/dev.stamp
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -q $(PARALLEL) --cov --cov-report=html
	$(BIN)/python -m coverage report --include='asyncflask/protocol/*,asyncflask/dispatch/*' --fail-under=100
	$(BIN)/python -m coverage report --omit='asyncflask/protocol/*,asyncflask/dispatch/*' --fail-under=97

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	$(BIN)/mypy --strict

architecture: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_exports.py

diagrams: $(VENV)/dev.stamp
	$(BIN)/python docs/draw_states.py
	$(BIN)/python docs/draw_tree.py
	$(BIN)/python docs/draw_reliability.py
	$(BIN)/python docs/draw_diagrams.py

docs:
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --editable . --requirement requirements/docs.txt
	.venv-docs/bin/python -m sphinx --builder html --conf-dir docs --fail-on-warning --keep-going --quiet . site
	.venv-docs/bin/python docs/check_links.py site
	.venv-docs/bin/python docs/check_search.py site
	@echo "The site is site/docs/index.html."

test-oldest:
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --editable . --requirement requirements/dev.txt --constraint requirements/oldest.txt
	.venv-oldest/bin/python -m pytest -q $(PARALLEL)

# The requirements are installed past the upper bounds of pyproject.toml, hence --no-deps.
test-development:
	test -x .venv-development/bin/python || $(PYTHON) -m venv .venv-development
	.venv-development/bin/python -m pip install --quiet --disable-pip-version-check --editable . --requirement requirements/dev.txt
	.venv-development/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --requirement requirements/development.txt
	.venv-development/bin/python -m pytest -q $(PARALLEL)

dist:
	test -x .venv-dist/bin/python || $(PYTHON) -m venv .venv-dist
	.venv-dist/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements/release.txt
	rm -rf dist
	.venv-dist/bin/python -m build --outdir dist .
	.venv-dist/bin/python -m build --outdir dist as_flask
	.venv-dist/bin/python -m twine check --strict dist/*

check-dist: dist
	.venv-dist/bin/python -m tests.release --readme

compat:
	$(PYTHON) -m tests.compat

fuzz:
	test -x .venv-fuzz/bin/python || $(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --editable . atheris
	.venv-fuzz/bin/python -m tests.fuzz

bench:
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable . --requirement benchmarks/requirements.txt
	.venv-bench/bin/python -m benchmarks
	.venv-bench/bin/python -m benchmarks startup
	.venv-bench/bin/python -m benchmarks growth
	.venv-bench/bin/python -m benchmarks waiting
	.venv-bench/bin/python -m benchmarks pieces
	.venv-bench/bin/python -m benchmarks quart
	@if command -v valgrind > /dev/null; then .venv-bench/bin/python -m benchmarks instructions; \
	else echo "Instructions are left out: valgrind is not installed."; fi
	.venv-bench/bin/python -m benchmarks servers
	.venv-bench/bin/python -m benchmarks channels
	@if command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; \
	then .venv-bench/bin/python -m benchmarks database; \
	else echo "Views with a database are left out: PostgreSQL is not installed."; fi

clean:
	rm -rf dist .venv-development .venv-dist .venv .venv-bench .venv-docs .venv-oldest site .mypy_cache .ruff_cache .pytest_cache .hypothesis htmlcov .coverage
