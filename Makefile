# Two commands do all set-up on a bare machine with Python 3.11 or newer: `make serve` and `make test`.

PYTHON  ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
               $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV    ?= .venv
BIN     := $(VENV)/bin
UPSTREAM ?=
CHROMIUM ?= $(shell command -v chromium chromium-browser google-chrome 2>/dev/null | head -1)
SERVE   ?=
SECONDS ?= 60
ROUNDS  ?= 5
TARGETS ?=
LOCK    := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --upgrade \
           --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.PHONY: serve test check lint demo format conformance docs lock manifests audit sbom clean reliability fuzz \
        bench bench-variants bench-micro bench-profile \
        e2e-openhands e2e-agents e2e-vllm e2e-servers e2e-browser e2e-scale e2e-release e2e-monitoring e2e-anchors e2e-openapi

serve: $(VENV)/.installed  ## start on 127.0.0.1:8900: before UPSTREAM=http://host:8000, or before a simulated model
ifeq ($(UPSTREAM),)
	@test -z "$(SERVE)" || echo "SERVE is for a real model server, and left out here: say UPSTREAM=http://host:8000 as well"
	$(BIN)/toolmend demo --serve
else
	$(BIN)/toolmend serve --upstream $(UPSTREAM) $(SERVE)
endif

test: $(VENV)/.dev  ## run all tests that need nothing but Python
	$(BIN)/python -m pytest -q -n auto --dist worksteal

check: lint test  ## what CI runs: ruff, mypy, import contracts, tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: $(VENV)/.installed  ## play the errors of Gemma 4 under OpenHands, direct and mended, with a simulated model
	$(BIN)/toolmend demo

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

e2e-openhands: $(VENV)/.dev  ## the real OpenHands 0.59 against a scripted model; writes docs/openhands.md
	tests/e2e/openhands/run.sh --write docs/openhands.md

e2e-agents: $(VENV)/.dev  ## the real mini-swe-agent and EvalScope against a scripted model; writes docs/agents.md
	tests/e2e/agents/run.sh --write docs/agents.md

e2e-vllm: $(VENV)/.dev  ## a real vLLM on this CPU with a scripted tiny model; writes docs/vllm.md and tables of docs/ladder.md
	TOOLMEND_E2E_VLLM=1 $(BIN)/python -m pytest tests/e2e/vllm -q -m e2e_vllm --write docs/vllm.md --write-ladder docs/ladder.md

e2e-servers: $(VENV)/.dev  ## a real llama-server with a tiny random model: make e2e-servers LLAMA_SERVER=/path/to/llama-server
	@test -n "$(LLAMA_SERVER)" || { echo "say LLAMA_SERVER=/path/to/llama-server (docs/upstreams.md)"; exit 1; }
	TOOLMEND_LLAMA_SERVER=$(LLAMA_SERVER) $(BIN)/python -m pytest tests/e2e/servers -q -m e2e_servers

e2e-browser: $(VENV)/.dev  ## the page of `report --html` in a real Chromium: make e2e-browser CHROMIUM=/path/to/chromium
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'playwright>=1.50'
	TOOLMEND_E2E_BROWSER=1 TOOLMEND_CHROMIUM=$(CHROMIUM) $(BIN)/python -m pytest tests/e2e/browser -q -n0 -m e2e_browser

e2e-scale: $(VENV)/.dev  ## replicas killed and drained under load behind a real nginx (apt-get install nginx-light)
	TOOLMEND_E2E_SCALE=1 $(BIN)/python -m pytest tests/e2e/scale -q -s -n0 -m e2e_scale

e2e-release: $(VENV)/.dev  ## build the wheel and the sdist, install each into an empty environment, and start it
	TOOLMEND_E2E_RELEASE=1 $(BIN)/python -m pytest tests/test_release.py -q -n0 -m e2e_release

e2e-monitoring: $(VENV)/.dev  ## a real Prometheus that scrapes toolmend, and every query of the dashboard
	$(BIN)/python -m pytest tests/deploy -q -n0 -m e2e_monitoring

