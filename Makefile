# Everything is made in .venv beside this file; the only things needed beforehand are Python >= 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

.PHONY: run quick test check format bench soak pictures words clean

run: .venv/.ready-app
	@$(BIN)/router-core app --port $(PORT)

quick: .venv/.ready-dev
	@$(PYTEST) -m "not slow and not browser"

test: .venv/.ready-dev
	@$(PYTEST)

check: .venv/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.ready-bench
	@$(BIN)/python -m pytest benchmarks --benchmark-enable --benchmark-only --benchmark-quiet --benchmark-columns=median -s -p no:cacheprovider

soak: .venv/.ready-dev
	@$(BIN)/python -m benchmarks.soak

pictures: .venv/.ready-dev
	@$(BIN)/python -m benchmarks.pictures

words: .venv/.ready-dev
	@$(BIN)/python -m benchmarks.words

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; set PYTHON=")'
	$(PYTHON) -m venv .venv

.venv/.ready-app: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[app]'
	@touch $@

.venv/.ready-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/.ready-app

.venv/.ready-bench: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch $@ .venv/.ready-dev .venv/.ready-app
