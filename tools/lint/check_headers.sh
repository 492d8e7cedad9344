#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each header must compile alone: all of them as C, the public ones as C++ too.
set -uo pipefail
proto=.cache/lint-proto # generated headers
mkdir -p $proto
sh proto/generate.sh .cache/venv-build/bin/python proto/descriptors.py $proto || exit 1
protoc -Iproto "--c_out=$proto" proto/aicore.proto proto/fleet.proto || exit 1
flags=(-D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Isrc -Iinclude "-I$proto"
    $(pkg-config --cflags openssl libsrtp2 libwebsockets libprotobuf-c jansson libuv 2>/dev/null))
status=0
while read -r header; do
    gcc -std=c17 "${flags[@]}" -x c "$header" || { echo "$header: not alone in C"; status=1; }
    case $header in
    include/* | src/base/* | src/net/*)
        g++ -std=c++20 "${flags[@]}" -x c++ "$header" || { echo "$header: not alone in C++"; status=1; }
        ;;
    esac
done < <(git ls-files 'src/*.h' 'include/*.h')
exit $status
