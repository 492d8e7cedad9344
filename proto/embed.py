#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiled schemas as a C table, for gRPC's reflection: embed.py PROTOC OUT.c FILE.proto..."""

import os
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2


def c_bytes(data: bytes) -> str:
    return ",".join(str(b) for b in data)


def main() -> None:
    protoc, out, *sources = sys.argv[1:]
    with tempfile.NamedTemporaryFile() as compiled:
        folder = os.path.dirname(sources[0])
        subprocess.run([protoc, f"-I{folder}", f"--descriptor_set_out={compiled.name}", *sources], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read()).file
    rows, arrays = [], []
    for number, file in enumerate(files):
        data = file.SerializeToString()
        service = f'"{file.package}.{file.service[0].name}"' if file.service else "NULL"
        arrays.append(f"static const uint8_t file{number}[] = {{{c_bytes(data)}}};")
        rows.append(f'    {{"{file.name}", "{file.package}", {service}, file{number}, sizeof(file{number})}},')
    with open(out, "w") as target:
        target.write('#include "descriptors.h"\n' + "\n".join(arrays)
                     + "\nconst struct aura_descriptor aura_descriptors[] = {\n" + "\n".join(rows)
                     + "\n    {NULL, NULL, NULL, NULL, 0},\n};\n")


if __name__ == "__main__":
    main()
