# make lab      JupyterLab on the quick-start notebook
# make test     everything CI runs: lint, types, front end, unit tests, docs, notebooks, browser
# make oldest   the models' tests with the oldest diffusers that pyproject.toml allows
# make test-lowest  the unit tests with the lower bounds of pyproject.toml, in build/lowest
# make test-newest  the unit tests with the newest releases in its ranges, in build/newest
# make docs     the documentation, into build/site
# make check    lint, types, front end and unit tests: before each commit
# make format   rewrite Python in the house style
# make figures  everything that depends on the weights: tables, model card, notebooks, pictures
# make pictures the pictures and notebooks alone
# All of it lives in .venv, made on first use; PYTHON=python3.12 picks the interpreter, TORCH=cpu or
# TORCH=cuda the build of torch (on Linux; the default is cuda where there is an NVIDIA driver).

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := docs,lab,metrics,quant,sweep,wan,test
# JupyterLab asks on its first start whether it may fetch news; here it does not.
LAB_SETTINGS := $(VENV)/share/jupyter/lab/settings

# The first interpreter that works: 3.11 first, which is what the constraints were tested with.
PROBE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	if $$python -c '$(PROBE)' >/dev/null 2>&1; then echo $$python; break; fi; done)

# PyPI's torch for Linux brings 4.6 GB of CUDA. Where PyTorch's own index cannot be reached, it serves.
CPU_INDEX := https://download.pytorch.org/whl/cpu
DRIVER := $(wildcard /proc/driver/nvidia/version) $(shell command -v nvidia-smi)
TORCH ?= $(if $(filter Linux,$(shell uname -s)),$(if $(strip $(DRIVER)),cuda,cpu),default)
define install_torch
	$(if $(filter cpu,$(TORCH)),$(1) -m pip install --quiet --no-deps --retries 0 --timeout 8 \
		--index-url $(CPU_INDEX) "$$(grep '^torch==' constraints.txt)" \
		|| echo "no CPU build of torch at $(CPU_INDEX): taking the usual one")
endef

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
NPM := $(shell command -v npm)
# pytest's workers: one a core, since the tests' models are too small for more threads of torch.
WORKERS ?= logical
SPREAD := --numprocesses=$(WORKERS) --maxprocesses=8
PARALLEL := OMP_NUM_THREADS=1 $(BIN)/pytest $(SPREAD)
# Jupyter asks root for a promise; in a container there is nobody else.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

export PYDEVD_DISABLE_FILE_VALIDATION := 1
export JUPYTER_PLATFORM_DIRS := 1

.PHONY: help install lab test format pictures lint types frontend unit oldest test-lowest test-newest \
	docs notebooks browser clean

help:
	@sed -n 's/^# \{0,1\}\(make .*\)/\1/p' Makefile

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11, 3.12 or 3.13 with venv is needed"; exit 1; fi
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(call install_torch,$(BIN)/python)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[$(EXTRAS)]"
	mkdir -p $(LAB_SETTINGS)
	cp tools/lab-overrides.json $(LAB_SETTINGS)/overrides.json
	touch $@

lab: $(STAMP)
	$(BIN)/jupyter lab $(AS_ROOT) notebooks/01_first_drag.ipynb

# Two steps at a time: npm, mypy and MkDocs use one core. What a step prints comes in one piece when it
# ends (not from the make of macOS), and the last lines name what failed. Browser tests measure speeds,
# so they run alone.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
define together
	@mkdir -p build
	+@$(MAKE) --no-print-directory --jobs=2 --keep-going $(SYNC) $(1) 2>&1 | tee build/steps.log \
		|| { grep '^make.*\*\*\*' build/steps.log; exit 1; }
endef

test: check
	$(call together,docs notebooks)
	$(MAKE) browser

.PHONY: check
check: $(STAMP)
	$(call together,lint unit types frontend)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP)
	$(PARALLEL) --dist=worksteal -m "not browser and not gpu"

oldest: $(STAMP)
	$(BIN)/pip install --quiet --no-deps --upgrade --target build/oldest \
		"$$(sed -n 's/.*"\(diffusers\)>=\([0-9.]*\),.*/\1==\2.0/p' pyproject.toml)"
	PYTHONPATH=build/oldest $(BIN)/pytest -m "not gpu" tests/models

test-lowest: build/lowest.txt
test-newest: build/newest.txt
test-lowest test-newest: test-%:
	test -x build/$*/bin/python || $(PYTHON) -m venv build/$*
	$(call install_torch,build/$*/bin/python)
	build/$*/bin/python -m pip install --quiet --upgrade -c build/$*.txt -e ".[$(EXTRAS)]"
	OMP_NUM_THREADS=1 build/$*/bin/pytest $(SPREAD) --dist=worksteal \
		-m "not browser and not gpu" -W ignore::DeprecationWarning

# torch stays the one of constraints.txt: each version is gigabytes.
build/lowest.txt: $(STAMP) tools/lowest.py
	mkdir -p build && (grep '^torch==' constraints.txt; $(BIN)/python tools/lowest.py) > $@