e2e-openapi: $(VENV)/.dev  ## what schemathesis draws from docs/openapi.json, against a toolmend of its own process
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'schemathesis>=4.30,<5'
	$(BIN)/python -m pytest tests/reliability/test_openapi.py -q -n0 -m slow

reliability: $(VENV)/.dev  ## all rows of docs/reliability.md, with their figures: alone on the machine; writes the table (ROWS="-k soak" for some)
	TOOLMEND_RELIABILITY=1 TOOLMEND_RELIABILITY_WRITE=docs/reliability.md \
	    $(BIN)/python -m pytest tests/reliability -q -n0 -m 'slow or not slow' $(ROWS)

e2e-anchors: $(VENV)/.dev  ## beside nginx, haproxy (apt-get install nginx-light haproxy) and LiteLLM's proxy (0.4 GB); writes a part of docs/reliability.md
	TOOLMEND_E2E_ANCHORS=1 TOOLMEND_ANCHORS_WRITE=docs/reliability.md \
	    $(BIN)/python -m pytest tests/reliability/anchors -q -n0 -m e2e_anchors

bench: $(VENV)/.dev  ## toolmend beside nginx and a naive relay, in turns; writes docs/performance.md (ROUNDS=5, ONLY=lockstep,requests for some)
	$(BIN)/python -m bench.run --rounds $(ROUNDS) --write docs/performance.md $(if $(ONLY),--only $(ONLY)) $(if $(PEERS),--peers $(PEERS))

bench-variants: $(VENV)/.dev  ## toolmend on asyncio's own loop, with two workers, under other Pythons (PEERS=python=/path/to/python); the same page
	$(BIN)/python -m bench.run --variants --rounds $(ROUNDS) --write docs/performance.md $(if $(ONLY),--only $(ONLY)) $(if $(PEERS),--peers $(PEERS))

bench-micro: $(VENV)/.dev  ## reading, decoding and rules in one process; writes docs/performance.md
	$(BIN)/python -m bench.micro --write docs/performance.md

bench-profile: $(VENV)/.dev  ## a flame graph of toolmend under one scenario (ONLY=lockstep), into TO=profile.svg; profile.txt is a table
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'py-spy>=0.4'
	$(BIN)/python -m bench.profile --scenario $(or $(ONLY),lockstep) --to $(or $(TO),profile.svg)

fuzz: $(VENV)/.dev  ## each parser under a fuzzer for SECONDS=60; what is new goes to tests/fuzz/corpus (TARGETS="sse decoders" for some)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'atheris>=3.0'
	$(BIN)/python -m tests.fuzz.drive --seconds $(SECONDS) $(TARGETS)

conformance: $(VENV)/.dev  ## 2,437 cases of a public benchmark through every dialect, and damaged; writes tables of docs/dialects.md and docs/rules.md
	$(BIN)/python -m tests.conformance.run --write docs/dialects.md
	$(BIN)/python -m tests.conformance.damage --write docs/rules.md

docs: $(VENV)/.dev  ## write what pages say of dialects, rules, engine faults, failures, findings and settings out of what is registered
	$(BIN)/python docs/generate.py

$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.installed

lock: $(VENV)/.dev  ## write requirements/*.txt: the exact packages of the container images, with the hashes of all their wheels
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	$(LOCK) pyproject.toml --output-file requirements/base.txt
	$(LOCK) pyproject.toml --extra otel --output-file requirements/otel.txt
	$(LOCK) requirements/build.in --output-file requirements/build.txt

audit: $(VENV)/.dev  ## ask for known faults of each locked package (needs the network: PyPI's database)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.7'
	$(BIN)/pip-audit --require-hashes --disable-pip --strict -r requirements/base.txt -r requirements/otel.txt

sbom: $(VENV)/.dev  ## write a bill of materials of the image's packages: dist/toolmend.cdx.json (CycloneDX)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'cyclonedx-bom>=7'
	mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements/base.txt --pyproject pyproject.toml --output-reproducible -o dist/toolmend.cdx.json

manifests: $(VENV)/.dev  ## deploy/kubernetes by Kubernetes' own schemas, which take 108 MB
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'kubernetes-validate>=1.33'
	$(BIN)/python -m pytest -q -n0 tests/deploy/test_kubernetes.py

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
