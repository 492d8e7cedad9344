#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings AI Core's models and their run time to .cache/models: tools/models.sh
#
# The governor's model is ours (models/). OpenVINO comes from PyPI, of which only the libraries are kept; so do the
# detectors, out of MediaPipe's package, and the speech detector. Everything is pinned by its sha256. What cannot be had is said, and is no error:
# AI Core works without models, by a fixed share. A second run finds its stamp and does nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
. tools/source.sh
folder=$PWD/.cache/models

openvino=2026.4.1
openvino_sha256=2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf
litert=2.3.0 # its schema of TFLite files
litert_sha256=1f15078a6725d2357d9de9221664c29afa0545d807559c5f7199ce5e40b96b23
flatbuffers=25.12.19
flatbuffers_sha256=7634f50c427838bb021c2d66a3d1168e9d199b0607e6329399f04846d42e20b4
mediapipe=0.10.14
mediapipe_sha256=a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4
silero=6.2.3
silero_sha256=7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8

stamp=$(cat "$0" tools/source.sh tools/models/*.py models/* | sha256sum | cut -d' ' -f1)
[ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

give_up() {
    echo "models: $1: AI Core will run without models (\`make models\` tries again)" >&2
    rm -rf "$work"
    exit 0
}

mkdir -p .cache
work=$(mktemp -d .cache/models.XXXXXX)
[ "$(uname -m)" = x86_64 ] || give_up "no pinned OpenVINO for $(uname -m)"

echo "models: OpenVINO $openvino (59 MB), face detector and person segmentation of MediaPipe $mediapipe (36 MB), Silero VAD $silero (11 MB)"
wheel() { # wheel NAME VERSION SHA256
    pip_file "$1" "$2" "$3" "$work" --python-version 3.11 --implementation cp --abi cp311 --abi none --platform manylinux_2_28_x86_64 \
        --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64 --platform any >/dev/null ||
        give_up "PyPI has no $1 $2, or another file than the one that was pinned"
}
wheel openvino $openvino $openvino_sha256
wheel ai-edge-litert $litert $litert_sha256
wheel flatbuffers $flatbuffers $flatbuffers_sha256
wheel mediapipe $mediapipe $mediapipe_sha256
wheel silero-vad $silero $silero_sha256

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
with zipfile.ZipFile(next(work.glob("mediapipe-*"))) as wheel:
    for name in ("face_detection/face_detection_short_range", "selfie_segmentation/selfie_segmentation_landscape"):
        (work / (name.split("/")[1] + ".tflite")).write_bytes(wheel.read(f"mediapipe/modules/{name}.tflite"))
with zipfile.ZipFile(next(work.glob("silero_vad-*"))) as wheel:
    (work / "speech-1.onnx").write_bytes(wheel.read("silero_vad/data/silero_vad_openvino_16k.onnx"))
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
cp "$work/face_detection_short_range.tflite" "$work/out/faces-1.tflite"
cp "$work/speech-1.onnx" "$work/out/"
PYTHONPATH=$work .cache/venv-build/bin/python tools/models/transpose_bias.py "$work/selfie_segmentation_landscape.tflite" \
    "$work/out/person-1.tflite" || give_up "the person model cannot be converted"
echo "$stamp" >"$work/out/stamp"
rm -rf "$folder"
mv "$work/out" "$folder"
rm -rf "$work"
