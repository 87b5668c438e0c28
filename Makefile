# Everything the book needs, from a bare machine with git, make and Python 3.11 (or newer).
# `make` alone lists the targets.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
EXTRAS ?= people,sweep,book,test
PORT   ?= 8000
OUT    ?= student
JOBS   ?= 2

BIN   := $(VENV)/bin
READY := $(VENV)/.installed
SITE  := _build/html
# Several processes with one thread each: as many threads as cores would take turns.
TEST  := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help env book site serve lab student test unit test-all lint strip address lock clean clean-all

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY) ## make .venv with the pinned stack and the packages (every other target does this first)

# Made once; again only when the pins change. The packages themselves are installed in place.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: Python 3.11 or newer is needed, found '$(PYTHON)'; try make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "make: no virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing the pinned stack into $(VENV) (once, some minutes) ..."
	@$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[$(EXTRAS)]'
	@touch $@

book: $(READY) ## execute the chapters that changed and build the site; warnings and crashed cells fail
	@$(BIN)/python tools/with_lock.py _build/.lock $(MAKE) --no-print-directory site
	@echo "The book is at file://$(abspath $(SITE))/index.html (make serve: on http://localhost:$(PORT))"

# What `make book` does; two of these at once would delete each other's pages.
site: $(READY)
	@OMP_NUM_THREADS=1 $(BIN)/python -m poisonlib lab
	@POISONLIB_SITE=1 OMP_NUM_THREADS=1 $(BIN)/python -m tools.run_chapters --jobs $(JOBS)
	@# A warning is told once, when a page is read: after a failed build all pages are read again.
	@if test -e _build/.unfinished; then rm -rf _build/.doctrees; fi
	@touch _build/.unfinished
	@POISONLIB_SITE=1 $(BIN)/jupyter-book build --warningiserror --nitpick --keep-going --quiet .
	@rm _build/.unfinished

serve: book ## serve the built site on localhost (PORT=8000)
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SITE) $(PORT)

lab: $(READY) ## open the chapters in JupyterLab
	@cd book && ../$(BIN)/jupyter lab --ServerApp.tornado_settings="{'websocket_max_message_size': 1000000000}"

student: $(READY) ## write the notebooks without solutions, for a class (OUT=student)
	@$(BIN)/python tools/student_edition.py --out '$(OUT)' $(if $(FORCE),--force)

test: lint unit book ## lint, unit tests, every changed chapter's cells, the site in a browser
	@$(TEST) tests -m 'site and not slow'

unit: $(READY) ## unit and contract tests alone, no book
	@$(TEST) tests -m 'not site and not slow'

test-all: lint book ## all tests, with those that take minutes; before a release
	@$(TEST) tests

lint: $(READY) ## ruff over modules and notebooks; which package imports which; notebooks stripped
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/nbstripout --keep-id --verify $(wildcard book/*.ipynb)

strip: $(READY) ## remove outputs and run-time metadata from the notebooks
	@$(BIN)/nbstripout --keep-id $(wildcard book/*.ipynb)

address: $(READY) ## write where this copy is published (REPOSITORY=https://..., or git's origin)
	@$(BIN)/python tools/poisonlib_repository.py '$(REPOSITORY)'

lock: ## renew requirements.lock from the pins in pyproject.toml (a fresh environment, some minutes)
	@tools/renew-lock

clean: ## remove the built site and the executed notebooks
	rm -rf _build book/_static/plotly.min.js book/_static/mathjax book/_static/lab/data

clean-all: clean ## remove the environment as well
	rm -rf $(VENV) *.egg-info
