#!/usr/bin/env bash
# Who may include whom: arrows point down only.  And no hand-written file over 700 lines.
set -u
cd "$(dirname "$0")/.."
bad=0
forbid() { # forbid FILES-GLOB PATTERN WHY
    local hits
    # shellcheck disable=SC2086
    hits=$(grep -nE "^#include \"($2)" $1 2>/dev/null)
    if [ -n "$hits" ]; then
        printf '%s\n%s\n' "$3" "$hits"
        bad=1
    fi
}
forbid 'src/base/*' 'graph/|ops/|cuda/|layers/|train/|data/|io/|report/|selftest/|decode/|jackdaw/(graph|fn|layers|train|data|io)' \
    "src/base may include nothing above it:"
forbid 'src/graph/*' 'layers/|train/|data/|io/|report/|selftest/|decode/' "src/graph may not include what is built on it:"
forbid 'src/ops/*' 'layers/|train/|data/|io/|report/|selftest/|decode/' "src/ops may not include what is built on it:"
forbid 'src/cpu/*' 'layers/|train/|data/|io/|report/|selftest/|decode/' "src/cpu may not include what is built on it:"
forbid 'src/cuda/*' 'layers/|train/|data/|io/|report/|selftest/|decode/|cpu/' \
    "src/cuda may not include what is built on it, nor its sister:"
forbid 'src/layers/* src/train/* src/data/* src/decode/* src/gmdh/* src/search/* src/env/* src/reward/* src/io/* src/report/* src/vision/* src/export/* src/dist/*' 'graph/|ops/' \
    "these use the graph through jackdaw/ only:"
forbid 'src/search/*' 'env/|train/|report/|jackdaw/(env|train|report)' "src/search sees a vector and a score:"
forbid 'systems/* cmd/*' 'base/|graph/|ops/|cpu/|cuda/|layers/|train/|data/|io/|report/|selftest/|decode/|gmdh/|search/|env/|reward/|vision/|export/' \
    "systems and cmd include jackdaw/ only:"
long=$(find include src systems cmd tests \( -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' -o -name '*.cpp' \) | xargs wc -l | awk '$2 != "total" && $1 > 700')
if [ -n "$long" ]; then
    printf 'over 700 lines:\n%s\n' "$long"
    bad=1
fi
exit $bad
