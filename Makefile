# Everything a checkout needs: `make quickstart` from nothing to tags, `make test` to check it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install quickstart experiment-quick test test-slow browser promtool test-flink cluster lint bench clean constraints

install: $(INSTALLED)

# uv resolves nothing here: constraints.txt pins every version. Bytecode is compiled once, since
# TensorFlow takes three times as long to import without it.
$(INSTALLED): setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(VENV) -c constraints.txt -e '.[dev]'
	touch $@

quickstart: install
	$(BIN)/python examples/quickstart.py

# The paper's experiment in small, in ./experiment: 30 trainings.
experiment-quick: install
	$(BIN)/python examples/experiment_quick.py

IN_PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadfile
# The files of tests are shared out to as many processes as there are cores, four at most.
test: install
	$(BIN)/python -m pytest -m "not slow and not cluster" $(IN_PARALLEL)

test-slow: install
	$(BIN)/python -m pytest -m slow $(IN_PARALLEL)

# A browser for the slow tests of pages, which are skipped without one: Debian's, which asks for root.
browser:
	type chromium >/dev/null 2>&1 || { apt-get -o Acquire::Retries=3 update -qq && apt-get -o Acquire::Retries=3 install -y -qq chromium; }

# Real clusters, started and stopped by the tests.
test-flink: install cluster
	$(BIN)/python -m pytest -m cluster

# What tests/cluster/clusters.py starts, from the package registries: a Flink distribution, Beam's job server
# for it, Prism and the boot program of Beam's containers. Wants Java 11 or 17, Maven and Go; some
# 500 MB in .cluster, minutes the first time, nothing later.
CLUSTER := .cluster
FLINK_VERSION := 1.19.3
BEAM_GO := github.com/apache/beam/sdks/v2
BEAM_VERSION := v2.77.0
FLINK := $(CLUSTER)/flink-$(FLINK_VERSION)
JOB_SERVER := $(CLUSTER)/job-server/flink-job-server.jar
JOB_SERVER_POM := tests/cluster/flink_job_server/pom.xml

cluster: $(FLINK)/.installed $(JOB_SERVER) $(CLUSTER)/bin/prism

# PyPI's package holds the JARs of the distribution and needs nothing of its Python dependencies.
$(FLINK)/.installed: | $(INSTALLED)
	rm -rf $(@D)
	$(BIN)/uv pip install --quiet --no-deps --python $(VENV) --target $(@D) \
	  apache-flink-libraries==$(FLINK_VERSION)
	touch $@

$(JOB_SERVER): $(JOB_SERVER_POM)
	mvn --quiet --batch-mode --file $< -Dfolder=$(abspath $(@D)) package
	touch $@

# Both are commands of one module: `container` is what the images run as /opt/apache/beam/boot.
$(CLUSTER)/bin/prism:
	GOBIN=$(abspath $(@D)) go install $(BEAM_GO)/go/cmd/prism@$(BEAM_VERSION) \
	  $(BEAM_GO)/python/container@$(BEAM_VERSION)

# Prometheus's tool, for tests of the alerts: out of Debian's package, which is not installed, as that
# would start a Prometheus.
promtool:
	type promtool >/dev/null 2>&1 || $(MAKE) --no-print-directory $(CLUSTER)/bin/promtool

$(CLUSTER)/bin/promtool:
	test "$$(id -u)" != 0 || apt-get -o Acquire::Retries=3 update -qq
	rm -rf $(CLUSTER)/prometheus && mkdir -p $(CLUSTER)/prometheus $(@D)
	cd $(CLUSTER)/prometheus && apt-get -o Acquire::Retries=3 download -qq prometheus
	dpkg-deb --extract $(CLUSTER)/prometheus/*.deb $(CLUSTER)/prometheus
	mv $(CLUSTER)/prometheus/usr/bin/promtool $@
	rm -rf $(CLUSTER)/prometheus

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks

# constraints.txt anew, after a change of setup.py or to take newer versions.
constraints: install
	$(BIN)/uv pip compile setup.py --all-extras --universal --python-version 3.11 --upgrade \
	  --custom-compile-command "make constraints" --quiet -o constraints.txt

clean:
	rm -rf build dist *.egg-info quickstart experiment $(CLUSTER) .pytest_cache .mypy_cache .ruff_cache .hypothesis
