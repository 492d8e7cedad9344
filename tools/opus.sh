#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds libopus with its neural tools (DRED, deep PLC, NoLACE, bandwidth extension) into .cache/opus: tools/opus.sh
#
# Distributions build it without. Its functions get the prefix auralink_ here: libavcodec loads the system's libopus into
# the same process, and a program's own symbols would take the place of a library's. What cannot be had is said, and is
# no error: the system's libopus serves then. A second run finds its stamp and does nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/source.sh
folder=$PWD/.cache/opus

stamp=$(cat "$0" tools/source.sh | sha256sum | cut -d' ' -f1)
[ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

give_up() {
    echo "opus: $1: the system's libopus serves, without neural tools (\`make opus\` tries again)" >&2
    rm -rf "$work"
    exit 0
}

# The same sources are in this crate; it is the way where no mirror of Debian has them.
crate() {
    command -v cargo >/dev/null || return 1
    mkdir -p "$work/crate/src" && touch "$work/crate/src/lib.rs" || return 1
    printf '[package]\nname = "sources"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nopusic-sys = "=0.7.7"\n' \
        >"$work/crate/Cargo.toml"
    (cd "$work/crate" && CARGO_HOME=$work/cargo cargo fetch -q) || return 1
    local found
    found=$(echo "$work"/cargo/registry/cache/*/opusic-sys-0.7.7.crate)
    [ "$(sha256sum <"$found" | cut -d' ' -f1)" = 986d749e9dc12035f11bf3ecc83a2a696ff7534d4143be9469a4a0faa25b9fd1 ] || return 1
    mkdir -p "$work/source"
    tar xzf "$found" -C "$work/source" --strip-components=2 opusic-sys-0.7.7/opus
}

sources() {
    local new=$work/opus_1.6.1.orig.tar.xz old=$work/opus_1.5.2.orig.tar.gz
    mkdir -p "$work/source"
    if debian_source "$new" o/opus 001ac615b9f8f8994b229ad2b1a5969ed12ab48b0d154d0af1016a5899cd6ba1; then
        tar xf "$new" -C "$work/source" --strip-components=1
    elif debian_source "$old" o/opus 65c1d2f78b9f2fb20082c38cbe47c951ad5839345876e46941612ee87f9a7ce1; then
        tar xf "$old" -C "$work/source" --strip-components=1
    else
        crate
    fi
}

mkdir -p .cache
work=$(mktemp -d "$PWD/.cache/opus.XXXXXX")
echo "opus: libopus with DRED, deep PLC and NoLACE (9 MB of sources, a minute)"
sources || give_up "its sources cannot be had"

# Every function of its headers under another name, for the library and for us alike.
names=$work/auralink_opus_names.h
grep -h -A3 OPUS_EXPORT "$work"/source/include/*.h | grep -oE '\bopus_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u |
    sed 's/.*/#define & auralink_&/' >"$names"
[ "$(wc -l <"$names")" -gt 60 ] || give_up "its headers are not as expected"
meson setup "$work/build" "$work/source" --prefix="$work/out" --libdir=lib --default-library=static --buildtype=release \
    -Db_staticpic=true -Dc_args="-include $names" -Ddred=enabled -Dosce=enabled -Ddeep-plc=enabled -Dtests=disabled \
    -Ddocs=disabled -Dextra-programs=disabled >"$work/log" 2>&1 && ninja -C "$work/build" install >>"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    give_up "it cannot be built"
}
mv "$work/out/lib/libopus.a" "$work/out/lib/libauralink_opus.a"
cp "$names" "$work/source/COPYING" "$work/out/"
mv "$work/out/auralink_opus_names.h" "$work/out/include/opus/"
rm -rf "$work/out/lib/pkgconfig" "$folder"
echo "$stamp" >"$work/out/stamp"
mv "$work/out" "$folder"
rm -rf "$work"
touch src/codec/meson.build # a build folder that is there already looks for it again
