# Everything a checkout needs: `make quickstart` from nothing to tags, `make test` to check it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install quickstart test test-slow lint bench clean constraints

install: $(INSTALLED)

# uv resolves nothing here: constraints.txt pins every version. Bytecode is compiled once, since
# TensorFlow takes three times as long to import without it.
$(INSTALLED): setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(VENV) -c constraints.txt -e '.[dev]'
	touch $@

quickstart: install
	$(BIN)/python examples/quickstart.py

test: install
	$(BIN)/python -m pytest -m "not slow"

test-slow: install
	$(BIN)/python -m pytest -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks

# constraints.txt anew, after a change of setup.py or to take newer versions.
constraints: install
	$(BIN)/uv pip compile setup.py --all-extras --universal --python-version 3.11 --upgrade \
	  --custom-compile-command "make constraints" --quiet -o constraints.txt

clean:
	rm -rf build dist *.egg-info quickstart .pytest_cache .mypy_cache .ruff_cache .hypothesis
