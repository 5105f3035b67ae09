#!/usr/bin/env bash
# install.sh BUILD-FOLDER: installs into a temporary folder and builds examples/ from there as a product would: by
# pkg-config against the shared and the static library, by CMake's find_package, and the headers alone as C++.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$1" --prefix "$work/usr" >/dev/null
pc=$(dirname "$(find "$work/usr" -name jackdaw.pc)")
lib=$(dirname "$pc")
export PKG_CONFIG_PATH=$pc
cflags=$(pkg-config --cflags jackdaw)
cd "$work"

# shellcheck disable=SC2046,SC2086
{
    cc -Wall -Wextra -Werror -o shared "$source/examples/remember.c" $cflags $(pkg-config --libs jackdaw)
    cc -o static "$source/examples/remember.c" $cflags "$lib/libjackdaw.a" \
        $(pkg-config --libs $(pkg-config --print-requires-private jackdaw)) -lm -lpthread
}
LD_LIBRARY_PATH=$lib ./shared model-shared.safetensors
./static model-static.safetensors
cmp model-shared.safetensors model-static.safetensors

mkdir consumer
cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.23)
project(consumer C)
find_package(jackdaw REQUIRED)
add_executable(remember ${EXAMPLE})
target_link_libraries(remember PRIVATE jackdaw::jackdaw)
add_executable(remember_static ${EXAMPLE})
target_link_libraries(remember_static PRIVATE jackdaw::jackdaw_static)
END
cmake -S consumer -B consumer/out -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" -DEXAMPLE="$source/examples/remember.c" >/dev/null
cmake --build consumer/out -- --quiet
consumer/out/remember model-cmake.safetensors
consumer/out/remember_static model-cmake.safetensors
"$work/usr/bin/jackdaw" version >/dev/null

# Nothing but the public names leaves the shared library.
foreign=$(nm -D --defined-only "$lib/libjackdaw.so" | awk '$2 != "A" && $3 !~ /^jd_/ {print $3}')
[ -z "$foreign" ] || { echo "names that are not public: $foreign"; exit 1; }

if command -v c++ >/dev/null; then
    for header in "$work"/usr/include/jackdaw/*.h; do
        c++ -std=c++17 -fsyntax-only $cflags -x c++ - <<<"#include \"jackdaw/$(basename "$header")\""
    done
fi
