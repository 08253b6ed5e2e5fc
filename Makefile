# Everything is made in .venv beside this file; the only things needed beforehand are Python >= 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501

.PHONY: run test check format bench soak clean

run: .venv/.ready-app
	@echo "Router Playground: http://127.0.0.1:$(PORT)"
	@$(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/.ready-dev
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

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

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; set PYTHON=")'
	$(PYTHON) -m venv .venv

.venv/.ready-app: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/.ready-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/.ready-app

.venv/.ready-bench: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch $@ .venv/.ready-dev .venv/.ready-app
