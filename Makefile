# Everything that people and continuous integration run. `make` alone lists it.
#
# It all lives in .venv, which the first `make run` or `make test` creates; a stamp file for each
# kind of installation makes the next start immediate until pyproject.toml or constraints.txt
# changes. `rm -rf .venv` starts over.

# The newest Python that can make a virtual environment; `make run PYTHON=python3.12` chooses.
# 3.14 stands last: an optional package has no wheel for it yet (see pyproject.toml).
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3.14 python3; do \
	if $$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1; then echo $$name; break; fi; done)

# Passed on: `make run ARGS="--port 8000"`, `make test ARGS="-k lifecycle"`.
ARGS ?=

# Settings in a file of the user's must not send packages elsewhere than into .venv, and what pip
# builds with is pinned like the rest (older pips read the first name, newer ones the second).
PIP = PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
	PIP_USE_PEP517=1 PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	.venv/bin/python -m pip --quiet

# Two targets may install at a time (`make --jobs`).
APT = apt-get -qq -o DPkg::Lock::Timeout=300

# None of make's own variables, nor ours, reach the service or the tests.
unexport MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MAKE_TERMOUT MAKE_TERMERR PYTHON ARGS

.DEFAULT_GOAL := help
.PHONY: help run test check docs bench bench-quick soak pictures faults rotations fuzz clean chromium
.DELETE_ON_ERROR:

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# `exec`, so that the service is make's own child: Ctrl-C and SIGTERM reach it, and make waits.
run: .venv/.for-run ## install what is missing, start Easel, say where its page is
	@exec .venv/bin/easel serve $(ARGS)

test: .venv/.for-test chromium ## install what is missing and run every test
ifeq ($(strip $(ARGS)),)
	@exec .venv/bin/python -m tests
else
	.venv/bin/pytest $(ARGS)
endif

check: .venv/.for-test ## ruff, mypy and the import contracts
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

docs: .venv/.for-test ## write the pages that are made from the code
	@set -e; for page in docs/generate_*.py; do echo "$$page"; .venv/bin/python "$$page"; done

bench: .venv/.for-bench chromium ## Easel beside a stock pipecat bot, 40 minutes; writes docs/benchmarks.md
	.venv/bin/python -m bench.run $(ARGS)

bench-quick: .venv/.for-bench ## the same, its main rows only, 8 minutes
	.venv/bin/python -m bench.run --quick $(ARGS)

fuzz: .venv/.for-fuzz ## bytes of strangers, made up by a fuzzer, for 5 minutes; see docs/fuzzing.md
	.venv/bin/python -m tests.fuzz $(ARGS)

soak: .venv/.for-bench ## 30 minutes of peers who come and go; writes docs/soak.md
	.venv/bin/python -m bench.soak $(ARGS)

pictures: .venv/.for-bench chromium ## how soon a picture is seen, 12 minutes; writes docs/image-timings.md
	.venv/bin/python -m bench.pictures.run $(ARGS)

faults: .venv/.for-bench ## each fault of Gemini's 20 times and more, 40 minutes; writes docs/reliability.md
	.venv/bin/python -m bench.faults.run $(ARGS)

rotations: .venv/.for-bench ## 25 minutes of goAway every two; writes its part of the same page
	.venv/bin/python -m bench.faults.rotations $(ARGS)

clean: ## remove caches and the output of tests; .venv stays
	rm -rf dist test-output .coverage .coverage.* .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name .venv -prune -o -name __pycache__ -exec rm -rf {} +

.venv/bin/pip:
	@if [ -z "$(PYTHON)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "No Python 3.11 or later with venv was found: installing it."; \
		$(APT) update && $(APT) install -y --no-install-recommends python3-venv; \
		exec $(MAKE) --no-print-directory $@ PYTHON=python3; \
	fi; \
	if ! $(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "Easel needs Python 3.11 or later with its venv module" >&2; \
		echo "(on Debian and Ubuntu: apt-get install python3-venv)." >&2; \
		exit 1; \
	fi; \
	$(PYTHON) -m venv --clear .venv

.venv/.for-run: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing Easel into .venv: about a minute, once."
	@$(PIP) install --editable '.[emulator]'
	@touch $@

.venv/.for-test: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing Easel and its development tools into .venv: about two minutes, once."
	@$(PIP) install --editable '.[emulator,dev]'
	@touch $@ .venv/.for-run

.venv/.for-bench: pyproject.toml constraints.txt | .venv/.for-test
	@$(PIP) install --editable '.[emulator,dev,bench]'
	@touch $@

.venv/.for-fuzz: pyproject.toml constraints.txt | .venv/.for-test
	@$(PIP) install --editable '.[emulator,dev,fuzz]'
	@touch $@

# Without a browser the tests that need one are skipped, and say so; with CI=true they fail.
chromium:
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome; do \
		if command -v "$$name" >/dev/null 2>&1; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the tests."; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ $(APT) update && $(APT) install -y --no-install-recommends chromium; } >/dev/null \
		|| echo "Chromium could not be installed: its tests will say so." >&2; \
	else \
		echo "No Chromium: install it, or name one in CHROMIUM, to run the tests that need it."; \
	fi