build/newest.txt: constraints.txt
	mkdir -p build && grep '^torch==' constraints.txt > $@

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The last ones take longest: begun first, they do not leave a core idle at the end.
LAST_FIRST = $(shell ls -r notebooks/*.ipynb)

notebooks: $(STAMP)
	$(PARALLEL) --dist=loadfile --no-loadscope-reorder --nbval-lax --nbval-cell-timeout=240 \
		--nbval-current-env $(LAST_FIRST)

# Without Node or Chromium a person is told what did not run; CI is stopped.
frontend:
ifneq ($(NPM),)
	npm ci --prefix widgets --no-audit --no-fund
	npm run verify --prefix widgets
else
	@echo "NOT RUN: the front end's tests need Node 20.19 or later with npm" >&2
	@test -z "$${CI:-}"
endif

browser: $(STAMP)
ifneq ($(CHROMIUM),)
	CHROMIUM="$(CHROMIUM)" $(PARALLEL) --dist=loadfile -m browser tests/browser
else
	@echo "NOT RUN: the browser tests need Chromium (apt-get install chromium, or CHROMIUM=path)" >&2
	@test -z "$${CI:-}"
endif

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Each step runs once until the weights, or the notebook, are newer than what it left in
# build/figures; a stopped run continues. A change of the code alone makes no step run again: remove
# its file there. Figures depend on the number of threads, so measurements take one.
FIGURES := build/figures
WEIGHTS_FOLDER := dragstream/models/playground/weights
WEIGHTS := $(wildcard $(WEIGHTS_FOLDER)/*.safetensors $(WEIGHTS_FOLDER)/*.json)
DIGEST = $(shell cat $(WEIGHTS) | sha256sum | cut -c1-12)
CARD_TABLES := playground captions likeness identity
TABLES := $(CARD_TABLES) default rivals live turned minute fast fast_captions fast_identity
WRITE_PAGES = $(BIN)/python tools/make_figures.py

playground_OPTIONS = playground --scenes 24 --seed 0 --out $(FIGURES)/playground-$(DIGEST)
captions_OPTIONS := captions
likeness_OPTIONS := likeness
identity_OPTIONS := identity --streams 4
rivals_OPTIONS = playground --scenes 48 --seed 0 --out $(FIGURES)/rivals-$(DIGEST) \
	--methods none,I=4,no_adsr,no_sfs,fast,cut_and_paste,time_to_move
default_OPTIONS = playground --scenes 96 --seed 0 --out $(FIGURES)/default-$(DIGEST) \
	--methods none,I=4,default --scheduler processes --workers 2
live_OPTIONS := live --scenes 8 --releases 0
turned_OPTIONS := live --seed 13 --seconds 3 --turn 20 --releases 0 \
	--methods I=4,default,fast,time_to_move
minute_OPTIONS := live --dtype bfloat16 --scenes 2 --seconds 60 --releases 0 --methods I=4,no_adsr
fast_OPTIONS = playground --scenes 96 --seed 0 --methods none,I=4,default --model playground-fast \
	--out $(FIGURES)/fast-$(DIGEST) --scheduler processes --workers 2
fast_captions_OPTIONS := captions --model playground-fast
fast_identity_OPTIONS := identity --blocks 1 10 100 --model playground-fast

.PHONY: figures figures-wan figures-gpu
figures: $(TABLES:%=$(FIGURES)/%.md) $(FIGURES)/bench.json $(WEIGHTS_FOLDER)/MODEL_CARD.md \
	$(patsubst notebooks/%.ipynb,$(FIGURES)/%.stamp,$(wildcard notebooks/*.ipynb)) \
	$(FIGURES)/pictures.stamp $(FIGURES)/screenshots.stamp

$(TABLES:%=$(FIGURES)/%.md): $(FIGURES)/%.md: $(WEIGHTS) | $(STAMP)
	mkdir -p $(FIGURES)
	OMP_NUM_THREADS=1 $(BIN)/python -m dragstream.revel $($*_OPTIONS) \
		--json $(FIGURES)/$*.json --markdown $@
	$(WRITE_PAGES)

$(FIGURES)/bench.json: $(WEIGHTS) | $(STAMP)
	mkdir -p $(FIGURES)
	$(BIN)/python -m dragstream.bench playground --json $@
	$(WRITE_PAGES)

$(WEIGHTS_FOLDER)/MODEL_CARD.md: $(CARD_TABLES:%=$(FIGURES)/%.md)
	$(BIN)/python -m dragstream.models.playground.card \
		$(foreach name,$(CARD_TABLES),--$(name) $(FIGURES)/$(name).md)

DRAW = CHROMIUM="$(CHROMIUM)" $(BIN)/python notebooks/make_pictures.py --only

$(FIGURES)/%.stamp: notebooks/%.ipynb $(WEIGHTS) | $(STAMP)
	$(DRAW) notebooks --notebooks $*.ipynb
	mkdir -p $(FIGURES) && touch $@

$(FIGURES)/pictures.stamp: $(WEIGHTS) | $(STAMP)
	$(DRAW) filmstrip drift features animation
	mkdir -p $(FIGURES) && touch $@

$(FIGURES)/screenshots.stamp: $(WEIGHTS) | $(STAMP)
	$(DRAW) screenshot studio recording
	mkdir -p $(FIGURES) && touch $@

# Of random weights, so only by name.
figures-wan: $(STAMP)
	mkdir -p $(FIGURES)
	OMP_NUM_THREADS=1 $(BIN)/python -m dragstream.bench wan --random-weights --heads 1 \
		--height 128 --width 192 --json $(FIGURES)/wan.json
	$(WRITE_PAGES)

figures-gpu: $(STAMP)
	$(BIN)/python -m dragstream.bench gpu --out $(FIGURES)/gpu
	$(WRITE_PAGES)

pictures: $(STAMP)
	CHROMIUM="$(CHROMIUM)" $(BIN)/python notebooks/make_pictures.py

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache widgets/node_modules
