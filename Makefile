# Every target sets up what it needs in .venv by itself; a machine with Python 3.11 or newer and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_MODEL := runs/demo/model

# Tests reach for no model hub. Two workers with one thread each keep two cores busy; a file stays with one worker, so
# that what its tests share is built once.
WORKERS ?= 2
PYTEST := HF_HUB_OFFLINE=1 $(BIN)/pytest
PYTEST_PARALLEL := OMP_NUM_THREADS=1 $(PYTEST) -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-data test-slow test-browser test-gpu fuzz check format clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*##/\1:/p' $(MAKEFILE_LIST) | while IFS=: read -r name text; do printf '  %-14s%s\n' "$$name" "$$text"; done

install: $(INSTALLED)  ## make .venv with globalner (editable) and the tested versions

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "globalner needs Python 3.11 or newer, and $(PYTHON) is %d.%d; choose another one: make PYTHON=python3.12" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

demo: $(INSTALLED)  ## train on the demo set (three to four minutes on two cores) and show the result
	$(BIN)/globalner demo

$(DEMO_MODEL)/config.json:
	@$(MAKE) demo

serve: $(INSTALLED) $(DEMO_MODEL)/config.json  ## serve the demo model, after training it if it is missing
	$(BIN)/globalner serve $(DEMO_MODEL)

test: $(INSTALLED)  ## run the fast tests
	$(PYTEST_PARALLEL) -m "not slow and not data and not browser and not gpu"

test-data: $(INSTALLED)  ## run the tests on real data sets (skipped where the sets are absent)
	$(PYTEST_PARALLEL) -m "data and not slow and not gpu"

test-slow: $(INSTALLED)  ## run the tests that take minutes
	$(PYTEST) -m "slow and not gpu"

test-browser: $(INSTALLED)  ## run the tests that drive a headless Chromium (skipped where there is none)
	$(PYTEST) -m browser -rs

test-gpu: $(INSTALLED)  ## run the tests that need a GPU
	$(PYTEST) -m gpu -rs

FUZZ_SECONDS ?= 60
fuzz: $(INSTALLED)  ## fuzz the readers of files, FUZZ_SECONDS (60) each
	@for reader in columns json brat; do $(BIN)/python tests/fuzz/fuzz_$$reader.py -max_total_time=$(FUZZ_SECONDS) -timeout=20 -print_final_stats=1 || exit 1; done

check: $(INSTALLED)  ## lint, format check, strict types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(INSTALLED)  ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove caches and build products; keeps .venv and runs
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
