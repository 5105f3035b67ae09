#!/usr/bin/env bash
# manual.sh CC INCLUDE MANUAL: compiles every example of the public headers: the indented lines of their comments that end
# like code.  MANUAL says, header by header, what the examples take for granted.
set -euo pipefail
cc=$1 include=$2 manual=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each example becomes a function; one that defines functions itself stands alone.  `...` stands for what is left out.
# shellcheck disable=SC2016
program='
function flush(   i, top, type) {
    if (n && code) {
        top = line[1] ~ /^(static|const) .*\)$/ || line[1] ~ /^static .*[^;]$/
        type = gives ? "jd_status" : "void"
        if (!top) printf "%s example_%d(void);\n%s example_%d(void)\n{\n", type, first, type, first
        for (i = 1; i <= n; i++) printf "#line %d \"%s\"\n%s\n", at[i], FILENAME, line[i]
        if (!top) print "}"
        examples++
    }
    n = code = gives = 0
}
{
    s = $0
    if (s ~ /^( \*|\/\*)     /) {
        sub(/^( \*|\/\*)     /, "", s)
        ended = sub(/ ?\*\/.*$/, "", s)
        gsub(/\.\.\.( [^;]*\.\.\.)?/, "", s)
        if (!n) first = FNR
        line[++n] = s
        at[n] = FNR
        bare = s
        sub(/ *\/\/.*$/, "", bare)
        if (bare ~ /[;}]$/) code = 1
        if (bare ~ /^return /) gives = 1
        if (ended) flush()
    } else flush()
}
END { flush(); print examples + 0 > count }'

total=0 bad=()
for header in "$include"/jackdaw/*.h; do
    name=$(basename "$header")
    {
        printf '#define _GNU_SOURCE\n#include <jackdaw/jackdaw.h>\n#include <jackdaw/%s>\n#include <math.h>\n#include <stdio.h>\n#include <string.h>\n' "$name"
        awk -v want="[$name]" '/^\[/ {on = $0 == want || $0 == "[all]"; next} on' "$manual"
        awk -v count="$work/count" "$program" "$header"
    } >"$work/example.c"
    total=$((total + $(cat "$work/count")))
    "$cc" -std=c17 -Wall -Wextra -Werror -Wno-unused-variable -Wno-unused-function -Wno-unused-but-set-variable -I"$include" -fsyntax-only \
        "$work/example.c" || bad+=("$name")
done
echo "$total examples${bad:+; they do not compile in ${bad[*]}}"
[ "$total" -ge 60 ] && [ ${#bad[@]} = 0 ]
