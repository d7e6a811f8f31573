# make app: set up and serve the page.   make test: set up and run the quick tests.
# make lint: style and floors.           make check: lint and every test, as CI does.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell grep '^torch==' requirements.txt)
BENCHMARKS := evaluation samples latency page scores amt_sampler training preparation contention load robustness redrawing
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo -n)
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: app test lint check corpus train benchmarks release
app: $(VENV)/app-ready
	$(BIN)/prism app

test: $(VENV)/test-ready
	$(PYTEST) -m "not slow"

lint: $(VENV)/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

check: lint
	$(PYTEST)

corpus: $(VENV)/test-ready
	$(BIN)/prism corpora prepare

train: $(VENV)/app-ready
	$(BIN)/prism train

benchmarks: $(VENV)/app-ready
	for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py --json --write || exit 1; done

# All that is shipped, made from the corpus: weights, experiment, examples, tables, pictures. Takes
# hours; what was stopped goes on where it was.
release: $(VENV)/test-ready
	$(BIN)/prism train --compile --weights weights
	$(BIN)/prism train student --compile --weights weights/student
	$(BIN)/prism train amt --compile --weights weights/amt
	$(BIN)/prism train similarity --weights weights/similarity
	$(BIN)/prism evaluate bands
	$(BIN)/prism evaluate
	$(BIN)/prism corpora report
	$(BIN)/python -m prism.service.bundle
	$(BIN)/python -m prism.service.make_examples
	$(MAKE) benchmarks
	$(BIN)/python docs/screenshots.py

# Install a Debian package for a command or a library if it is missing; going without it is
# possible (sound falls back to the pip-only synthesiser, browser tests are skipped).
define debian
	@$(1) >/dev/null 2>&1 || { $(AS_ROOT) apt-get update -q && $(AS_ROOT) apt-get install -qy $(2); } \
		|| echo "could not install $(2); going on without it (as root: apt-get install $(2))"
endef

$(VENV)/made:
	$(call debian,$(PYTHON) -c 'import ensurepip',python3-venv)
	$(PYTHON) -m venv $(VENV)
	touch $@

# The plain build of torch brings several GB of CUDA libraries: take it only where a GPU is. The
# CPU build comes from wherever pip is told to look, else by uv, which knows where it is published.
$(VENV)/torch-ready: $(VENV)/made
	@if nvidia-smi >/dev/null 2>&1; then $(BIN)/pip install -q $(TORCH); \
	else $(BIN)/pip install -q $(TORCH)+cpu 2>/dev/null \
		|| { $(BIN)/pip install -q uv \
			&& $(BIN)/uv pip install -q --python $(BIN)/python --torch-backend=cpu $(TORCH); } \
		|| $(BIN)/pip install -q $(TORCH); fi
	touch $@

# The editable install gives the command `prism`, and worker processes their imports.
$(VENV)/app-ready: $(VENV)/torch-ready pyproject.toml packages.txt
	$(call debian,ldconfig -p | grep -q libfluidsynth,libfluidsynth3)
	$(call debian,test -e /usr/share/sounds/sf3/FluidR3Mono_GM.sf3,fluidr3mono-gm-soundfont)
	$(BIN)/pip install -q -e '.[app,train,score]'
	touch $@

$(VENV)/test-ready: $(VENV)/app-ready
	$(call debian,command -v chromium,chromium)
	$(BIN)/pip install -q -e '.[app,train,score,corpora,dev]'
	touch $@
