# make help lists the targets. Everything runs from .venv, made once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format bench man graphs manifest clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[dev]'
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps 'tinysoundfont>=0.3.6'
	touch $@

demo: $(READY) ## New drums to examples/song.flac, drums from nothing; name the files made
	@mkdir -p demo
	PATH="$(CURDIR)/$(BIN):$$PATH"; \
	drumkit separate examples/song.flac | tee demo/stems.wav | drumkit arrange > demo/drums.wav; \
	drumkit arrange --mix demo/stems.wav -o demo/mix.wav; \
	drumkit swirl --measures 8 | drumkit interpolate - techno:1 | drumkit groove - --genre funk > demo/played.mid; \
	drumkit synth demo/played.mid -o demo/played.wav
	@echo "Made demo/stems.wav (drums, bass, other, vocals of examples/song.flac),"
	@echo "     demo/drums.wav (new drums to its bass), demo/mix.wav (that bass and the new drums)"
	@echo "     demo/played.mid (drums from nothing, on their way to techno, played as funk)"
	@echo "     and demo/played.wav (the same, as sound of a generated kit)."

test: $(READY) ## Run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q

lint: $(READY) ## ruff, strict mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(READY) ## Let ruff fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Speed, memory and start-up against their targets
	$(BIN)/python bench/bench.py

man: $(READY) ## Write man/*.1 from the command line's own help
	$(BIN)/python tools/make_man.py man

graphs: $(READY) ## Export the networks of all shipped weights again, then write the manifest
	for old in weights/*.safetensors; do \
		case $$old in *groove-baselines*) continue;; esac; \
		feature=$$(basename $$old .safetensors); \
		$(BIN)/drumkit train $${feature%%-*} --convert $$old -o $$old.new.safetensors; \
		mv $$old.new.safetensors $$old; \
	done
	$(MAKE) manifest

manifest: $(READY) ## Write the SHA-256 of all weights into weights/manifest.json
	$(BIN)/python -c 'from pathlib import Path; from drumkit_cli.learning.checkpoint import write_manifest; write_manifest(Path("weights"))'

clean: ## Remove the environment and everything made
	rm -rf $(VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis bench/out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
