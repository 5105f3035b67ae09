#!/usr/bin/env bash
# Makes sure that the Debian packages given as arguments are installed; says what it does; silent when all are there.
set -euo pipefail
missing=()
native=$(dpkg --print-architecture)
for package in "$@"; do # of this machine's architecture, unless its name says another (NAME:arm64)
    there=$(dpkg-query -W -f='${Architecture} ${db:Status-Status}\n' "$package" 2>/dev/null || true)
    grep -qE "^($native|all|${package#*:}) installed" <<<"$there" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "These packages are missing and sudo is not there. As root, run: apt-get install ${missing[*]}" >&2
        exit 69
    }
    root=(sudo)
fi
echo "Installing from Debian: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600)
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "Installing failed; see above." >&2
    exit 69
fi
