# 试用：make run    测试：make test    检查：make check
# Try it: make run   Test it: make test   Check the code: make check
#
#   make run    PORT=8000 DATABASE_URL=…          the demo, at 127.0.0.1
#   make install                                  a real site: asks, keeps the answers in var/site.env; docs/operations.md
#   make serve                                    serve it
#   make service ARGS=--towns                     write a unit of systemd for it; one for each town of a server
#   make kit                                      one zip that serves a site on a laptop without internet; README
#   make test   DATABASE_URL=…                    all tests but the measurements, by two workers
#   make test   ARGS="tests/pure/test_tally.py -x"  these, without workers, which take time to start
#   make long                                     tests that take many minutes; CI has their short forms
#   make faults ARGS=--times=2                    kills, cut lines, full disks while people vote; docs/faults.md
#   make guards                                   take some thirty guards away one by one: each time a test must turn red
#   make bench                                    measure for ten minutes, write docs/performance.md; tests/bench/README.md
#   make bench-long                               measure for an hour, up to a million ballots
#   make lint · make types · make format          what CI asks of the code, and how to bring it there
#   make messages                                 collect the strings of the English pages and compile them
#   make screenshots                              take the pictures of README and handbook anew
#   make sbom · make audit                        list what we stand on (var/sbom.json) · ask for known holes
#   make lock   ARGS=--upgrade                    rewrite requirements*.txt from pyproject.toml
#   PYTHON=python3.12 with any of them            another interpreter for .venv

PYTHON ?= python3
PORT ?= 8000
VENV = .venv
BIN = $(VENV)/bin
UV_VERSION = 0.13.9
# What only `make bench` imports lies beside the environment and not in it.
PEERS = var/bench/packages
# And what only `make audit` runs.
AUDITORS = var/audit/site-packages
# Each of two begins with one half of the tests, and who is done takes from the other's end.
WORKERS = -n 2 --dist worksteal

# What a real site must set, so that the checks read the settings as one would have them.
DEPLOYED = env -u DEMO -u LAN_HTTP -u BEHIND_PROXY -u VAR_DIR -u DJANGO_SETTINGS_MODULE \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	ALLOWED_HOSTS=vote.example.cn PUBLIC_URL=https://vote.example.cn DATABASE_URL=sqlite://:memory:

.PHONY: help run install serve service kit test long faults guards bench bench-long messages screenshots lint lint-code lint-format lint-layers lint-templates format types migrations deploy check sbom audit lock clean

help:
	@sed -n 's/^# *//p' Makefile | sed '/^PYTHON=/q'

run: $(VENV)/.runtime
	@DEMO=1 PORT=$(PORT) $(BIN)/python manage.py demo --serve

# The program asks, decides and tells; where there is no make, these lines are typed.
install: $(VENV)/.runtime
	@$(BIN)/python manage.py install

serve: $(VENV)/.runtime
	@exec $(BIN)/python manage.py serve

service: $(VENV)/.runtime
	@$(BIN)/python manage.py service $(ARGS)

kit: $(VENV)/.dev
	@$(BIN)/python yiwu_vote/kit/build.py

test: $(VENV)/.dev
	@case "$$DATABASE_URL" in \
		postgres*) echo '数据库 / database: PostgreSQL (DATABASE_URL)' ;; \
		'') echo '数据库 / database: SQLite (var/test/)' ;; \
		*) echo '数据库 / database: DATABASE_URL' ;; \
	esac
	@$(BIN)/python -m pytest $(or $(ARGS),$(WORKERS))

long: $(VENV)/.dev
	@$(BIN)/python -m pytest -m long $(ARGS)

faults: $(VENV)/.dev
	@$(BIN)/python -m tests.faults $(ARGS)

guards: $(VENV)/.dev
	@$(BIN)/python -m tests.adversary.guards

bench: $(PEERS)/.there
	@$(BIN)/python -m tests.bench $(ARGS)

bench-long: $(PEERS)/.there
	@$(BIN)/python -m tests.bench --long $(ARGS)

