#!/usr/bin/env bash
# From a fresh Debian 12 to two trained networks and their reports, in a few minutes:
#   1. installs the Debian packages that are missing, 2. builds, 3. trains a max-pooling convolutional network on 60,000
#   real images and an LSTM on the adding problem, 4. names the two HTML reports.
set -euo pipefail
cd "$(dirname "$0")"
mapfile -t packages <tools/build-packages.txt
tools/packages.sh "${packages[@]}"

echo "Building"
[ -f out/release/build.ninja ] || cmake --preset release -DJACKDAW_TESTS=OFF >/dev/null
cmake --build --preset release --target jackdaw -- --quiet
jackdaw=out/release/jackdaw

# What the two runs must print at the end is checked here, so that the demo fails loudly.
"$jackdaw" run fashion-mpcnn --scale quick --seed 1 --out runs/demo-images
echo
"$jackdaw" run lstm-adding --scale quick --seed 1 --out runs/demo-adding
echo
echo "Look at the reports:"
echo "  $PWD/runs/demo-images/report.html"
echo "  $PWD/runs/demo-adding/report.html"
