#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/openapi/api.yaml as JSON inside a C source: openapi.py api.yaml openapi.c"""

import json
import sys

import yaml

WIDTH = 90


def main(source: str, target: str) -> None:
    with open(source, encoding="utf-8") as file:
        text = json.dumps(yaml.safe_load(file), separators=(",", ":"), ensure_ascii=True).encode()
    lines = []
    for at in range(0, len(text), WIDTH // 4):
        lines.append(",".join(str(byte) for byte in text[at : at + WIDTH // 4]) + ",")
    with open(target, "w", encoding="utf-8") as file:
        file.write('#include "api/openapi.h"\n')
        file.write("const char aura__openapi_json[] = {\n" + "\n".join(lines) + "\n0};\n")
        file.write(f"const size_t aura__openapi_json_len = {len(text)};\n")


main(sys.argv[1], sys.argv[2])
