PYTHON ?= python3
BIN := .venv/bin

# Tests rewrite their assertions, which takes each process of pytest five seconds unless what comes of it is cached.
export PYTHONDONTWRITEBYTECODE :=

KERNEL := $(wildcard normcli/kernel/*.c normcli/kernel/*.h) $(addprefix normcli/kernel/,tables.py build.py sources.py)

.PHONY: demo test coverage soak bench reference lint format types wheel clean

demo: .venv/.kernel  ## what normcli does, on sample_data: about 10 seconds
	@./sample_data/demo.sh

test: .venv/.dev .venv/.kernel  ## every test but the longest
	$(BIN)/python -m compileall -q normcli
	$(BIN)/python -m pytest

coverage: .venv/.dev .venv/.kernel  ## lines and branches that the same tests reach, in every process that they start
	$(BIN)/python -m compileall -q normcli
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

soak: .venv/.dev .venv/.kernel  ## the longest, too, and each run a process of its own
	$(BIN)/python -m compileall -q normcli
	REAL_STARTS=1 $(BIN)/python -m pytest -m "soak or not soak"

bench: .venv/.bench .venv/.kernel  ## exports run by PyTorch, recipes by DVC and Snakemake; whole processes against polars, DuckDB, pandas with scikit-learn
	$(BIN)/python -m compileall -q normcli
	$(BIN)/python -m pytest tests/exports tests/test_recipes.py
	$(BIN)/python -m tests.benchmarks --markdown

reference: .venv/.dev  ## docs/reference.md from the help of all commands
	$(BIN)/python -m tests.reference

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/.dev
	$(BIN)/mypy

wheel: .venv/.dev
	$(BIN)/pip wheel -q --no-deps -w dist .

clean:
	rm -rf .venv build dist normcli/kernel/kernel.so* bench-data .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/.pip:
	@echo 'Creating .venv (once) ...'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -U 'pip>=25.1'
	@touch $@

.venv/.run: .venv/.pip pyproject.toml hatch_build.py
	@echo 'Installing normcli and the libraries that it needs into .venv (once, about 150 MB to download) ...'
	$(BIN)/pip install -e .
	@touch $@

.venv/.kernel: .venv/.run $(KERNEL)  # what a pull has changed is built again; without a compiler it is left out
	$(BIN)/python -m normcli.kernel.build
	@touch $@

.venv/.dev: .venv/.run
	$(BIN)/pip install -q -e . --group dev
	@touch $@

.venv/.bench: .venv/.dev
	$(BIN)/pip install -q --group bench
	@touch $@
