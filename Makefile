# SPDX-License-Identifier: Apache-2.0
# The short way to everything; meson and ninja do the work.

BUILD := build
PROGRAMS := auralink-server auralink auralink-aicore

.PHONY: help deps deps-test models opus web screenshots build run install test format lint fuzz bench bench-aic soak clean
.DEFAULT_GOAL := help

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

deps: ## Install what the build needs and is missing
	@tools/deps.sh build

deps-test: ## Install what the tests need as well
	@tools/deps.sh test

build: deps ## Build the programs: build/auralink-server, build/auralink, build/auralink-aicore
	@tools/opus.sh
	@tools/hiredis.sh
	@tools/codecs.sh
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) -Dtests=false -Dwerror=false
	@ninja -C $(BUILD)
	@tools/models.sh && ln -sfn ../.cache/models $(BUILD)/models
	@tools/web.sh && ln -sfn ../.cache/web $(BUILD)/web
	@for p in $(PROGRAMS); do test -x $(BUILD)/src/cmd/$$p && ln -sfn src/cmd/$$p $(BUILD)/$$p || exit 1; done

models: deps ## Fetch AI Core's models and their run time into .cache/models
	@tools/models.sh

opus: deps ## Build libopus with its neural tools into .cache/opus
	@tools/opus.sh

web: deps ## Build the app of web/ into .cache/web, where Node is there
	@tools/web.sh

screenshots: build deps-test ## Take the pictures of docs/screenshots anew, in Chromium
	@cd tests/interop && AURA_BUILD=$(abspath $(BUILD)) ../../.cache/venv-test/bin/python screenshots.py

run: build ## Build all that is needed and start `auralink dev`
	@exec $(BUILD)/auralink dev

test: deps-test ## Run all tests; ONLY=unit/net/tcp or the like runs a part (see CONTRIBUTING.md)
	@tools/test.sh $(ONLY)

format: deps ## Format the C sources in place
	@git ls-files '*.c' '*.h' | xargs .cache/venv-build/bin/clang-format -i

lint: deps ## Run the style checks alone
	@tools/lint/run.sh

install: build ## Install the programs, their manuals and the app (below /usr/local; DESTDIR=… is heeded)
	@meson install -C $(BUILD) --no-rebuild

fuzz: deps-test ## Build the libFuzzer programs into build-fuzz/fuzz/
	@tools/opus.sh
	@tools/hiredis.sh
	@test -f build-fuzz/build.ninja || CC=clang meson setup build-fuzz -Dfuzz=true -Dtests=false \
		-Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-fuzz

bench: build ## Measure AuraLink beside LiveKit, Janus and mediasoup; ARGS="--help" tells more
	@python3 bench/run.py $(ARGS)

bench-aic: build ## Measure AIC on clips: bytes, VMAF, latency; ARGS=--sound for sound; CLIPS=DIR OUT=results.json, ARGS="--help" tells more
	@tools/deps.sh bench-aic
	@PYTHONPATH=bench .cache/venv-aic/bin/python -m aic$(if $(filter --sound,$(ARGS)),.sound) --build $(BUILD) $(if $(CLIPS),--clips "$(CLIPS)") \
		$(if $(OUT),--out "$(OUT)") $(filter-out --sound,$(ARGS))

soak: deps-test ## Joins, leaves, layer switches and loss for long, on an ASan build; ARGS="--minutes 30"
	@tools/opus.sh
	@tools/hiredis.sh
	@test -f build-asan/build.ninja || meson setup build-asan -Dtests=false -Db_sanitize=address,undefined
	@ninja -C build-asan src/cmd/auralink-server
	@test -x $(BUILD)/src/cmd/auralink || $(MAKE) build
	@.cache/venv-test/bin/python bench/soak.py --build build-asan --tools $(BUILD) $(ARGS)

clean: ## Remove what was built (installed packages stay in .cache)
	@rm -rf $(BUILD) build-test build-asan build-tsan build-fuzz
