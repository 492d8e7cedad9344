# SPDX-License-Identifier: Apache-2.0
"""A bare signalling client for what SDKs would never send, and for looking at single messages."""

from __future__ import annotations

import base64
import contextlib
import time

import websockets
import websockets.sync.client as ws
from livekit.protocol import rtc as proto

from lib.driver import PATIENCE_S


def join_request(**fields) -> str:
    """The join_request query value of /rtc/v1."""
    request = proto.JoinRequest(**fields)
    if not request.HasField("client_info"):
        request.client_info.sdk = 0
        request.client_info.protocol = 16
        request.client_info.version = "1.0.0"
    request.connection_settings.auto_subscribe = True
    wrapped = proto.WrappedJoinRequest(join_request=request.SerializeToString())
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


def path(version: int = 0, **query: str) -> str:
    fields = {"auto_subscribe": "1", "sdk": "js", "protocol": "16", "version": "2.0.0"} if not version else {}
    if version:
        fields["join_request"] = join_request()
    fields.update(query)
    text = "&".join(f"{k}={v}" for k, v in fields.items() if v is not None)
    return ("/rtc/v1" if version else "/rtc") + "?" + text


class Signal:
    """One WebSocket with protobuf frames."""

    def __init__(self, server, token: str, version: int = 0, headers: dict | None = None, **query: str):
        self.socket = ws.connect(
            server.url + path(version, **query),
            additional_headers={"Authorization": f"Bearer {token}", **(headers or {})},
            compression=None,
            max_size=1 << 24,
            open_timeout=PATIENCE_S,
            legacy=True,
        )
        self.seen: list[str] = []

    def receive(self, timeout: float = PATIENCE_S) -> proto.SignalResponse:
        frame = self.socket.recv(timeout)
        message = proto.SignalResponse.FromString(frame)
        self.seen.append(message.WhichOneof("message"))
        return message

    def wait(self, kind: str, timeout: float = PATIENCE_S):
        """The next message of this kind; others are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            try:
                message = self.receive(max(0.01, left))
            except TimeoutError:
                raise AssertionError(f"no {kind} in {timeout} s; seen: {self.seen}") from None
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)

    def send(self, **fields) -> None:
        self.socket.send(proto.SignalRequest(**fields).SerializeToString())

    def send_raw(self, data: bytes) -> None:
        self.socket.send(data)

    def wait_closed(self, timeout: float = PATIENCE_S) -> tuple[int, str]:
        """(code, reason) of the close; messages before it are kept in `seen`."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                self.receive(deadline - time.monotonic())
            except websockets.ConnectionClosed as closed:
                frame = closed.rcvd
                return (frame.code, frame.reason) if frame else (1006, "")
            except TimeoutError:
                break
        raise AssertionError(f"the server did not close in {timeout} s; seen: {self.seen}")

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def refused(server, token: str | None, version: int = 0, headers: dict | None = None, **query: str):
    """(status, body) of an upgrade that the server must refuse."""
    sent = dict(headers or {})
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    try:
        socket = ws.connect(
            server.url + path(version, **query), additional_headers=sent, compression=None, open_timeout=PATIENCE_S, legacy=True
        )
    except websockets.InvalidStatus as error:
        return error.response.status_code, (error.response.body or b"").decode(errors="replace")
    socket.close()
    return 101, ""
