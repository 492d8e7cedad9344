#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the AV1 encoder that AI Core wants newer than Debian 12 has it: tools/codecs.sh
#
# libaom 3.14 from Debian's pool, pinned by its sha256, into .cache/codecs: only its real-time encoder, as one object
# in which all names are local but those that we call, and these are renamed. libavcodec brings the system's libaom
# into the same process, so the two must not share a name. What cannot be had is said, and is no error: the build then
# takes the system's libaom. A second run finds its stamp and does nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/source.sh
folder=$PWD/.cache/codecs

aom=3.14.1
aom_sha256=4ef9882eda023582499511b845f4d4368a34c9886f545a7eea4ca20799d3c161
# What src/codec/encoder.c calls.
functions=(aom_codec_av1_cx aom_codec_control aom_codec_destroy aom_codec_enc_config_default aom_codec_enc_config_set
    aom_codec_enc_init_ver aom_codec_encode aom_codec_get_cx_data aom_codec_get_preview_frame aom_codec_version_str)

stamp=$(cat "$0" tools/source.sh | sha256sum | cut -d' ' -f1)
[ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

give_up() {
    echo "codecs: $1: AI Core is built with the system's libaom (\`tools/codecs.sh\` tries again)" >&2
    rm -rf "$work"
    exit 0
}

mkdir -p .cache
work=$(mktemp -d "$PWD/.cache/codecs.XXXXXX")
for tool in cmake ninja nasm ld objcopy; do
    command -v $tool >/dev/null || give_up "$tool is missing"
done
echo "codecs: libaom $aom (6 MB to fetch, about two minutes to build)"
debian_source "$work/aom_$aom.orig.tar.xz" a/aom $aom_sha256 || give_up "Debian's pool has no libaom $aom for us"
mkdir "$work/source" "$work/out"
tar xJf "$work/aom_$aom.orig.tar.xz" -C "$work/source" || give_up "the source cannot be unpacked"
# Where what is new in a block is as much brighter in one part as it is darker in another (a checkerboard turned over, a
# bar moved by its own width), the mean of the whole is taken for that of each part, and the block is left as it was.
# Each part has to be asked: aom/av1/encoder/nonrd_pickmode.c, set_early_term_based_on_uv_plane().
skips=$work/source/av1/encoder/nonrd_pickmode.c
sed -i 's/< dc_thr || sse == var)/< dc_thr || sse_tx[k] == var_tx[k])/' "$skips"
grep -q 'dc_thr || sse_tx\[k\] == var_tx\[k\])' "$skips" || give_up "libaom's skipping of blocks is not what it was"
{
    cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DENABLE_TESTS=0 -DENABLE_DOCS=0 \
        -DENABLE_TOOLS=0 -DENABLE_EXAMPLES=0 -DCONFIG_AV1_DECODER=0 -DCONFIG_REALTIME_ONLY=1 \
        -DCONFIG_AV1_HIGHBITDEPTH=0 -DCONFIG_MULTITHREAD=0 -DCMAKE_POSITION_INDEPENDENT_CODE=1 &&
        ninja -C "$work/build" aom
} >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2 && give_up "libaom does not build"; }

mkdir -p "$work/out/include"
cp -r "$work/source/aom" "$work/out/include/"
cp "$work/source/LICENSE" "$work/source/PATENTS" "$work/out/"
printf '#define %s\n' "${functions[@]}" | sed 's/ \(.*\)/ \1 aura_own_\1/' >"$work/out/include/own_aom.h"
rename=()
for name in "${functions[@]}"; do
    rename+=("--redefine-sym=$name=aura_own_$name" "--keep-global-symbol=aura_own_$name")
done
ld -r --whole-archive "$work/build/libaom.a" -o "$work/whole.o" && objcopy "${rename[@]}" "$work/whole.o" "$work/aom.o" &&
    ar rcs "$work/out/libown_aom.a" "$work/aom.o" || give_up "libaom's object cannot be made"
echo "$stamp" >"$work/out/stamp"
rm -rf "$folder"
mv "$work/out" "$folder"
rm -rf "$work"
