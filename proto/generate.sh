#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Schema -> C, called by meson: generate.sh PYTHON DESCRIPTORS_PY OUTDIR
set -eu
python=$1 script=$2 out=$3
if ! "$python" -c 'import livekit.protocol.rtc' 2>/dev/null; then
    echo "proto: $python lacks the package livekit-protocol; run 'make deps' first" >&2
    exit 1
fi
files=$("$python" "$script" "$out/livekit.desc")
# shellcheck disable=SC2086  # one word per file is what protoc wants
protoc --descriptor_set_in="$out/livekit.desc" --c_out="$out" $files
