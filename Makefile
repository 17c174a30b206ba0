# Two commands do everything on a fresh machine: `make demo` and `make test`.
# The others are for those who work on netc; each builds the environment that it needs.

PYTHON ?= python3
VENV ?= .venv
PARITY ?= .parity
# Tests run in this many processes, each with one thread.
JOBS ?= 2
TORCH ?= torch==2.13.0
TORCHVISION ?= torchvision==0.28.0
TIMM ?= timm==1.0.31

BIN = $(VENV)/bin
# Torch comes first and by its exact version: where a CPU build is configured, pip then takes that one.
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check

.PHONY: help demo env test zoo fuzz lint types tables pictures gallery parity bench format clean

help:
	@echo "make demo    build .venv; compile GoogLeNet to a table and a picture, build ResNeXt-50, train LeNet-5"
	@echo "make test    all tests"
	@echo "make lint    ruff check and ruff format --check          make format  ruff, and it writes"
	@echo "make types   mypy --strict                               make parity  against torchvision and timm"
	@echo "make zoo     every net is trained a step, and exported   make gallery docs/zoo"
	@echo "make tables  the parser's tables, of grammar/net.lark    make pictures  the README's"
	@echo "make bench   speed, as ratios                            make fuzz    N=10000: mutants of the specs"
	@echo "make clean   remove what these made"

env: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "netc needs Python 3.11 or newer; name one: make PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) "$(TORCH)"
	$(BIN)/python $(PIP_INSTALL) --editable ".[train,dev]"
	@touch $@

# Torchvision stays out of netc's own environment. On a CPU torch it can only be installed without its
# dependencies, and its missing operators have to be declared before it is imported (tests/parity/operators.py).
$(PARITY)/.ready: pyproject.toml
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python $(PIP_INSTALL) "$(TORCH)" numpy pillow torchinfo
	$(PARITY)/bin/python $(PIP_INSTALL) --no-deps "$(TORCHVISION)" "$(TIMM)"
	$(PARITY)/bin/python $(PIP_INSTALL) --editable .
	@touch $@

demo: $(VENV)/.ready
	@rm -rf demo && mkdir demo
	$(BIN)/netc compile specs/googlenet.net --render svg -o demo/googlenet.svg
	$(BIN)/netc build resnext50 -o demo/resnext50.py
	$(BIN)/netc train lenet5 --data digits -o demo/lenet5
	@echo "Look at demo/googlenet.svg, demo/resnext50.py and demo/lenet5."

# The parser's tables are data of the package, made of the grammar; a test holds the two together.
tables: env
	$(BIN)/python -c "from netc.dsl.tables import write_tables; print(write_tables(), end='')" > .tables.json
	mv .tables.json grammar/net.tables.json

# The README's picture; a test holds it to what netc draws.
pictures: env
	$(BIN)/netc compile docs/tiny.net --render svg -o docs/pictures/tiny.svg

# The pages of docs/zoo; a test holds them to the specs.
gallery: env
	$(BIN)/python docs/gallery.py

test: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup

# What `make test` does with one net of each form, with every net.
zoo: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) --all-nets tests/test_export.py tests/test_trains.py

# Mutants of the bundled specs by number, from FROM on, and all that they find.
N ?= 10000
FROM ?= 0

fuzz: env
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz.py $(N) --from $(FROM)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.ready
	$(BIN)/mypy

parity: $(PARITY)/.ready
	JOBS=$(JOBS) $(PARITY)/bin/python tests/parity/compare.py

bench: $(PARITY)/.ready
	$(PARITY)/bin/python bench/run.py

clean:
	rm -rf $(VENV) $(PARITY) demo build dist netc.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
