# voyager_k8s: `make demo` and `make test` set up whatever they need.

PYTHON ?= python3
OUT := runs/demo
export UV_PYTHON_DOWNLOADS := never

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup cluster demo test check format lock wheel clean

help:
	@echo "make demo    learn a dozen skills on an embedded cluster, from recorded model replies"
	@echo "make test    all the tests"
	@echo "make check   ruff, mypy --strict, import-linter"
	@echo "make setup   the virtual environment (.venv) only; make cluster: the cluster's programs too"
	@echo "make lock    write requirements.lock anew;  make wheel: dist/*.whl;  make clean"

setup: $(READY)

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo "== uv (into .tools/)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .tools --upgrade uv

$(READY): requirements.lock pyproject.toml | $(filter .tools/%,$(UV))
	@echo "== .venv: $$(grep -c == requirements.lock) packages from requirements.lock"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@VIRTUAL_ENV=.venv $(UV) pip sync --require-hashes requirements.lock
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

cluster: $(READY)
	@$(BIN)/voyager-k8s cluster install

demo: cluster
	@rm -rf $(OUT)
	@$(BIN)/voyager-k8s train --out $(OUT) --replay demo --iterations 14

test: cluster
	@$(BIN)/pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

lock: | $(filter .tools/%,$(UV))
	$(UV) pip compile --quiet --universal --generate-hashes --all-extras --python-version 3.11 \
	  --no-header --no-annotate --upgrade pyproject.toml -o requirements.lock

wheel: $(READY)
	@$(UV) build --quiet --wheel && ls dist/*.whl

clean:
	rm -rf .venv .tools build dist runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
