# Everything runs in a virtual environment of its own, made from the pinned lock.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CODE := auth benchmarks connectors gateway resolvers sandbox schema tests
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint dev bench soak memory faults lock sdl clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo.stamp ## Simulated vendors, the gateway and a joined query (ARGS="--once --size 50")
	$(BIN)/tillgate demo $(ARGS)

test: $(VENV)/dev.stamp ## The whole test suite (ARGS="-k money")
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/dev.stamp ## Style, format and types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

dev: $(VENV)/dev.stamp ## The environment for working on it
	@echo "Ready: $(BIN)/tillgate --help"

bench: $(VENV)/dev.stamp ## Side by side with a naive gateway (ARGS="--seconds 2")
	$(BIN)/python -m benchmarks $(ARGS)

soak: memory faults ## Both long runs: memory under load, and all faults

memory: $(VENV)/dev.stamp ## Eight minutes of mixed load, then 128 lists at once (ARGS="--minutes 60")
	$(BIN)/python -m benchmarks soak $(ARGS)

faults: $(VENV)/dev.stamp ## Every source broken in every way, alone and in pairs (ARGS="-k hubspot")
	$(BIN)/pytest --soak -s tests/graph/test_fault_matrix.py $(ARGS)

sdl: $(VENV)/dev.stamp ## Writes the committed SDL, docs/calls.md and docs/access.md anew
	$(BIN)/tillgate schema > schema/schema.graphql
	$(BIN)/tillgate schema --federation > schema/federation.graphql
	$(BIN)/tillgate schema --calls > docs/calls.md
	$(BIN)/tillgate schema --access > docs/access.md

lock: $(VENV)/dev.stamp ## Pins the newest allowed versions with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q -U pyproject.toml --extra build --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	$(BIN)/uv pip compile -q -U pyproject.toml --extra build --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock

clean: ## Removes the environment and what was built
	rm -rf $(VENV) build *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the pinned dependencies ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing the pinned dependencies ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/demo.stamp
