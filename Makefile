# neurorave: `make help` lists what there is to do. The targets run, setup, setup-train, test and help are relied on by others.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.ONESHELL:
.NOTPARALLEL:
.SUFFIXES:

VENV := .venv
VENV36 := .venv36
BIN := $(VENV)/bin
BUNDLE := models/hand_percussion
# The public key of updates, which goes into a release for a board.
UPDATE_KEY :=
ARGS :=
# `make setup PYTHON=/usr/bin/python3.12` overrules the search for one.
PYTHON :=
PYTHON36 :=

# Numeric libraries otherwise start a thread for each core in each test process.
TEST_ENV := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
PYTEST := $(TEST_ENV) $(BIN)/python -m pytest
PYTEST36 := $(TEST_ENV) $(VENV36)/bin/python -m pytest

# A sound card for tests, without hardware (tests/device/pulse.py).
SOUND_CARD := libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins

.PHONY: help setup setup-train setup-dev setup-device36 run test test-device test-device36 test-train test-panel \
        test-sound-card test-units test-circuits test-hardware hardware test-wheel test-vm play-vm lint format bench bench-peers wheel \
        board-wheel board-release clean

help: ## this list
	@echo 'usage: make TARGET'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- environments -----------------------------------------------------------------------------------------------------
# A stamp says "complete for this pyproject.toml". An interrupted installation leaves none and goes on at the next call.

setup: $(VENV)/.done-module ## make .venv for the module (no torch)
	@echo 'Ready: $(BIN)/neurorave --help'

setup-train: $(VENV)/.done-train ## add training to .venv (torch and more)
	@echo 'Ready: $(BIN)/neurorave-train --help'

setup-dev: $(VENV)/.done-dev ## add to .venv what the tests need

setup-device36: $(VENV36)/.done ## make .venv36: CPython 3.6 with the versions of JetPack 4.6

$(BIN)/python:
	@python="$(PYTHON)"
	if [ -z "$$python" ]; then
	    .ci/find-python >/dev/null || .ci/debian python3-venv ||
	        { echo 'neurorave needs Python 3.10 or newer with its venv module.' >&2; exit 1; }
	    python=$$(.ci/find-python)
	fi
	echo "Making $(VENV) with $$python"
	"$$python" -m venv $(VENV)

# Each includes the one before, in one installation, so a fresh `make test` does not install three times over.
$(VENV)/.done-module: pyproject.toml | $(BIN)/python
	@echo 'Installing the module into $(VENV) (the first time takes a minute or two)'
	.ci/debian libportaudio2 || echo 'Going on without a sound card; the browser panel has its own sound.' >&2
	$(BIN)/python -m pip install --quiet -e '.[panel,midi]'
	touch $@

$(VENV)/.done-train: pyproject.toml | $(BIN)/python
	@echo 'Installing the module and the training side into $(VENV) (torch alone is large)'
	.ci/debian libportaudio2 || true
	$(BIN)/python -m pip install --quiet -e '.[panel,train]'
	touch $(VENV)/.done-module $@

$(VENV)/.done-dev: pyproject.toml | $(BIN)/python
	@echo 'Installing the module, the training side and the tools for tests into $(VENV) (torch alone is large)'
	.ci/debian libportaudio2 || true
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	# It asks for "sklearn", a dead name; what it really needs is in the dev extra.
	$(BIN)/python -m pip install --quiet --no-deps 'timbral_models==0.4.0'
	# The screen's tests need no more of its requirements, one of which would have to be compiled.
	$(BIN)/python -m pip install --quiet --no-deps 'luma.oled>=3.8' 'luma.core>=2.3'
	touch $(VENV)/.done-module $(VENV)/.done-train $@

$(VENV36)/.done: pyproject.toml .ci/requirements.py | $(BIN)/python
	@python="$(PYTHON36)"
	[ -n "$$python" ] || python=$$(.ci/find-python 3.6) ||
	    { echo 'No CPython 3.6 was found: "pyenv install 3.6.15" provides one.' >&2; exit 1; }
	echo "Making $(VENV36) with $$python"
	[ -x $(VENV36)/bin/python ] || "$$python" -m venv $(VENV36)
	# 21.3.1 is the last pip for 3.6; the one that 3.6 brings does not know today's wheels.
	$(VENV36)/bin/python -m pip install 'pip==21.3.1'
	$(BIN)/python .ci/requirements.py panel test > $(VENV36)/requirements.txt
	$(VENV36)/bin/python -m pip install -r $(VENV36)/requirements.txt
	$(VENV36)/bin/python -m pip install --no-deps 'luma.oled==3.8.1' 'luma.core==2.3.1'
	# The tree itself is used, not a copy.
	echo '$(CURDIR)' > $(VENV36)/lib/python3.6/site-packages/neurorave.pth
	touch $@

