# Needs a POSIX sh, make and Python 3.11 or newer with venv. Everything else is installed into .venv.

PYTHON ?= python3
ARGS ?=
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header
MIGRATIONS := $(shell find accounts synclogs integrations circuits operations -path '*/migrations/*.py' 2>/dev/null)

# The database is looked at again when its migrations or its address changed.
ifneq ($(DATABASE_URL)$(DATABASE_URL_FILE),)
DATABASE := database-again
else ifeq ($(wildcard var/db.sqlite3),)
DATABASE := database-again
else
DATABASE := var/.migrated
endif

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo serve test test-sqlite test-postgres test-kill test-browser faults \
	faults-servers lint types bench bench-peers lock lock-peers clean database-again

help: ## Show this help
	@echo 'Usage: make TARGET [ARGS="..."] [PYTHON=python3.12]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.base $(DATABASE) ## Install into .venv and prepare the database; does nothing when done

install-dev: $(VENV)/.dev $(DATABASE) ## The same, with what developing and testing needs

demo: install ## See it work on this machine, without any server (ARGS="--json")
	@$(PY) manage.py dev demo $(ARGS)

serve: install ## Run the site and its workers on this machine
	@$(PY) manage.py dev serve $(ARGS)

test: $(VENV)/.dev ## All suites on SQLite, then on PostgreSQL and Redis (ARGS="-k name")
	@$(PY) -m scripts.run_tests $(ARGS)

test-sqlite: $(VENV)/.dev ## The default suite on SQLite
	@$(PY) -m scripts.run_tests --only sqlite $(ARGS)

test-postgres: $(VENV)/.dev ## The default suite on PostgreSQL and Redis
	@$(PY) -m scripts.run_tests --only postgres $(ARGS)

test-kill: $(VENV)/.dev ## The suite that kills real processes, on both databases
	@$(PY) -m scripts.run_tests --kill $(ARGS)

faults: $(VENV)/.dev ## The kill table: each fault, and what became of the jobs (ARGS="--only sqlite --json")
	@$(PY) -m tests.faults.table $(ARGS)

faults-servers: $(VENV)/.dev ## Kill worker, cluster, Redis and PostgreSQL in the middle of 2,000 jobs
	@$(PY) -m tests.faults.servers $(ARGS)

test-browser: $(VENV)/.dev ## The suite that drives a real browser
	@$(PY) -m scripts.run_tests --browser $(ARGS)

lint: $(VENV)/.dev ## Style, imports between rooms, lock files, migrations
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(PY) -m scripts.check_locks
	$(PY) manage.py makemigrations --check --dry-run

types: $(VENV)/.dev ## Check types
	$(VENV)/bin/mypy

bench: $(VENV)/.dev ## Measure (ARGS are those of `python -m benchmarks`)
	@$(PY) -m benchmarks $(ARGS)

bench-peers: $(VENV)/.dev ## Install what `bench ARGS="streams --peers 1"` compares with, into benchmarks/.peers
	for peer in dlt singer; do \
		$(VENV)/bin/uv venv --quiet --allow-existing --python $(PY) benchmarks/.peers/$$peer && \
		$(VENV)/bin/uv pip install --quiet --python benchmarks/.peers/$$peer/bin/python --require-hashes \
			-r benchmarks/peers/$$peer.lock || exit 1; \
	done

lock: $(VENV)/.dev ## Renew requirements/*.lock from requirements/*.in
	$(COMPILE) requirements/base.in -o requirements/base.lock
	$(COMPILE) requirements/dev.in -o requirements/dev.lock
	$(COMPILE) requirements/servers.in -o requirements/servers.lock

lock-peers: $(VENV)/.dev ## Renew benchmarks/peers/*.lock
	for peer in dlt singer; do \
		$(COMPILE) benchmarks/peers/$$peer.in -o benchmarks/peers/$$peer.lock || exit 1; \
	done

clean: ## Remove what was installed or generated, except the data in var/
	rm -rf $(VENV) staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache var/.migrated
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.python:
	@if ! $(PY) -m pip --version >/dev/null 2>&1; then \
		python=$$(sh scripts/find_python.sh $(PYTHON)) || exit 1; \
		echo "Making $(VENV) with $$python" >&2; \
		"$$python" -m venv --clear $(VENV) || { echo "Python's venv failed: is it installed (python3-venv)?" >&2; exit 1; }; \
	fi
	@touch $@

$(VENV)/.base: requirements/base.lock | $(VENV)/.python
	@echo 'Installing requirements/base.lock' >&2
	@$(PIP) install --require-hashes -r requirements/base.lock
	@touch $@

$(VENV)/.dev: requirements/dev.lock requirements/base.lock | $(VENV)/.python
	@echo 'Installing requirements/dev.lock' >&2
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $(VENV)/.base $@

var/.migrated: $(MIGRATIONS) $(wildcard .env) | $(VENV)/.base
	@$(MAKE) --no-print-directory database-again

database-again: | $(VENV)/.base
	@$(PY) manage.py migrate --no-input --verbosity 0
	@$(PY) manage.py createcachetable
	@mkdir -p var && touch var/.migrated
