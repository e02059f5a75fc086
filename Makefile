# make demo   sets up and runs the main job on a clip that it makes itself
# make test   sets up and runs every check: format, lint, types, tests
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check format figures clean

demo: $(VENV)/.runs
	$(BIN)/avcer demo --out avcer-demo

test: check

check: $(VENV)/.develops
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

format: $(VENV)/.develops
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The pictures in the README, docs/decision.md and docs/corpus-to-figure.md are those of the demonstration.
figures: demo
	mkdir -p docs/figures
	cp avcer-demo/portrait/timeline.png docs/figures/timeline.png
	$(BIN)/python benchmarks/right_and_wrong.py --figure docs/figures/right-and-wrong.png --write docs/decision.md
	$(BIN)/python benchmarks/corpus_page.py --write docs/corpus-to-figure.md

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# What analysing needs, and no more: no PyTorch.
$(VENV)/.runs: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/.develops: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[torch,int8,serve,lsl,ray,dev]'
	touch $@ $(VENV)/.runs

clean:
	rm -rf $(VENV) build dist avcer-demo .mypy_cache .pytest_cache .ruff_cache
