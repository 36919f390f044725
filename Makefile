# Everything is set up on first use in $(VENV); a second run starts at once. `make help` lists the targets.

PYTHON ?= $(shell .ci/find-python)
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SOAK_SECONDS ?= 600
CRASHES ?= 100

CORE_SOURCES := $(wildcard _core/*.pyx _core/*.pxd _core/*.h) _core/__init__.py
PROJECT := pyproject.toml setup.py MANIFEST.in constraints.txt
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check lint format bench bench-steps bench-gate tsan asan soak crash matrix wheels lock package image-steps clean

help:
	@echo 'make demo         build four agents from C and watch them run a Contract Net'
	@echo 'make test         the test suite'
	@echo 'make check        format, lint, types and layers, then the test suite (tidy rules among it)'
	@echo 'make lint         the first half of it'
	@echo 'make format       rewrite the sources in the house format'
	@echo 'make bench        all benchmarks: the steps under pytest-benchmark, then the scenarios, in a table'
	@echo 'make bench-steps  the steps only'
	@echo 'make bench-gate   the ratios of now against those that are kept'
	@echo 'make tsan         the lock-free core under ThreadSanitizer, broken twins to be caught among it'
	@echo 'make asan         the tests marked sanitize on a core under AddressSanitizer'
	@echo 'make soak         ten minutes of random deploys, deletes, traps and load'
	@echo 'make crash        a server under load, killed a hundred times, asked for all that it acknowledged'
	@echo 'make matrix       the suite on CPython 3.11, 3.12 and 3.13'
	@echo 'make package      sdist, the wheel from it, and both tried in empty environments'
	@echo 'make image-steps  the RUN steps of the Dockerfile by hand in a clean root'
	@echo 'make wheels       fetch every pinned wheel into .wheels/, for a machine without an index'
	@echo 'make lock         resolve the dependencies anew and write constraints.txt'
	@echo 'make clean        remove everything that these targets made'
	@echo 'ARGS="-k queue" goes to pytest (test, bench-steps, asan, matrix).'
	@echo 'PYTHON=python3.12 chooses the interpreter of a new environment, VENV=dir where it is made.'

# --- set-up ------------------------------------------------------------------------------------------------

$(VENV)/.made: constraints.txt .ci/make-venv
	@.ci/make-venv '$(PYTHON)' '$(VENV)'
	@touch $@

# The dependencies and the entry point. The core comes after it, so that its compiler speaks for itself.
$(VENV)/.test: $(VENV)/.made $(PROJECT) .ci/pip-install
	@.ci/pip-install '$(BIN)' 'cython' 'setuptools'
	@CAXTON_CORE=later .ci/pip-install '$(BIN)' --no-build-isolation -e '.[test]'
	@touch $@

$(VENV)/.dev $(VENV)/.agents: $(VENV)/.%: $(VENV)/.test
	@.ci/pip-install '$(BIN)' 'caxton[$*]'
	@touch $@

# The core: whatever depends on a source that changed.
$(VENV)/.core: $(VENV)/.test $(CORE_SOURCES)
	$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

# --- targets -----------------------------------------------------------------------------------------------

demo: $(VENV)/.core $(VENV)/.agents
	$(BIN)/caxton demo

test: $(VENV)/.core $(VENV)/.agents
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

# TESTED=1: the suite has just run and need not run again.
check: lint $(if $(TESTED),,test)

lint: $(VENV)/.core $(VENV)/.dev
	@PATH="$(CURDIR)/$(BIN):$$PATH" .ci/lint

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-steps
	$(BIN)/python -m benchmarks

bench-steps: $(VENV)/.core $(VENV)/.agents
	$(BIN)/pytest benchmarks --benchmark-enable --benchmark-only --timeout 0 $(ARGS)

bench-gate: $(VENV)/.core $(VENV)/.agents
	$(BIN)/python -m benchmarks.gate

tsan: $(VENV)/.test
	$(BIN)/python tests/sanitize/run_tsan.py $(ARGS)

asan: $(VENV)/.core $(VENV)/.agents
	.ci/sanitize '$(BIN)' $(ARGS)

soak: $(VENV)/.core $(VENV)/.agents
	$(BIN)/python -m benchmarks.soak --seconds $(SOAK_SECONDS)

crash: $(VENV)/.core $(VENV)/.agents
	CAXTON_CRASHES=$(CRASHES) $(BIN)/pytest tests/crash --timeout 0 -o faulthandler_timeout=0 $(ARGS)

matrix:
	.ci/matrix $(ARGS)

package: $(VENV)/.dev
	.ci/package '$(BIN)'

image-steps: $(VENV)/.made
	unshare --mount $(BIN)/python .ci/image_steps.py

wheels: $(VENV)/.made
	@mkdir -p .wheels
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip download --quiet --dest .wheels --requirement constraints.txt

lock:
	@.ci/lock

clean:
	rm -rf .venv .venv-* .wheels build dist caxton.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	rm -f caxton/_core _core/*.so _core/*.c
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
