# SPDX-License-Identifier: Apache-2.0
"""An OpenTelemetry collector for OTLP over HTTP in JSON, strict about what it takes, and able to misbehave."""

from __future__ import annotations

import base64
import http.server
import json
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from lib.ports import free_port

IDS = ("traceId", "spanId", "parentSpanId")


def _ids_to_base64(node) -> None:
    """OTLP writes ids in hex, where all other proto3 JSON has base64 for bytes."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in IDS:
                assert value == value.lower() and len(value) == (32 if key == "traceId" else 16), (key, value)
                node[key] = base64.b64encode(bytes.fromhex(value)).decode()
            else:
                _ids_to_base64(value)
    elif isinstance(node, list):
        for item in node:
            _ids_to_base64(item)


class Span:
    """What a test looks at: names and ids as text, attributes as a dict, times in seconds."""

    def __init__(self, span, resource: dict):
        self.name, self.kind, self.resource = span.name, span.kind, resource
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.start, self.end = span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9
        self.failed, self.message = span.status.code == 2, span.status.message
        self.attributes = _attributes(span.attributes)

    def __repr__(self) -> str:
        return f"<{self.name} {self.attributes} {'failed: ' + self.message if self.failed else ''}>"


def _attributes(pairs) -> dict:
    return {p.key: p.value.int_value if p.value.HasField("int_value") else p.value.string_value for p in pairs}


class Collector:
    """Keeps the spans of requests that it took. `answer(count)` gives the status of the count-th request, from 1."""

    def __init__(self, port: int | None = None):
        self.port = port or free_port()
        self.spans: list[Span] = []
        self.requests: list[dict] = []  # path, headers, body of each
        self.problems: list[str] = []
        self.answer = lambda count: 200
        self._changed = threading.Condition()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector._take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, path: str, headers: dict, body: bytes) -> int:
        with self._changed:
            self.requests.append({"path": path, "headers": headers, "body": body})
            status = self.answer(len(self.requests))
            if status == 200:
                try:
                    self.spans += self._parse(headers, body)
                except (AssertionError, ValueError, json_format.ParseError) as error:
                    self.problems.append(f"{error}: {body[:2000]!r}")
                    status = 400
            self._changed.notify_all()
        return status

    @staticmethod
    def _parse(headers: dict, body: bytes) -> list[Span]:
        assert headers.get("Content-Type") == "application/json", headers
        document = json.loads(body)
        _ids_to_base64(document)
        request = json_format.ParseDict(document, ExportTraceServiceRequest())  # unknown fields are errors
        return [Span(span, _attributes(r.resource.attributes))
                for r in request.resource_spans for s in r.scope_spans for span in s.spans]

    def wait(self, check, timeout: float = 60, what: str = "spans"):
        """Until check(self) is true; its value."""
        with self._changed:
            good = self._changed.wait_for(lambda: check(self), timeout)
        assert good, f"{what}: not in {timeout} s; have {self.spans}, problems {self.problems}"
        return good

    def of(self, participant: str) -> list[Span]:
        """All spans of the trace in which this participant joined; empty before the root has come."""
        roots = [s for s in self.spans if s.attributes.get("participant") == participant]
        return [s for s in self.spans if roots and s.trace == roots[-1].trace]
