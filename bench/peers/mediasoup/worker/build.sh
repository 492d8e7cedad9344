#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds mediasoup's worker from its npm package: build.sh NODE_MODULES OUT_FOLDER
#
# The package would download a prebuilt worker, or the sources of the libraries it needs. Neither can be had
# from a package registry, so the worker is compiled here with its own meson.build and its own release flags,
# and every library it names is Debian's. MESON names a meson of 1.1 or newer.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
jobs=${JOBS:-$(nproc)}
package=$(cd "$1/mediasoup" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
tree=$out/source

openssl=$out/openssl/build
if [ ! -f "$openssl/libssl.a" ]; then
    echo "bench: building OpenSSL 3.0.8 for mediasoup"
    rm -rf "$out/openssl"
    mkdir -p "$out/openssl/lib"
    cp "$here/openssl.toml" "$out/openssl/Cargo.toml"
    touch "$out/openssl/lib/lib.rs"
    (cd "$out/openssl" && cargo vendor -q vendor >/dev/null)
    cp -r "$out/openssl/vendor/openssl-src/openssl" "$openssl"
    (cd "$openssl" && ./Configure no-shared no-tests no-engine >configure.log && make -j "$jobs" build_libs >make.log 2>&1)
fi

library() { # library NAME VARIABLES... < the lines that define its dependencies
    local folder=$tree/subprojects/$1
    mkdir -p "$folder"
    cp "$here/empty.c" "$folder/"
    {
        echo "project('$1', 'c', 'cpp')"
        echo "empty = static_library('empty', 'empty.c')"
        shift
        for variable in "$@"; do echo "$variable = empty"; done
        cat
    } >"$folder/meson.build"
}

option() { # option LIBRARY NAME...: settings that mediasoup gives it
    local folder=$tree/subprojects/$1
    shift
    for name in "$@"; do echo "option('$name', type : 'string', value : '')"; done >"$folder/meson_options.txt"
}

rm -rf "$tree"
cp -r "$package/worker" "$tree"
rm -rf "$tree"/subprojects

library openssl libcrypto_lib libssl_lib <<MESON
openssl_dep = declare_dependency(
  include_directories : include_directories('include'),
  link_args : ['$openssl/libssl.a', '$openssl/libcrypto.a', '-lpthread', '-ldl'])
MESON
ln -s "$openssl/include" "$tree/subprojects/openssl/include"

library libuv libuv <<'MESON'
libuv_dep = dependency('libuv')
MESON
option libuv build_tests build_benchmarks

library libsrtp3 libsrtp3 <<'MESON'
libsrtp3_dep = declare_dependency(dependencies : dependency('libsrtp2'),
                                  include_directories : include_directories('include'))
MESON
option libsrtp3 crypto-library crypto-library-kdf tests
mkdir "$tree/subprojects/libsrtp3/include"
cp "$here/srtp3.h" "$tree/subprojects/libsrtp3/include/srtp.h"

library usrsctp usrsctp <<'MESON'
usrsctp_dep = dependency('usrsctp')
MESON
option usrsctp sctp_build_programs

library abseil-cpp absl_container_lib <<'MESON'
absl_container_dep = declare_dependency(dependencies : [
  dependency('absl_flat_hash_map'), dependency('absl_flat_hash_set'), dependency('absl_btree'),
  dependency('absl_inlined_vector'), dependency('absl_hash'), dependency('absl_raw_hash_set'),
])
absl_strings_dep = dependency('absl_strings')
absl_types_dep = declare_dependency(dependencies : [
  dependency('absl_optional'), dependency('absl_variant'), dependency('absl_span'),
])
MESON

library catch2 <<'MESON'
catch2_dep = declare_dependency()
catch2_with_main_dep = declare_dependency()
MESON

library flatbuffers flatbuffers_lib <<'MESON'
flatbuffers_dep = meson.get_compiler('cpp').find_library('flatbuffers')
MESON

library liburing liburing <<'MESON'
uring = declare_dependency(dependencies : dependency('liburing'),
                           include_directories : include_directories('include'))
MESON
mkdir "$tree/subprojects/liburing/include"
cp "$here/liburing.h" "$tree/subprojects/liburing/include/"

"${MESON:-meson}" setup --buildtype release -Db_ndebug=true "$out/build" "$tree" --wipe >"$out/setup.log" 2>&1 ||
    "${MESON:-meson}" setup --buildtype release -Db_ndebug=true "$out/build" "$tree" >"$out/setup.log" 2>&1 ||
    { cat "$out/setup.log" >&2; exit 1; }
# Its own build knows that headers are generated first only by the order in which it starts its targets.
ninja -C "$out/build" fbs/FBS >/dev/null
ninja -C "$out/build" -j "$jobs" mediasoup-worker
