#!/bin/sh
# Runs the agent frameworks (make e2e-agents); options are those of run.py. PYTHON: the Python that has toolmend's needs.
set -eu
cd "$(dirname "$0")/../../.."
python=${PYTHON:-}
if [ -z "$python" ]; then
    if [ -x .venv/bin/python ]; then python=.venv/bin/python; else python=python3; fi
fi
exec "$python" -m tests.e2e.agents.run "$@"
