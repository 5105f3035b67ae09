#!/usr/bin/env bash
# Times PyTorch against `jackdaw bench` on the same work, in alternating rounds; prints a table with the median ratio.
#
#   PYTHON=venv/bin/python tools/peers.sh [--threads N] [--rounds N] [--json] [WORKLOAD...]
#
# PYTHON   a Python in which `import torch` works (default: python3); nothing is installed by this script
# JACKDAW  the program (default: out/release/jackdaw)
# Pin the whole script to cores with taskset where others share the machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
export JACKDAW=${JACKDAW:-$here/../out/release/jackdaw}
command -v "$python" >/dev/null || {
    echo "peers.sh: no Python \"$python\"; set PYTHON to one that has torch" >&2
    exit 69
}
"$python" -c 'import torch' 2>/dev/null || {
    echo "peers.sh: $python cannot import torch; install PyTorch into an environment and set PYTHON to its python" >&2
    exit 69
}
[ -x "$JACKDAW" ] || {
    echo "peers.sh: no program at $JACKDAW; build the release preset or set JACKDAW" >&2
    exit 69
}
export PYTHONDONTWRITEBYTECODE=1
exec "$python" "$here/peers/compare.py" "$@"
