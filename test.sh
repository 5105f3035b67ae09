#!/usr/bin/env bash
# Everything that guards the project: builds with gcc (release) and with sanitizers, runs all tests in both, and the
# thread tests under ThreadSanitizer.  Ends with a line of counts.
set -euo pipefail
cd "$(dirname "$0")"
mapfile -t packages <tools/build-packages.txt
tools/packages.sh "${packages[@]}" libcmocka-dev g++ clang

# Systems on public data are tested where the data are.
[ -n "${JACKDAW_DATA:-}" ] || [ ! -d ../shared/data ] || export JACKDAW_DATA=$PWD/../shared/data

passed=0
failed=0
skipped=0
run() { # run PRESET TARGET [ctest options]: builds a target of one preset and tests it, adds to the counts
    local preset=$1 target=$2 log
    shift 2
    log=$(mktemp)
    echo "== $preset: building"
    cmake --preset "$preset" -DJACKDAW_TESTS=ON >/dev/null
    cmake --build --preset "$preset" --target "$target" -- --quiet
    echo "== $preset: testing"
    ctest --preset "$preset" "$@" 2>&1 | tee "$log" | grep -v -E '^ *Start |^Test project' || true
    local line total bad absent
    line=$(grep -E 'tests passed, .* failed out of' "$log" | tail -n 1)
    [ -n "$line" ] || { echo "no tests ran in $preset"; failed=$((failed + 1)); return; }
    total=${line##* }
    bad=$(sed -E 's/.*passed, ([0-9]+) tests? failed.*/\1/' <<<"$line")
    absent=$(grep -c '\*\*\*Skipped' "$log" || true)
    passed=$((passed + total - bad - absent))
    failed=$((failed + bad))
    skipped=$((skipped + absent))
    rm -f "$log"
}
run release all
run asan all
run tsan thread_tests -L threads
[ "$skipped" -eq 0 ] || echo "$skipped skipped: their data or simulator is not here"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
