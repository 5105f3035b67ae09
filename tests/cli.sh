#!/usr/bin/env bash
# The program's answers to wrong command lines: message and exit code of each line of cli_errors.txt.
# Usage: tests/cli.sh PROGRAM [--print]     (--print writes the table anew, to be read before it is kept)
set -u
program=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 70
unset JACKDAW_DATA JD_ISA COLUMNS
export JACKDAW_CUDA_PLUGIN=/no/plugin.so # the same answer with and without a GPU
export XDG_CACHE_HOME=$dir/none HOME=$dir
printf '1,2,0\n3,4,1\n5,6,0\n7,8,1\n' >tiny.csv
printf 'a,b,class\n1,2,0\n3,four,1\n' >bad.csv
printf '1,2,0.5\n3,4,1\n' >half.csv
printf 'a,b,price\n1,2,3\n4,,6\n7,8,9\n' >gaps.csv
printf '1;2;dog\n3;4;cat\n5;6;owl\n7;8;dog\n' >words.csv
printf '1\t2\tdog\n3\t4\tcow\n' | sed 2i\# >other.csv
mkdir zoo
printf '{"seed": 1,\n"scale" "cpu"}\n' >bad.json
printf 'what is this?' >noise
printf '\100\0\0\0\0\0\0\0{"a":{"dtype":"F32"' >cut.safetensors
: >not-a-folder
printf 'MThd' >tune.mid
mkdir -p texts/good
printf 'well done\n' >texts/good/1.txt
printf 'To be\nor not, to be\n' >play.txt
same() { # GOT EXPECTED; a * at the end of the second stands for anything
    case $2 in
    *'*') [ "${1:0:$((${#2} - 1))}" = "${2%?}" ] ;;
    *) [ "$1" = "$2" ] ;;
    esac
}
failed=0 count=0
while IFS='|' read -r arguments code message; do
    case $arguments in '#'*) continue ;; esac
    eval "timeout 60 \"\$program\" $arguments" >out 2>err </dev/null
    got=$?
    first=$(head -n 1 err)
    count=$((count + 1))
    if [ "${2-}" = --print ]; then
        printf '%s|%d|%s\n' "$arguments" "$got" "$first"
    elif [ "$got" != "$code" ] || ! same "$first" "$message"; then
        failed=$((failed + 1))
        printf 'jackdaw %s\n  expected %s: %s\n  got      %s: %s\n' "$arguments" "$code" "$message" "$got" "$first"
    elif [ "$got" -ne 0 ] && [ -s out ]; then
        failed=$((failed + 1))
        printf 'jackdaw %s\n  an error must leave stdout empty\n' "$arguments"
    fi
done <"${JACKDAW_CLI_CASES:-$here/cli_errors.txt}"
[ "${2-}" = --print ] && exit 0
# Right command lines: help of every command, and a training from a table to an answer.
right() {
    count=$((count + 1))
    if ! timeout 60 "$program" "$@" >out 2>err </dev/null; then
        failed=$((failed + 1))
        printf 'jackdaw %s\n  failed: %s\n' "$*" "$(head -n 1 err)"
    fi
}
contains() {
    count=$((count + 1))
    if ! grep -q -- "$1" out; then
        failed=$((failed + 1))
        printf '  the output lacks "%s"\n' "$1"
    fi
}
for command in systems run train eval predict read serve export scan inspect plan data bench report selftest version help completion; do
    right "$command" --help
    contains 'Examples:'
done
right help
contains 'jackdaw COMMAND'
right systems --brief
contains "^1997  lstm-adding "
right systems handwriting
contains "^handwriting-online "
right systems --json
for name in $(sed 's/.*"system":"\([^"]*\)".*/\1/' out); do
    count=$((count + 1))
    grep -q "^$name " "$here/systems.txt" ||
        { failed=$((failed + 1)); echo "  tests/systems.txt has no line for the system $name"; }
done
right completion bash
contains 'complete '
right train --data tiny.csv --net 'dense 4 tanh, dense 2' --epochs 3 --validation 0 --out run --json
tail -n 1 out >last
count=$((count + 1))
grep -q '^{"system":"train-tiny","scale":"quick","seed":1,"metric":"training error (%)","value":[0-9.]*,"better":"lower","paper":null,"accept":null,"passed":true,"seconds":[0-9.]*,"device":"cpu"' last ||
    { failed=$((failed + 1)); printf '  the last line of --json is: %s\n' "$(cat last)"; }
for file in result.json metrics.csv model.safetensors report.html checkpoints events; do
    count=$((count + 1))
    [ -e "run/$file" ] || { failed=$((failed + 1)); echo "  run/$file is missing"; }
done
# Quiet or not: that a damaged checkpoint was passed over must be seen.
right train --data tiny.csv --net 'dense 2' --epochs 3 --validation 0 --checkpoint-every 1 --out warn --quiet
printf 'damaged' >warn/checkpoints/train-1.safetensors
right train --data tiny.csv --net 'dense 2' --epochs 3 --validation 0 --checkpoint-every 1 --out warn --quiet --resume
count=$((count + 1))
grep -q '^warning: warn/checkpoints/train-1.safetensors: ' err ||
    { failed=$((failed + 1)); printf '  a damaged checkpoint is said to be: %s\n' "$(cat err)"; }
printf '5,6,x\n7,8\n9,1,0.5\n9,,1\n1,2,1\n' | cat tiny.csv - >torn.csv
right train --data torn.csv --net 'dense 2' --epochs 1 --validation 0 --out torn --skip-bad --json
contains '"skipped":4'
right eval run/model.safetensors --data tiny.csv
contains 'error (%)'
right inspect run/model.safetensors
contains 'dense1/W'
printf '1,2\n7,8\n' >ask.csv
right predict run ask.csv --csv # the folder of a run stands for its model
contains 'file,index,class,probability'
right report run --rebuild
# A folder of runs: seeds of one kind are one line, a newer run of a seed replaces the older, summaries are not runs.
seed_result() { # FOLDER SEED VALUE PASSED SETTINGS
    mkdir -p some/$1
    printf '{"system":"lstm-adding","scale":"cpu","seed":%s,"metric":"right (%%)","value":%s,"better":"higher","paper":99.9,"accept":85,"passed":%s,"seconds":30,"values":1,"config":{"settings":{%s}}}' "$2" "$3" "$4" "${5-}" >some/$1/result.json
}
seed_result old 1 50 false
touch -d '2 days ago' some/old/result.json
seed_result a 1 90 true
seed_result b 2 80 false
seed_result c 3 94 true
seed_result long 1 70 false '"T":1000'
mkdir -p some/all some/empty some/broken
printf '{"system":"lstm-adding","scale":"cpu","seed":1,"value":1,"values":[1]}' >some/all/result.json
printf '{' >some/broken/result.json
cp -r run some/mine
right report some --table
contains '^| lstm-adding | cpu | right (%) | 99.9 | 88 (80 to 94) | >= 85 | reached: 2 of 3, 30 s each |$'
contains '^| lstm-adding | cpu | right (%); T=1000 | 99.9 | 70 | >= 85 | not reached: 0 of 1, 30 s |$'
contains '^| mine | '
right report some
contains '^some/index.html$'
# What is exported answers as `predict` does: a compiler may be missing where the program runs.
printf '1,2,0.5\n3,4,1\n5,7,2.5\n8,9,4\n' >line.csv
right train --data line.csv --net 'dense 3 tanh, dense 1' --loss mse --epochs 5 --validation 0 --out line --quiet
# same_in_c MODEL NAME ROW: exports MODEL and gives both it and the C file one row.
same_in_c() {
    right export $1 --c gen --name $2 --onnx $2.onnx
    contains "^gen/$2.c$"
    contains "^$2.onnx$"
    command -v cc >/dev/null || return 0
    printf '#include <stdio.h>\n#include "%s.h"\nint main(void)\n{\n    float in[] = {%s}, out[1];\n    %s_run(in, out);\n    printf("%%.4f\\n", (double)out[0]);\n    return 0;\n}\n' $2 $3 $2 >gen/main.c
    echo $3 >row.csv
    right predict $1 row.csv --json
    value=$(sed 's/.*"value"://; s/}//' out | xargs printf '%.4f\n')
    count=$((count + 1))
    cc -std=c17 -Wall -Wextra -Werror -o gen/$2 gen/main.c gen/$2.c -lm && [ "$(gen/$2)" = "$value" ] ||
        { failed=$((failed + 1)); echo "  the exported C file says $(gen/$2), predict $value"; }
}
same_in_c line/model.safetensors fit 5,7
# So does what is trained on series without --net.
awk 'BEGIN { print "@problemName waves\n@classLabel true up down\n@data"
    for (i = 0; i < 24; i++) { for (t = 0; t < 12; t++) printf "%s%.3f", t ? "," : "", (i % 2 ? t : -t) + i / 24; print i % 2 ? ":up" : ":down" } }' >waves.ts
