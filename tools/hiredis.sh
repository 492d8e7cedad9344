#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds hiredis with TLS into .cache/hiredis, where the system's is older than 1.0: tools/hiredis.sh
#
# Debian 12 has 0.14, which cannot do TLS. What cannot be had is said, and is no error: the system's serves then, and
# redis.use_tls is refused. A second run finds its stamp and does nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/source.sh
folder=$PWD/.cache/hiredis

pkg-config --exists 'hiredis_ssl >= 1.0.0' 2>/dev/null && exit 0
stamp=$(cat "$0" tools/source.sh | sha256sum | cut -d' ' -f1)
[ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

mkdir -p .cache
work=$(mktemp -d "$PWD/.cache/hiredis.XXXXXX")
give_up() {
    echo "hiredis: $1: the system's serves, without TLS (\`tools/hiredis.sh\` tries again)" >&2
    rm -rf "$work"
    exit 0
}

archive=$work/hiredis_1.2.0.orig.tar.gz
debian_source "$archive" h/hiredis 82ad632d31ee05da13b537c124f819eb88e18851d9cb0c30ae0552084811588c ||
    give_up "its sources cannot be had"
mkdir "$work/source" && tar xzf "$archive" -C "$work/source" --strip-components=1 || give_up "its sources are damaged"
make -C "$work/source" USE_SSL=1 OPTIMIZATION=-O2 CFLAGS="-fPIC -fvisibility=hidden" libhiredis.a libhiredis_ssl.a \
    >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    give_up "it cannot be built"
}
mkdir -p "$work/out/lib" "$work/out/include/hiredis"
cp "$work"/source/libhiredis{,_ssl}.a "$work/out/lib/"
cp "$work"/source/{hiredis,hiredis_ssl,async,read,sds,alloc,sockcompat}.h "$work/out/include/hiredis/"
cp "$work/source/COPYING" "$work/out/"
rm -rf "$folder"
echo "$stamp" >"$work/out/stamp"
mv "$work/out" "$folder"
rm -rf "$work"
