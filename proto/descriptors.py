# SPDX-License-Identifier: Apache-2.0
"""Writes LiveKit's protobuf schema as a FileDescriptorSet that protobuf-c 1.4 accepts.

The schema comes from the pinned PyPI package livekit-protocol (its generated modules carry every
message as a serialized descriptor), so none of it is typed by hand. Two things are changed:
annotations of LiveKit's logger are dropped (protobuf-c would want their definitions), and a proto3
`optional` field keeps only its one-field oneof, which is the same on the wire and keeps presence.
File names are flattened (google/protobuf/any.proto -> google_protobuf_any.proto), since meson wants
all outputs in one folder.

usage: descriptors.py OUT.desc
"""

import importlib
import sys

from google.protobuf import descriptor_pb2

MODULES = ("rtc", "models", "room", "agent", "egress", "ingress", "sip", "webhook", "agent_dispatch")
DROPPED = {"logger/options.proto", "google/protobuf/descriptor.proto"}


def simplify(message):
    for field in message.field:
        packed = field.options.packed if field.options.HasField("packed") else None
        field.ClearField("options")
        if packed is not None:
            field.options.packed = packed
        field.ClearField("proto3_optional")
    if not message.options.map_entry:
        message.ClearField("options")
    for nested in message.nested_type:
        simplify(nested)


def flat(name):
    return name.replace("/", "_")


def add(out, seen, file):
    if file.name in seen or file.name in DROPPED:
        return
    seen.add(file.name)
    for dependency in file.dependencies:
        add(out, seen, dependency)
    proto = out.file.add()
    file.CopyToProto(proto)
    kept = [flat(name) for name in proto.dependency if name not in DROPPED]
    proto.name = flat(proto.name)
    del proto.dependency[:], proto.public_dependency[:], proto.weak_dependency[:]
    proto.dependency.extend(kept)
    proto.ClearField("options")
    for message in proto.message_type:
        simplify(message)


def main():
    out, seen = descriptor_pb2.FileDescriptorSet(), set()
    for name in MODULES:
        add(out, seen, importlib.import_module("livekit.protocol." + name).DESCRIPTOR)
    with open(sys.argv[1], "wb") as file:
        file.write(out.SerializeToString())
    print("\n".join(sorted(map(flat, seen))))


if __name__ == "__main__":
    main()