messages: $(VENV)/.dev
	@DEMO=1 $(BIN)/python manage.py makemessages --locale en --no-location --no-wrap --ignore .venv --ignore tests --ignore var
	@DEMO=1 $(BIN)/python manage.py compilemessages --locale en --locale zh_Hans --ignore .venv

screenshots: $(VENV)/.dev
	@$(BIN)/python -m pytest -q tests/browser/screenshots.py

# Four targets, so that `make -k lint` tells all that is wrong.
lint: lint-code lint-format lint-layers lint-templates

lint-code: $(VENV)/.dev
	$(BIN)/ruff check .

lint-format: $(VENV)/.dev
	$(BIN)/ruff format --check --output-format concise .

lint-layers: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo --no-cache

lint-templates: $(VENV)/.dev
	$(BIN)/djlint --lint --quiet templates

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev
	$(BIN)/mypy

migrations: $(VENV)/.dev
	@$(DEPLOYED) $(BIN)/python manage.py makemigrations --check --dry-run

deploy: $(VENV)/.dev
	@$(DEPLOYED) $(BIN)/python manage.py check --deploy --fail-level WARNING

check: lint types migrations deploy

# --- the environment: exactly what the lock says --------------------------------------------------

# The stamp is the target, so that a second `make run` or `make test` installs nothing. The dev lock
# holds the runtime one whole, hence one install serves both.
$(VENV)/.runtime: requirements.txt
	@$(make-venv)
	@$(call install,requirements.txt)
	@touch $(VENV)/.runtime

$(VENV)/.dev: requirements-dev.txt requirements.txt
	@$(make-venv)
	@$(call install,requirements-dev.txt)
	@touch $(VENV)/.runtime $(VENV)/.dev

$(PEERS)/.there: $(VENV)/.dev requirements-bench.txt
	@rm -rf $(PEERS)
	@$(call install,requirements-bench.txt --target $(PEERS))
	@touch $(PEERS)/.there

$(AUDITORS)/.there: $(VENV)/.dev requirements-audit.txt
	@rm -rf $(AUDITORS)
	@$(call install,requirements-audit.txt --target $(AUDITORS))
	@touch $(AUDITORS)/.there

define make-venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo '需要 Python 3.11 或更高版本（现为 '"$$($(PYTHON) --version 2>&1)"'）。可指定：make PYTHON=python3.12 …' >&2; \
	echo 'Python 3.11 or later is needed; name one: make PYTHON=python3.12 …' >&2; \
	exit 1; }; \
$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	rm -rf $(VENV); \
	echo '无法创建虚拟环境。Debian、Ubuntu 请先安装：apt-get install python3-venv' >&2; \
	echo 'No virtual environment could be made. On Debian or Ubuntu: apt-get install python3-venv' >&2; \
	exit 1; }
endef

# Twice quiet: once still lists every index that lacks a package, where there are several.
define install
echo '正在安装 / installing: $(1) …'; \
$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r $(1)
endef

# --- upkeep ---------------------------------------------------------------------------------------

sbom: $(AUDITORS)/.there
	@PYTHONPATH=$(AUDITORS) $(BIN)/python -W ignore -m cyclonedx_py requirements requirements.txt \
		--pyproject pyproject.toml --output-reproducible --output-file var/sbom.json
	@echo var/sbom.json

audit: $(AUDITORS)/.there
	@PYTHONPATH=$(AUDITORS) $(BIN)/python .ci/advisories requirements.txt

COMPILE = var/lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(ARGS)

lock:
	@test -x var/lock/bin/uv || { $(PYTHON) -m venv var/lock && var/lock/bin/pip install -qq uv==$(UV_VERSION); }
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(subst pyproject.toml,--group bench --no-deps,$(COMPILE)) --output-file requirements-bench.txt
	$(subst pyproject.toml,--group audit,$(COMPILE)) --output-file requirements-audit.txt

clean:
	rm -rf $(VENV) var/lock var/test var/bench test-results .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
