#!/usr/bin/env bash
# install.sh BUILD-FOLDER: installs into a temporary folder and builds examples/ from there as a product would: by
# pkg-config against the shared and the static library, by CMake's find_package, and as C++; looks at what was installed.
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
    cc -std=c11 -pedantic-errors -Wall -Wextra -Werror -o listen "$source/examples/listen.c" $cflags $(pkg-config --libs jackdaw) -lm
    cc -O2 -Wall -Wextra -Werror -o evolve "$source/examples/evolve.c" $cflags $(pkg-config --libs jackdaw) -lm
    cc -o static "$source/examples/remember.c" $cflags "$lib/libjackdaw.a" \
        $(pkg-config --libs $(pkg-config --print-requires-private jackdaw)) -lm -lpthread
}
LD_LIBRARY_PATH=$lib ./shared model-shared.safetensors
./static model-static.safetensors
cmp model-shared.safetensors model-static.safetensors
LD_LIBRARY_PATH=$lib ./listen model-listen.safetensors >listen.txt || { cat listen.txt && exit 1; }
LD_LIBRARY_PATH=$lib ./evolve >evolve.txt && grep -q '9.. of 1000 landings' evolve.txt || { cat evolve.txt && exit 1; }

# A trained model, answered for by the library from four threads as by the program.
awk 'BEGIN { srand(3); print "a,b,c,y"; for (i = 0; i < 60; i++) { a = rand(); b = rand(); print a "," b "," rand() "," (a > b ? "up" : "down") } }' >rows.csv
"$work/usr/bin/jackdaw" train --data rows.csv --epochs 3 --out trained --quiet
# shellcheck disable=SC2046
for language in "cc -std=c17 -Wconversion" "c++ -std=c++17 -Wno-missing-field-initializers -x c++"; do
    $language -Wall -Wextra -pedantic-errors -Werror -o answer "$source/examples/answer.c" -x none $cflags $(pkg-config --libs jackdaw) -lpthread
    tail -n +2 rows.csv | cut -d, -f1-3 >inputs.csv
    LD_LIBRARY_PATH=$lib ./answer trained/model.safetensors <inputs.csv >answers.txt
    "$work/usr/bin/jackdaw" predict trained inputs.csv --json | sed 's/.*"probabilities":\[\([^]]*\)\].*/\1/; s/,/ /g' >predicted.txt
    cmp answers.txt predicted.txt
done

# A program that only runs models needs no library but jansson (README).
# shellcheck disable=SC2086
cc -o runs "$source/examples/answer.c" $cflags "$lib/libjackdaw.a" -ljansson -lm -lpthread
./runs trained/model.safetensors <inputs.csv | cmp - predicted.txt

mkdir consumer
cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.23)
project(consumer C CXX)
find_package(jackdaw REQUIRED)
add_executable(cxx ${CXX_EXAMPLE})
target_link_libraries(cxx PRIVATE jackdaw::jackdaw)
find_package(jackdaw REQUIRED COMPONENTS static)
add_executable(remember ${EXAMPLE})
target_link_libraries(remember PRIVATE jackdaw::jackdaw)
add_executable(remember_static ${EXAMPLE})
target_link_libraries(remember_static PRIVATE jackdaw::jackdaw_static)
END
cmake -S consumer -B consumer/out -G Ninja -DCMAKE_PREFIX_PATH="$work/usr" -DEXAMPLE="$source/examples/remember.c" \
    -DCXX_EXAMPLE="$source/tests/install.cpp" -DCMAKE_CXX_STANDARD=11 >/dev/null
cmake --build consumer/out -- --quiet
consumer/out/remember model-cmake.safetensors
consumer/out/remember_static model-cmake.safetensors
"$work/usr/bin/jackdaw" version >/dev/null

# Nothing but the public names leaves the shared library.
foreign=$(nm -D --defined-only "$lib/libjackdaw.so" | awk '$2 != "A" && $3 !~ /^jd_/ {print $3}')
[ -z "$foreign" ] || { echo "names that are not public: $foreign"; exit 1; }

# Headers as C++, and the macros of options and shapes: by name in C++20, filled in before.
for header in "$work"/usr/include/jackdaw/*.h; do echo "#include <jackdaw/$(basename "$header")>"; done >all.cpp
for standard in c++11 c++17 c++20; do
    # shellcheck disable=SC2086
    c++ -std=$standard -Wall -Wextra -pedantic-errors -Werror -Wno-missing-field-initializers $cflags -c "$source/tests/install.cpp"
    # shellcheck disable=SC2086
    c++ -std=$standard -Wall -Wextra -pedantic-errors -Werror $cflags -fsyntax-only all.cpp
done
consumer/out/cxx

# What is asked of every binary; and libraries take no memory of every thread of the host (it is taken from their stacks).
for binary in "$work"/usr/bin/jackdaw "$lib"/libjackdaw.so "$lib"/libjackdaw-*.so "$lib"/jackdaw/*.so; do
    [ -e "$binary" ] || continue
    readelf -lWd "$binary" >elf.txt
    for word in GNU_RELRO 'FLAGS.*BIND_NOW' 'GNU_STACK.* RW '; do
        grep -q "$word" elf.txt || { echo "$binary lacks $word" && exit 1; }
    done
    ! grep -E 'TEXTREL|R(UN)?PATH|LOAD.* RWE ' elf.txt || { echo "in $binary" && exit 1; }
    # A host's threads pay for thread-local memory; the runtime of CUDA brings some.
    [[ $binary != *.so || $binary == *-cuda.so ]] || ! grep ' TLS ' elf.txt || { echo "in $binary" && exit 1; }
done
readelf -lWd "$work/usr/bin/jackdaw" | grep -q 'Flags:.* PIE'
readelf -d "$lib/libjackdaw.so" | grep -q 'soname: \[libjackdaw.so.0.1\]' # as the CMake package, which takes the same minor version only
