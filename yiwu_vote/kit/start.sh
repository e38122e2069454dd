#!/bin/sh
# Install this site from its own kit, without any network, and serve it. Run it again to serve it again.
set -eu
cd "$(dirname "$0")"
export PYTHONUTF8=1 PIP_CONFIG_FILE=/dev/null

if [ ! -e .venv/kit-installed ]; then
  found=
  for python in python3.12 python3.11 python3 python; do
    "$python" -c "import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 13) and sys.maxsize > 2**32))" 2>/dev/null || continue
    found=$python
    break
  done
  [ -n "$found" ] || { cat yiwu_vote/kit/no-python.txt; exit 1; }
  { "$found" -m venv --clear .venv \
    && .venv/bin/python -m pip install -q --disable-pip-version-check --no-index --find-links kit/wheels --require-hashes --no-deps -r requirements.txt \
    && touch .venv/kit-installed; } || { cat yiwu_vote/kit/not-installed.txt; exit 1; }
fi
.venv/bin/python manage.py install
exec .venv/bin/python manage.py serve
