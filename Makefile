# SPDX-License-Identifier: Apache-2.0
# The short way in; CMakePresets.json has the long one. JOBS=1 keeps a small machine usable.
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30

help:     ## print this list
	@sed -n 's/^\([a-z]*\): .*## /  make \1 - /p' Makefile

setup:    ## fetch what is missing: Debian packages, libtorch (only the first time takes minutes)
	@tools/setup

build: setup ## build the program: build/mw
	@test -f build/build.ninja || cmake --preset release
	@cmake --build build -j $(JOBS)

test: build ## build, then run every test
	@ctest --test-dir build --output-on-failure --no-label-summary -j $(JOBS)

play: build ## walk through the embedded world in the browser
	@build/mw play

parity: build ## compare with the reference libraries on fresh seeds (fetches them into build-parity)
	@test -x build-parity/bin/python || python3 -m venv build-parity
	@build-parity/bin/python -m pip install --quiet -r tools/parity/requirements.txt
	@build-parity/bin/python tools/parity/networks.py --mw build/mw
	@build-parity/bin/python tools/parity/pipelines.py --mw build/mw

bench: build ## time the parts of the embedded world on this machine
	@build/mw bench

wheel: setup ## build the Python package as a wheel, in build-python
	@python3 -m pip wheel --no-deps --wheel-dir build-python .

format: ## lay out every C++ source as .clang-format says
	@git ls-files '*.h' '*.cpp' | xargs clang-format -i

lint: build ## check format, layers, licence lines and, with clang-tidy, the torch-free modules
	@tools/lint

fuzz: setup ## fuzz the parsers of files and actions, FUZZ_SECONDS each
	@cmake --preset fuzz >/dev/null && cmake --build build-fuzz -j $(JOBS)
	@for name in safetensors_header actions protocol hub_listing gguf torch_checkpoint shard_index; do \
	  tests/fuzz/run_fuzz.sh run . build-fuzz $$name $(FUZZ_SECONDS) || exit; done

clean: ## remove what was built (the fetched libraries in .deps stay)
	@rm -rf build build-*

.PHONY: help setup build play test parity bench wheel format lint fuzz clean
