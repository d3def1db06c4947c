# make run | test | lint | bench | faults      PORT, DATA_DIR and BASE_DOMAIN move a run: make run PORT=8001 DATA_DIR=var2
#                                              FAKE_PROVIDERS=1 plays messengers and models: make run FAKE_PROVIDERS=1
.PHONY: run test lint bench faults messages screenshots
.SILENT:

VENV_PYTHON := .venv/bin/python
WORKERS ?= 3
COMMA := ,
# Where the shell has it set, every process of ours would compile all of the project anew.
export PYTHONDONTWRITEBYTECODE :=
# The newest one for which every package has wheels comes first.
FIND_PYTHON = for python in python3.12 python3.11 python3.13 python3.14 python3 python; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; python=; done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed and none is on the path. On Debian 12: apt-get install python3 python3-venv" >&2; exit 1; fi

run:
	$(FIND_PYTHON); $$python omnisupport/bootstrap.py run
	exec $(VENV_PYTHON) -m omnisupport.embedded

test:
	$(FIND_PYTHON); $$python omnisupport/bootstrap.py test
	$(VENV_PYTHON) -m pytest -n $(WORKERS) --dist worksteal
	cd widget && npm test

lint:
	$(FIND_PYTHON); $$python omnisupport/bootstrap.py lint
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy .
	$(VENV_PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(VENV_PYTHON) -m djlint templates --lint --quiet
	$(VENV_PYTHON) -m omnisupport.messages check
	cd widget && npm run --silent typecheck

bench:
	$(FIND_PYTHON); $$python omnisupport/bootstrap.py test
	$(VENV_PYTHON) -m benchmarks $(subst $(COMMA), ,$(NAMES))

# FAULTS_SCALE=full takes the numbers of docs/reliability.md: hours, not minutes.
faults:
	$(FIND_PYTHON); $$python omnisupport/bootstrap.py test
	$(VENV_PYTHON) -m pytest tests/faults

messages:
	$(VENV_PYTHON) -m omnisupport.messages extract

screenshots:
	$(FIND_PYTHON); $$python omnisupport/bootstrap.py test
	$(VENV_PYTHON) -m tests.screenshots
