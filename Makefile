# make demo   sets up and runs the main job on a clip that it makes itself
# make test   sets up and runs every check: format, lint, types, tests
# make sbom   writes avcer.cdx.json, the bill of materials (CycloneDX) of what is installed in VENV
# make audit  asks PyPI for known vulnerabilities of every pinned version
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# The tools of sbom and audit have an environment of their own, so that they are not in the bill.
TOOLS ?= $(VENV)-tools

.PHONY: demo test check format figures sbom audit clean

demo: $(VENV)/.runs
	$(BIN)/avcer demo --out avcer-demo

test: check

check: $(VENV)/.develops
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

format: $(VENV)/.develops
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The pictures in the README, docs/decision.md and docs/corpus-to-figure.md are those of the demonstration.
figures: demo
	mkdir -p docs/figures
	cp avcer-demo/portrait/timeline.png docs/figures/timeline.png
	$(BIN)/python benchmarks/right_and_wrong.py --figure docs/figures/right-and-wrong.png --write docs/decision.md
	$(BIN)/python benchmarks/corpus_page.py --write docs/corpus-to-figure.md

sbom: $(VENV)/.runs $(TOOLS)/.ready
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o avcer.cdx.json $(BIN)/python

audit: $(TOOLS)/.ready
	$(TOOLS)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

$(TOOLS)/.ready:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 pip-audit==2.10.1
	touch $@

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
	rm -rf $(VENV) $(TOOLS) avcer.cdx.json build dist avcer-demo .mypy_cache .pytest_cache .ruff_cache
