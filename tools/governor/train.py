# SPDX-License-Identifier: Apache-2.0
"""Trains the governor's model: train.py [--screens] DATASET... [--out models/governor-1.onnx]

A small network from what AI Core sees of a second of video, and the bits per pixel it would spend, to the quality that
is left: 100 less the VMAF (or VMAF-NEG, if that is more) that a viewer loses against the native stream, both measured
against the source; for raw pictures VMAF against them. Once without and once with the encoder's own distortion (src/aicore/governor.h has the order of the
inputs). The record beside the model tells how well it does on clips that it was not trained on: each clip is left
out once.

With --screens it is the quantizer's model: of screens, from the quantizer instead of the bits (src/aicore/quantizer.h).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.neural_network import MLPRegressor

ROWS = 32  # AURA_GOVERNOR_ROWS
FEATURES = ["log2 pixels", "fps", "log2 1+motion", "log2 1+residual", "log2 1+texture", "log2 1+noise", "flat",
            "raw", "log2 native bits per pixel", "log2 bits per pixel", "measured", "fine", "coarse", "edges", "quantizer"]
BITS, MEASURED, QUANTIZER = 9, 10, 14
KNOWN = [11, 12, 13, 14]  # these are, if that at MEASURED is 1
KNOWN_OF_SCREENS = [11, 12, 13]
LAYERS = (24, 12)
LAYERS_OF_SCREENS = (10,)  # fewer clips
SEEDS = 5  # networks whose mean is the model
QUALITY_LEAST = 30
QUALITY_FLOOR = 80  # below that nobody wants to know how bad it is, only that it is bad
ASKED_FOR = (86, 98)  # where targets lie: what is learned there counts twice
COLD_SECONDS = 1  # of an encoder: nobody is shown those
SCREEN_FLAT = 0.25  # AI Core takes for a screen what has more flat blocks than that (src/aicore/track.c)


def load(paths: list[Path]) -> list[dict]:
    rows = [json.loads(line) for path in paths for line in open(path)]
    return [r for r in rows if r["second"] >= COLD_SECONDS and quality(r) > QUALITY_LEAST]


def features(r: dict, measured: bool, screens: bool) -> list[float]:
    def log(name: str) -> float:
        return math.log2(1 + r[name])

    seen = [math.log2(r["width"] * r["height"]), r["fps"], log("motion"), log("residual"), log("texture"),
            log("noise"), r["flat"], float(not r["native"]), math.log2(r["native_bits"]) if r["native"] else 0.0,
            math.log2(r["bits"])]
    row = seen + ([1.0, r["fine"], r["coarse"], r["edges"], r["quantizer"] / 255] if measured else [0.0] * 5)
    if screens:  # what is asked about is the quantizer
        row[BITS], row[QUANTIZER] = 0.0, r["quantizer"] / 255
    return row


def quality(r: dict) -> float:
    if not r["native"]:
        return r["vmaf_source"]
    return 100 - max(r["vmaf_native"] - r["vmaf_source"], r["vmaf_neg_native"] - r["vmaf_neg_source"])


def table(rows: list[dict], screens: bool = False) -> tuple[np.ndarray, np.ndarray]:
    x = np.array([features(r, measured, screens) for measured in (False, True) for r in rows], dtype=np.float64)
    return x, np.array([quality(r) for r in rows] * 2, dtype=np.float64)


class Model:
    """Standardised inputs, some networks of the same shape, their mean."""

    def __init__(self, x: np.ndarray, y: np.ndarray, screens: bool = False):
        self.known = KNOWN_OF_SCREENS if screens else KNOWN
        self.layers = LAYERS_OF_SCREENS if screens else LAYERS
        known = x[:, MEASURED] > 0
        self.mean, self.deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
        for column in self.known:  # so that "not measured" is no outlier
            self.mean[column], self.deviation[column] = x[known, column].mean(), x[known, column].std() + 1e-6
        self.mean[MEASURED], self.deviation[MEASURED] = 0, 1
        self.deviation[self.deviation < 1e-3] = 1  # always the same: nothing is learned of it
        near = (y > ASKED_FOR[0]) & (y < ASKED_FOR[1])
        x, y = np.concatenate([x, x[near]]), np.maximum(np.concatenate([y, y[near]]), QUALITY_FLOOR)
        self.networks = [MLPRegressor(hidden_layer_sizes=self.layers, activation="tanh", solver="lbfgs", alpha=5.0, max_iter=1500,
                                      random_state=seed).fit(self.standard(x), y / 100) for seed in range(SEEDS)]

    def standard(self, x: np.ndarray) -> np.ndarray:
        z = (x - self.mean) / self.deviation
        z[:, self.known] *= x[:, [MEASURED]]
        return z

    def predict(self, x: np.ndarray) -> np.ndarray:
        return 100 * np.mean([n.predict(self.standard(x)) for n in self.networks], axis=0)


def leave_one_out(rows: list[dict], screens: bool) -> dict:
    """Errors on each source, where targets lie, when nothing of it was trained on; its variants are left out together."""
    sources = sorted({source_of(r) for r in rows})
    errors, found = {}, {}
    for source in sources:
        inside = [r for r in rows if source_of(r) != source]
        outside = [r for r in rows if source_of(r) == source and ASKED_FOR[0] < quality(r) < ASKED_FOR[1]]
        if not outside:
            continue
        x, y = table(outside, screens)
        wrong = Model(*table(inside, screens), screens).predict(x) - y
        half = len(outside)
        errors[source] = (wrong[:half], wrong[half:])
        found[source] = {"seconds": half, "mae_before": round(float(np.abs(wrong[:half]).mean()), 2),
                         "mae_measured": round(float(np.abs(wrong[half:]).mean()), 2),
                         "bias_measured": round(float(wrong[half:].mean()), 2)}
        print(source, found[source], flush=True)
    every = [np.concatenate([e[i] for e in errors.values()]) for i in (0, 1)]
    return {"clips": found, "mae_before": round(float(np.abs(every[0]).mean()), 2),
            "mae_measured": round(float(np.abs(every[1]).mean()), 2),
            "p95_measured": round(float(np.percentile(np.abs(every[1]), 95)), 2)}


def source_of(r: dict) -> str:
    name = r["clip"].removeprefix("call-")
    return name.split("-")[0]


def export(model: Model, path: Path) -> None:
    nodes, weights = [], []

    def constant(name: str, value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(kind: str, inputs: list[str], output: str) -> str:
        nodes.append(helper.make_node(kind, inputs, [output]))
        return output

    scaled = node("Sub", ["rows", constant("mean", model.mean)], "centred")
    scaled = node("Div", [scaled, constant("deviation", model.deviation)], "scaled")
    # What was not measured is put on 0, the mean, by its own flag.
    is_measured = np.zeros((len(FEATURES), len(FEATURES)))
    is_measured[MEASURED, model.known] = 1
    always = np.ones(len(FEATURES))
    always[model.known] = 0
    mask = node("MatMul", ["rows", constant("flag", is_measured)], "measured")
    mask = node("Add", [mask, constant("always", always)], "mask")
    inputs = node("Mul", [scaled, mask], "standard")
    outputs = []
    for i, network in enumerate(model.networks):
        at = inputs
        for j, (w, b) in enumerate(zip(network.coefs_, network.intercepts_)):
            at = node("MatMul", [at, constant(f"w{i}_{j}", w)], f"m{i}_{j}")
            at = node("Add", [at, constant(f"b{i}_{j}", b)], f"a{i}_{j}")
            if j + 1 < len(network.coefs_):
                at = node("Tanh", [at], f"t{i}_{j}")
        outputs.append(at)
    total = node("Sum", outputs, "total")
    node("Mul", [total, constant("hundred", np.array([100 / len(outputs)]))], "quality")
    graph = helper.make_graph(
        nodes, "governor", [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [ROWS, len(FEATURES)])],
        [helper.make_tensor_value_info("quality", TensorProto.FLOAT, [ROWS, 1])], weights)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
                              producer_name="auralink tools/governor")
    onnx.checker.check_model(whole)
    path.write_bytes(whole.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="+")
    parser.add_argument("--screens", action="store_true", help="the quantizer's model, from dataset.py --screens")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    options.out = options.out or Path("models/quantizer-1.onnx" if options.screens else "models/governor-1.onnx")
    rows = load(options.dataset)
    if options.screens:
        rows = [r for r in rows if r["flat"] > SCREEN_FLAT]
    record = {"inputs": FEATURES, "output": "quality: 100 less the VMAF that is lost (v0.6.1 and its NEG, the worse)", "rows": len(rows),
              "layers": LAYERS_OF_SCREENS if options.screens else LAYERS, "networks": SEEDS,
              "left_out": leave_one_out(rows, options.screens)}
    model = Model(*table(rows, options.screens), options.screens)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    export(model, options.out)
    x, y = table(rows, options.screens)
    record["mae_trained"] = round(float(np.abs(model.predict(x) - y).mean()), 2)
    record["sha256"] = hashlib.sha256(options.out.read_bytes()).hexdigest()
    options.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps({k: v for k, v in record.items() if k != "left_out"}, indent=1))


if __name__ == "__main__":
    main()