# --- use --------------------------------------------------------------------------------------------------------------

# Without BUNDLE=DIR it plays what it played last.
run: $(VENV)/.done-module ## set up what is missing and play; ARGS="..." goes to `neurorave run`
	@exec $(BIN)/neurorave run $(if $(filter file,$(origin BUNDLE)),,--bundle $(BUNDLE)) $(ARGS)

bench: $(VENV)/.done-module ## how fast the module is on this machine, paced like the real thing
	@$(BIN)/neurorave bench --bundle $(BUNDLE) --paced --seconds 60 $(ARGS)

bench-peers: $(VENV)/.done-dev ## against a scripted torch model and the machine's floor (four minutes, nothing else running)
	@$(BIN)/python -m benchmarks.peers $(ARGS)

hardware: $(VENV)/.done-dev test-circuits ## make the files of hardware/ anew from its Python files and pinout.csv
	@$(BIN)/python -m hardware.make
	$(BIN)/python -m hardware.simulate

wheel: | $(BIN)/python ## build the wheel with both packages into dist/
	@$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

board-wheel: wheel ## build the wheel for the board, neurorave_device only, into dist/board/
	@$(BIN)/python -m pip show --quiet wheel || $(BIN)/python -m pip install --quiet 'wheel>=0.45'
	$(BIN)/python .ci/board_wheel.py dist/neurorave-*.whl dist/board

