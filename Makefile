PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := results/demo

.PHONY: demo test lint types unit slow coverage docs edge mutation reliability release-check clean

demo: $(VENV)/installed  ## Train, prune, choose and compare on scikit-learn's digits
	$(BIN)/ensemble build --m 20 --s 5 --out $(DEMO)
	$(BIN)/ensemble compare $(DEMO)
	@echo
	@echo "The report: $(CURDIR)/$(DEMO)/report.html"

test: $(VENV)/installed-tests lint types unit  ## Lint, types and tests

lint: $(VENV)/installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-tests
	$(BIN)/mypy
	$(BIN)/python benchmarks/check_types.py

unit: $(VENV)/installed-tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "not slow"

slow: $(VENV)/installed-tests  ## The long checks: every torchvision classifier, a real browser, whole data sets
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m slow --durations 0 -q > results/slow-tests.txt; \
		status=$$?; cat results/slow-tests.txt; exit $$status

coverage: $(VENV)/installed-tests  ## Which lines and branches the tests reach
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "not slow" -q --cov --cov-report=term

docs: $(VENV)/installed-tests  ## Pages of the Python API, in site/
	$(BIN)/python docs/api.py site

edge: $(VENV)/made  ## The wheel of dropnet-ensemble-edge, for machines that only predict, in dist/
	$(BIN)/python edge/build.py dist

mutation: $(VENV)/installed-tests  ## 300 small changes to each of two packages: does a test fail? It goes on where it stopped
	$(BIN)/python -m pip install --quiet --constraint constraints.txt '.[mutation]'
	nice -n 19 $(BIN)/python benchmarks/mutation/run.py selection
	nice -n 19 $(BIN)/python benchmarks/mutation/run.py pruning

# What is done has a stamp, so the same command goes on after a stop; trials of kills, pairs,
# exchanges and clusters add to those of before. Without Ray: make reliability CLUSTERS=distributed
CLUSTERS ?= distributed ray
CHECKS := kills pairs exchanges $(CLUSTERS) hostile bad_requests fuzz serve_attacks scale
TRY_kills := trials.py kills 100
TRY_pairs := trials.py pairs 20
TRY_exchanges := trials.py exchanges 100
TRY_distributed := cluster.py kills 10 distributed
TRY_ray := cluster.py kills 10 ray
TRY_hostile := hostile_files.py > results/reliability/hostile-files.md
TRY_bad_requests := bad_requests.py
TRY_fuzz := fuzz.py 10
TRY_serve_attacks := serve_attacks.py
TRY_scale := scale.py

reliability: $(CHECKS:%=$(VENV)/reliability/%)  ## Hours of trials and attacks: the figures in results/reliability. It goes on where it stopped
	rm -rf $(VENV)/reliability

$(VENV)/reliability/%: | $(VENV)/installed-tests
	@mkdir -p $(@D)
	nice -n 10 $(BIN)/python benchmarks/reliability/$(TRY_$*)
	@touch $@

release-check: $(VENV)/installed-release  ## Build sdist and wheels, check them, run the demo from the wheels
	$(BIN)/python .ci/release.py

# The package is installed, not linked: the tests run against what a user would get.
$(VENV)/installed: $(VENV)/made pyproject.toml constraints.txt dropnet_ensemble.py $(shell find ensemble pruning selection pipelines -type f -not -name '*.pyc')
	rm -rf build
	$(BIN)/python -m pip install --quiet --constraint constraints.txt .
	@touch $@

$(VENV)/installed-tests: $(VENV)/installed
	rm -rf build
	$(BIN)/python -m pip install --quiet --constraint constraints.txt '.[test]'
	@touch $@

$(VENV)/installed-release: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt '.[release]'
	@touch $@

$(VENV)/made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; say make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache
