#!/usr/bin/env bash
# One system, cut short: it ends well, and its result and report are whole.  Usage: system.sh JACKDAW NAME [KEY=VALUE|ARGUMENT]...
# 77: its data or simulator is not here.
set -eu
jackdaw=$1 name=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for word; do
    case $word in
        *=*) set -- "$@" --set "$word" ;;
        *) set -- "$@" "$word" ;;
    esac
    shift
done
status=0
"$jackdaw" run "$name" "$@" --threads 2 --json --out run >log 2>wrong </dev/null || status=$?
case $status in
    0) ;;
    66 | 69)
        cat wrong
        exit 77
        ;;
    *)
        tail -n 3 log wrong
        exit 1
        ;;
esac
[ "$(grep -c "\"system\":\"$name\"" log)" = 1 ]
grep -q "\"system\": \"$name\"" run/result.json
! grep -qiE '[:,[ ](-?nan|-?inf)\b' run/result.json
tail -c 20 run/report.html | grep -q '</html>'
"$jackdaw" report run >where
[ -s where ]