# A folder that a maker copies to the board: sudo ./install
board-release: board-wheel ## put wheel, bundle, units and installer for a board into dist/board/, and all of it into an archive
	@cp systemd/install dist/board/
	rm -rf dist/board/systemd dist/board/models
	mkdir -p dist/board/systemd dist/board/models
	cp systemd/*.service systemd/*.mount systemd/*.rules dist/board/systemd/
	cp -r $(BUNDLE) dist/board/models/
	cp docs/install.md dist/board/
	[ -z "$(UPDATE_KEY)" ] || cp "$(UPDATE_KEY)" dist/board/update.pub
	tar -C dist --transform 's,^board,neurorave-board,' -czf dist/neurorave-board.tar.gz board
	echo 'dist/neurorave-board.tar.gz'

# --- checks -----------------------------------------------------------------------------------------------------------

VM := .vm
SAY_ABSENT := [ ! -f $(VM)/absent ] || echo "THE DRIVERS ARE NOT TESTED ON REAL DEVICE NODES. $$(cat $(VM)/absent)" >&2

# Runs every step even when an earlier one failed; pytest's main run comes last, so that its summary is what one reads. The
# virtual machine, which needs one processor and no pace, plays beside the other steps; its records are judged in that run.
test: $(VENV)/.done-dev test-sound-card test-units test-circuits ## set up what is missing and run all tests and checks
	@failed=
	skipped=
	if ! .ci/debian chromium chromium-driver; then
	    if [ -n "$${CI:-}" ]; then failed="$$failed test-panel"; fi
	    echo 'WITHOUT A BROWSER THE PANEL IS NOT TESTED.' >&2
	    skipped=--ignore=tests/panel
	fi
	mkdir -p $(VM)
	# A process group of its own, so that nothing of it outlives a test that is broken off.
	set -m
	nice -n 19 $(MAKE) --no-print-directory play-vm > $(VM)/log 2>&1 </dev/null &
	machine=$$!
	set +m
	trap 'kill -- -$$machine 2>/dev/null' EXIT
	for step in lint test-device36 test-wheel; do
	    echo "=== make $$step"
	    $(MAKE) --no-print-directory $$step || failed="$$failed $$step"
	done
	echo '=== the virtual machine, which has played meanwhile'
	wait $$machine || failed="$$failed play-vm"
	trap - EXIT
	cat $(VM)/log
	echo '=== the tests on the newer Python'
	NEURORAVE_VM=$(VM) $(PYTEST) $$skipped || failed="$$failed pytest"
	$(SAY_ABSENT)
	[ -z "$$failed" ] || { echo "make test: failed:$$failed" >&2; exit 1; }

# Where it cannot be had its tests are skipped and say why; where CI is set they fail.
test-sound-card:
	@.ci/debian $(SOUND_CARD) || echo 'WITHOUT THEM NO SOUND CARD IS TESTED.' >&2

# systemd-analyze looks at the units; it need not be what runs the machine. fusefat mounts a card where that is permitted.
test-units:
	@.ci/debian systemd || echo 'WITHOUT SYSTEMD THE UNITS ARE NOT TESTED.' >&2
	.ci/debian fusefat fuse3 dosfstools || echo 'WITHOUT THEM NO CARD IS TESTED ON FAT.' >&2

# The simulator of hardware/.
test-circuits:
	@.ci/debian ngspice || echo 'WITHOUT NGSPICE NO CIRCUIT IS SIMULATED.' >&2

test-hardware: $(VENV)/.done-dev test-circuits ## the tests of the electronics and of the front panel
	@$(PYTEST) tests/hardware $(ARGS)

test-device: $(VENV)/.done-dev test-sound-card test-units ## the module's tests
	@$(PYTEST) tests/device $(ARGS)

test-device36: test-sound-card test-units ## the module's tests on CPython 3.6 with the versions of JetPack 4.6
	@if [ -z "$(PYTHON36)" ] && [ ! -x $(VENV36)/bin/python ] && ! .ci/find-python 3.6 >/dev/null; then
	    echo 'NO CPYTHON 3.6 ON THIS MACHINE: the module is not tested as on the Jetson Nano ("pyenv install 3.6.15").' >&2
	    [ -z "$${CI:-}" ] || exit 1
	    exit 0
	fi
	$(MAKE) --no-print-directory $(VENV36)/.done
	$(PYTEST36) tests/device $(ARGS)

test-train: $(VENV)/.done-dev ## the tests of the training side
	@$(PYTEST) tests/train $(ARGS)

test-panel: $(VENV)/.done-dev ## the browser panel's tests, in headless Chromium
	@.ci/debian chromium chromium-driver
	$(PYTEST) tests/panel $(ARGS)

# The board never builds: what it gets must install there as it is, in an empty environment, with no compiler but for
# spidev and pycuda, and sound there as it sounds here.
test-wheel: $(VENV)/.done-dev ## build the board's wheel, install it apart and play (on CPython 3.6 where there is one)
	@folder=$$(mktemp -d)
	trap 'rm -rf "$$folder"' EXIT
	unset PYTHONPATH
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir "$$folder/whole" .
	$(BIN)/python .ci/board_wheel.py "$$folder"/whole/*.whl "$$folder/board"
	python="$(PYTHON36)"
	[ -n "$$python" ] || python=$$(.ci/find-python 3.6) || python=$(BIN)/python
	"$$python" -m venv "$$folder/empty"
	empty=$$folder/empty/bin
	"$$empty/python" -m pip install --quiet 'pip==21.3.1'
	$(BIN)/python .ci/requirements.py panel board midi update | grep -v -e '^spidev' -e '^pycuda' > "$$folder/needed.txt"
	CC=/bin/false "$$empty/python" -m pip install --quiet -r "$$folder/needed.txt"
	CC=/bin/false "$$empty/python" -m pip install --quiet --no-deps 'luma.oled>=3.8' 'luma.core>=2.3'
	"$$empty/python" -m pip install --quiet --no-deps "$$folder"/board/*.whl
	tree=$$PWD
	render() { (cd "$$folder" && "$$@" render --bundle "$$tree/$(BUNDLE)" --cv "$$tree/tests/data/cv_short.wav" --seed 7 --out "$$out"); }
	out=there.wav; render "$$empty/neurorave"
	out=here.wav; render env PYTHONPATH="$$tree" "$$tree/$(BIN)/python" -m neurorave_device.cli
	$(BIN)/python .ci/same_sound.py "$$folder/here.wav" "$$folder/there.wav" 1e-4
	cd "$$folder"
	"$$empty/python" -c 'import luma.oled.device, smbus2, os, neurorave_device as d; assert d.__file__.startswith(os.getcwd()), d.__file__'
	! "$$empty/python" -c 'import neurorave_train' 2>/dev/null

test-vm: $(VENV)/.done-dev play-vm ## the drivers on real device nodes, in a virtual machine (needs root and apt; minutes)
	@NEURORAVE_VM=$(VM) $(PYTEST) tests/vm $(ARGS)
	$(SAY_ABSENT)

# Plays the module in the virtual machine; what it found, and all else that is made, lies in .vm. Where its packages are not
# to be had, a file there says why.
play-vm: $(VENV)/.done-dev
	@rm -rf $(VM)/found
	tests/vm/prepare $(VM) $(BIN)/python || { status=$$?; exit $$((status == 3 ? 0 : status)); }
	$(TEST_ENV) $(BIN)/python -m tests.vm.machine $(VM)

lint: $(VENV)/.done-dev ## ruff, mypy --strict, and vermin for the 3.6 floor
	@failed=
	check() { echo "--- $$*"; "$(BIN)/$$@" || failed=yes; }
	check ruff check .
	check ruff format --check .
	check mypy neurorave_device neurorave_train hardware
	check vermin --violations -t=3.6- --no-tips neurorave_device
	[ -z "$$failed" ]

format: $(VENV)/.done-dev ## let ruff format the code
	@$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

clean: ## remove caches and build results; environments, runs and models stay
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
