#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each header must compile alone: all of them as C, the public ones as C++ too.
# check_headers.sh [BUILD]: BUILD holds generated headers (proto).
set -uo pipefail
build=${1:-build-test}
flags=(-D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Isrc -Iinclude "-I$build/proto" -Iproto
    $(pkg-config --cflags openssl libsrtp2 libwebsockets libprotobuf-c jansson 2>/dev/null))
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
