# Each target does all its own set-up: Python 3.11 and make are enough.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo examples test lint clean

help:
	@echo "make demo       train on real news and look at the result (a minute)"
	@echo "make examples   run every example at full length, on the data in the folder ANAPHORA_DATA; without it, those"
	@echo "                that make their own (penn_treebank and pretrained_classifier take hours, and are left out)"
	@echo "make test       run the tests"
	@echo "make lint       check style and types"
	@echo "make clean      remove the virtual environment and what demo and examples left"

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	# What builds the kernels comes first, and stays: the test of the wheel then finds them compiled.
	$(BIN)/python -m pip install --quiet --constraint constraints.txt scikit-build-core nanobind cmake ninja
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable ".[dev]"
	touch $@

demo: $(VENV)/ready
	$(BIN)/anaphora demo --force

examples: $(VENV)/ready
	$(BIN)/python examples/run_all.py

test: $(VENV)/ready
	# Each core has a process, which takes tests from the other's when its own are done.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo build dist examples/out
