#!/usr/bin/env bash
# The man pages and the completions of bash, zsh and fish know every command and option that --help shows, since all come
# from one table; and the shells accept what is written for them.  Usage: tests/completion.sh PROGRAM
set -u
program=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 70
failed=0 count=0
check() { # TEXT COMMAND...: counts a failure of the command
    local what=$1
    shift
    count=$((count + 1))
    "$@" >out 2>err || { failed=$((failed + 1)); echo "$what: $(head -n 3 err out)"; }
}
ln -s "$program" jackdaw
export PATH=$work:$PATH HOME=$work
mkdir man
jackdaw help --man-pages man || exit 1
for shell in bash zsh fish; do jackdaw completion $shell >$shell.txt || exit 1; done

# What bash would offer for a command line whose last word is being written.
offers() {
    # shellcheck disable=SC1091
    . ./bash.txt
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _jackdaw
    printf '%s\n' "${COMPREPLY[@]}"
}
has_word() { grep -qx -e "$1" words; }

commands=$(jackdaw help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 18 ] || { echo "the list of commands is short: $commands"; exit 1; }
offers jackdaw '' >words
for c in $commands; do check "bash, $c" has_word "$c"; done
for c in $commands; do
    check "man page of $c" grep -q '^\.TH JACKDAW' "man/jackdaw-$c.1"
    check "zsh, $c" grep -q "^    $c)" zsh.txt
    check "fish, $c" grep -q -e "-a $c " fish.txt
    check "man page jackdaw(1), $c" grep -q "jackdaw\\\\-$c " man/jackdaw.1
    options=$(jackdaw help "$c" | sed -n '/^Options:/,$s/^  \(-., \|    \)--\([a-z-]*\).*/\2/p')
    [ -n "$options" ] || { failed=$((failed + 1)); echo "$c has no options"; }
    offers jackdaw "$c" -- >words
    for o in $options; do
        check "bash, $c --$o" has_word "--$o"
        check "man page, $c --$o" grep -q -F -e "\\-\\-${o//-/\\-}" "man/jackdaw-$c.1"
        check "zsh, $c --$o" bash -c "sed -n '/^    $c)/,/;;/p' zsh.txt | grep -q -e '--$o[=[}]'"
        check "fish, $c --$o" grep -q -e "_from $c' -l $o\( \|\$\)" fish.txt
    done
done
# Nothing that --help does not know.
for file in man/jackdaw-*.1; do
    c=${file#man/jackdaw-}
    check "a page for a command that is none: $file" grep -qx "${c%.1}" <<<"$commands"
done
offers jackdaw run --scale '' >words
check 'bash, the words of an option' diff words <(printf '%s\n' quick cpu full)
offers jackdaw run lstm-a >words
check 'bash, systems' has_word lstm-adding
check 'bash accepts it' bash -n bash.txt
if command -v zsh >/dev/null; then check 'zsh accepts it' zsh -n zsh.txt; fi
if command -v fish >/dev/null; then
    check 'fish accepts it' fish -n fish.txt
    fish -c 'source fish.txt; complete -C "jackdaw export --"' >words 2>/dev/null
    check 'fish offers --onnx' grep -q '^--onnx' words
fi
if command -v mandoc >/dev/null; then
    for file in man/*.1; do check "mandoc, $file" mandoc -T lint -W error "$file"; done
fi
echo "completion: $((count - failed)) of $count passed"
[ "$failed" -eq 0 ]
