# Two commands on a fresh machine (Python >= 3.11 and make): `make demo` and `make test`.
# The others are for whoever works on the kit.

# The first Python that is new enough; another one with: make PYTHON=/path/to/python
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
VERSIONS := 3.11 3.12 3.13

.PHONY: demo test test-machines test-security lessons check learn docs audit bench fuzz test-all test-services test-gradescope test-browser setup clean

demo: setup  ## a made-up class through nbgrader: release, fetch, submit, collect, grade, feedback
	$(BIN)/autograder demo

test: setup  ## the tests of the kit
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

lessons: setup  ## every lesson, filled with the reference, top to bottom: figures and long experiments too
	LESSONS=all $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder tests/learner/test_lesson.py

check: setup  ## style, types, and that everything derived is in step with its source
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	printf '%s\n' assignments/*/ | xargs -n 1 basename | xargs -P 2 -n 1 $(BIN)/autograder release --check

learn: setup  ## the lessons, in Jupyter
	$(BIN)/jupyter lab release

docs: setup  ## the guides as a site, in build/docs; a warning is an error
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo build/docs/index.html

audit: setup  ## grade the grader: every topic, every known answer, right and wrong
	$(BIN)/autograder audit

bench: setup  ## live checks, the convolution beside PyTorch's (where installed), a class by stock nbgrader and by ours
	$(BIN)/python -m benchmarks.live_check
	$(BIN)/python -m benchmarks.conv2d
	$(BIN)/python -m benchmarks.grade_class

# The oldest and the newest that pyproject.toml allows, of what draws, computes and brings data.
OLDEST := numpy==2.0.0 scikit-learn==1.5.0
NEWEST := --upgrade numpy scikit-learn

test-machines: setup  ## the same verdict under other kernels, vector units, threads, and with the oldest and newest packages
	MACHINES=all $(BIN)/python -m pytest -q -n auto tests/machines/check_machines.py
	$(MAKE) build/machines/oldest build/machines/newest
	MACHINES=build/machines $(BIN)/python -m pytest -q -n auto tests/machines/check_machines.py

build/machines/oldest: ; $(call machine,$@,$(OLDEST))

build/machines/newest: ; $(call machine,$@,$(NEWEST))

define machine
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check .
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2)
endef

test-security: setup  ## every attack; twenty rounds of a class with one attacker, as root and as an ordinary user
	SECURITY=all $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder tests/jail

test-services: setup  ## PostgreSQL as the gradebook; needs Debian's server (apt install postgresql)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'psycopg[binary]'
	$(BIN)/python -m pytest -q tests/services_postgres.py

test-gradescope: setup  ## the grader for Gradescope, from its archive to its results, in a folder of its own
	GRADESCOPE=all $(BIN)/python -m pytest -q tests/export/test_gradescope.py

test-browser: setup  ## a student in JupyterLab, an instructor in formgrader, every page; needs Debian's chromium and chromium-driver
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	$(BIN)/python -m pytest -q tests/browser/browse_*.py

fuzz: setup  ## a million broken inputs for all that reads what strangers wrote (another number: make fuzz INPUTS=5000)
	$(BIN)/python -m benchmarks.fuzz $(INPUTS)

test-all: $(VERSIONS:%=test-%)  ## the tests on each supported Python that is installed

test-%:
	$(MAKE) test VENV=.venv-$* PYTHON=python$*

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 found; install one, or: make PYTHON=/path/to/python"; exit 1; }
	@echo "setting up $(VENV): some minutes, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:  ## what can be made again
	rm -rf $(VENV) $(VERSIONS:%=.venv-%) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