right train --data waves.ts --epochs 2 --out waves --quiet
right export waves --c gen --name waves --onnx waves.onnx
right train --config run/result.json --out again --quiet
count=$((count + 1))
cmp -s run/metrics.csv again/metrics.csv || { failed=$((failed + 1)); echo '  --config gave another training'; }
# A table with names, words, missing cells and useless columns: grown, refused, asked by name.
awk 'BEGIN { srand(5); print "house,rooms,age,useless,price";
    for (i = 0; i < 120; i++) { r = 1 + int(rand() * 6); a = rand() * 10; u = rand();
        printf "h%d,%d,%s,%.3f,%.4f\n", i, r, i == 7 ? "NA" : sprintf("%.3f", a), u, 3 + 2 * r - .3 * r * a + .1 * a * a } }' >homes.csv
right train --data homes.csv --method gmdh --columns rooms,age,useless --target price --missing drop --test-data homes.csv --out grown
contains 'root mean squared error'
right inspect grown/model.safetensors
contains 'polynomial1/layer1/unit1'
printf 'age,town,useless,rooms\n1,Ulm,0,2\n' >by_name.csv
printf '2,1,0\n' >by_place.csv
right predict grown/model.safetensors by_place.csv by_name.csv --csv
contains 'by_place.csv,0,6\.[45]'
contains 'by_name.csv,0,6\.[45]'
right eval grown/model.safetensors --data homes.csv
same_in_c grown/model.safetensors home 2,1,0
right plan --net 'polynomial x0*x1 x1*x2 / 0*1 clamp -3 3' --input 3 --dry-run
right train --data homes.csv --method gmdh --columns 2-4 --missing mean --epochs 2 --out tuned
count=$((count + 1))
grep -q 'double predict' tuned/model.c || { failed=$((failed + 1)); echo '  no C source of the grown network'; }
same_in_c tuned/model.safetensors tuned 5,3.5,0.5
right plan --net 'blstm 8, dense 3' --input 20x5 --train --dry-run
right plan --net 'dense 3' --input 2 --json
contains '"instructions":1,"parameters":9,'
right data list
contains '^mnist .* 28 x 28, 60000 train, 10000 test$'
# What is in a file of each kind, and a classifier of pictures over larger ones.
mkdir -p seen/left seen/top
base64 -d >seen/left/1.png <<<iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwQMIEAZAwC7xB/h8DmDUAAAAABJRU5ErkJggg==
base64 -d >seen/top/1.png <<<iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mP4DwUMeBhEAAC54h/hLKFfjQAAAABJRU5ErkJggg==
right train --data seen --net 'conv 2 3 tanh, dense 2' --epochs 1 --validation 0 --out pictures --quiet
right scan pictures seen/left/1.png -o inside.png --quiet
right scan pictures seen/left/1.png -o all.npy --quiet
right scan pictures seen/left --overlay -o found --quiet
right inspect found/1.png
contains '^png, 8 high, 8 wide, RGB'
printf '\0\0\10\1\0\0\0\3abc' >three.idx
printf 'RIFF\54\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data\10\0\0\0\0\0\1\0\2\0\3\0' >four.wav
right inspect inside.png all.npy three.idx four.wav tiny.csv pictures/events/*
contains '^inside.png: png, 8 high, 8 wide, gray$'
contains ' F32   8x8x2  '
contains '^three.idx: idx, U8, 3$'
contains '^four.wav: sound, 8000 samples a second, 4 samples'
contains '^tiny.csv: csv, 4 lines, 3 columns'
contains '  train/loss  '
right run omega --set control=50 --seeds 2 --json --quiet --out seeds
tail -n 1 out >last
count=$((count + 1))
grep -q '"seeds":\[1,2\]\|"values"' last || { failed=$((failed + 1)); echo "  no summary of two seeds: $(cat last)"; }
echo "cli: $((count - failed)) of $count passed"
[ "$failed" -eq 0 ]
