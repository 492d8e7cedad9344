# SPDX-License-Identifier: Apache-2.0
"""AI Core under test, and its messages as Python classes: learned from the server by reflection."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from types import SimpleNamespace

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from lib.driver import eventually
from lib.server import ROOT, first_in_line

SERVICE = "auralink.aicore.v1.AICore"
MESSAGE_BYTES = 64 << 20
_OPTIONS = [("grpc.max_send_message_length", 200 << 20), ("grpc.max_receive_message_length", MESSAGE_BYTES)]


# Sanitizer builds are several times slower.
SANITIZED = bool(re.search("asan|tsan", os.environ.get("AURA_BUILD", "")))


class AICore:
    """One process of `auralink-aicore` on a port of the kernel's choice."""

    def __init__(self, *arguments: str, listen: str = "127.0.0.1:0", urgent: bool = False):
        command = os.environ.get("AURA_AICORE_CMD") or os.path.join(
            ROOT, os.environ.get("AURA_BUILD", "build"), "auralink-aicore"
        )
        if SANITIZED:
            arguments = ("--no-sandbox", *arguments)  # sanitizers look into their own process at its end
        self._folder = tempfile.TemporaryDirectory(prefix="aicore-")
        self.log_path = os.path.join(self._folder.name, "log")
        with open(self.log_path, "wb") as log, first_in_line(urgent):
            argv = [*shlex.split(command), "--listen", listen, "--http", "127.0.0.1:0", *arguments]
            self.process = subprocess.Popen(argv,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        found = eventually(self._announcement, 60, what="AI Core says where it listens")
        self.http_url = f"http://127.0.0.1:{json.loads(found)['http']}"
        self.address = listen if listen.startswith("unix:") else f"127.0.0.1:{json.loads(found)['grpc']}"

    def _announcement(self) -> str | None:
        text = self.log()
        match = re.search(r"^listening (\{.*\})$", text, re.MULTILINE)
        assert self.process.poll() is None or match, f"AI Core exited:\n{text}"
        return match.group(1) if match else None

    def log(self) -> str:
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def get(self, path: str) -> tuple[int, str]:
        """(status, text) of /metrics or /healthz."""
        try:
            with urllib.request.urlopen(self.http_url + path, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self) -> dict[str, float]:
        """Prometheus samples by full series name."""
        status, text = self.get("/metrics")
        assert status == 200, text
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in text.splitlines()) if k[0] != "#"}

    def channel(self, credentials: grpc.ChannelCredentials | None = None) -> grpc.Channel:
        if credentials:
            return grpc.secure_channel(self.address, credentials, _OPTIONS)
        return grpc.insecure_channel(self.address, _OPTIONS)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.terminate()
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._folder.cleanup()


def schema(channel: grpc.Channel) -> SimpleNamespace:
    """Messages and calls of the service, by nothing but what it tells of itself."""
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    service = pool.FindServiceByName(SERVICE)
    names = SimpleNamespace(services=database.get_services())
    for message in service.file.message_types_by_name.values():
        setattr(names, message.name, message_factory.GetMessageClass(message))
    for enum in service.file.enum_types_by_name.values():
        for value in enum.values:
            setattr(names, value.name, value.number)
    for method in service.methods:
        ask = message_factory.GetMessageClass(method.input_type).SerializeToString
        read = message_factory.GetMessageClass(method.output_type).FromString
        kind = channel.stream_stream if method.client_streaming else channel.unary_unary
        setattr(names, method.name, kind(f"/{SERVICE}/{method.name}", ask, read))
    return names
