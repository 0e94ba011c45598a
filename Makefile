# make quickstart   install, generate sample eyes, train, test (DATA=my.parquet: your own)
# make test         install, run the tests (make slow: those of minutes)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: quickstart test slow lint clean

quickstart: $(INSTALLED)
	$(BIN)/python tools/quickstart.py $(if $(DATA),--data "$(DATA)")

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m 'not slow'

slow: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pydoclint ocec

$(INSTALLED): requirements/lock.txt requirements/web/package.json setup.py
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --requirement requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@if command -v npm > /dev/null; then \
		mkdir -p $(VENV)/web && cp requirements/web/package.json $(VENV)/web/ && \
		npm install --prefix $(VENV)/web --ignore-scripts --no-audit --no-fund --loglevel=error \
		|| echo 'onnxruntime-web could not be installed: tests of the page of tools/demo_page.py are skipped'; \
	else \
		echo 'npm is missing: tools/demo_page.py needs onnxruntime-web, its tests are skipped'; \
	fi
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info ocec/.mim
