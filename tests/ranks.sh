#!/usr/bin/env bash
# Several ranks give the bits of one process: training by shards, populations shared out; a killed rank ends the run, which
# goes on from its checkpoint.  Usage: ranks.sh JACKDAW.  77: no MPI here.
set -eu
jackdaw=$1
command -v mpirun >/dev/null || exit 77
[ -f "$(dirname "$jackdaw")/libjackdaw-mpi.so" ] || exit 77
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
ranks() { local n=$1; shift; timeout 120 mpirun --oversubscribe -n "$n" "$jackdaw" run "$@" --threads 1 --json >"$dir/log" 2>&1; }
same() { cmp "$1/model.safetensors" "$2/model.safetensors" && cmp "$1/metrics.csv" "$2/metrics.csv"; }

train=(lstm-adding --scale quick --seed 3 --set sequences=5120 --set control=640 --shards 4)
"$jackdaw" run "${train[@]}" --threads 1 --json --out one >/dev/null
for n in 1 2 4; do
    ranks "$n" "${train[@]}" --out "r$n"
    same one "r$n"
done
[ ! -d r4/ranks/1 ]

# Boxes of a volume, each rank with its own: the messages between them go through MPI.
boxes=(rnn-3d --scale quick --seed 3 --set box=4 --set side=4 --set cells=1 --set steps=2)
"$jackdaw" run "${boxes[@]}" --threads 1 --json --out boxes1 >/dev/null
for n in 2; do
    ranks "$n" "${boxes[@]}" --out "boxes$n"
    same boxes1 "boxes$n"
    grep -q 'halo bytes as the formula says.*: holds' log
done

# A training of one's own data is told once.
printf 'a,b,y\n' >own.csv
for i in 1 2 3 4 5 6 7 8 9; do printf '%s,%s,%s\n' "$i" "$((i * i % 7))" "$((i % 2))" >>own.csv; done
timeout 120 mpirun --oversubscribe -n 2 "$jackdaw" train --data own.csv --epochs 2 --threads 1 --out own >log 2>&1
[ "$(grep -c '^  model ' log)" = 1 ]

# Three ranks cannot share four shards out evenly.
if ranks 3 "${train[@]}" --out r3; then exit 1; fi
grep -q 'multiple of the ranks' log

# A rank dies: the others end, and the run resumes to the same weights.
long=(lstm-adding --scale quick --seed 4 --set sequences=20480 --set control=640 --shards 2 --checkpoint-every 20)
"$jackdaw" run "${long[@]}" --threads 1 --json --out whole >/dev/null
(timeout 120 mpirun --oversubscribe -n 2 "$jackdaw" run "${long[@]}" --threads 1 --out cut >/dev/null 2>&1) &
job=$!
for ((i = 0; i < 300; i++)); do
    [ -f cut/checkpoints/train-1.safetensors ] && break
    sleep 0.1
done
pkill -9 -n -f "$jackdaw run lstm-adding .*--out cut" || true
begin=$SECONDS
if wait "$job"; then echo "the run ended before a rank could be killed"; fi
[ $((SECONDS - begin)) -lt 30 ]
ranks 2 "${long[@]}" --out cut --resume
same whole cut

# Drives of the racing car, where the simulator is: each rank drives its own.
if command -v torcs >/dev/null || [ -x /usr/games/torcs ]; then
    race=(torcs-vision --scale quick --seed 3 --set evaluations=12 --set population=6 --set seconds=5 --set copies=3)
    "$jackdaw" run "${race[@]}" --threads 1 --json --out race1 >/dev/null
    ranks 2 "${race[@]}" --out race2
    same race1 race2
fi
