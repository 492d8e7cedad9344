# SPDX-License-Identifier: Apache-2.0
"""A TCP forwarder that can be slow, or cut: the network between two services."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque


class _Pipe:
    """One direction of a connection: bytes wait here until they are due."""

    def __init__(self, source: socket.socket, sink: socket.socket):
        self.source, self.sink = source, sink
        self.waiting: deque[tuple[float, bytes]] = deque()


class Proxy:
    """Forwards connections to `address` ("HOST:PORT") from a port of its own."""

    def __init__(self, address: str):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.delay_s = 0.0
        self._cut = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Nothing gets through any more, and nobody is told: as when a cable is pulled."""
        self._cut.set()

    def mend(self) -> None:
        """Everything gets through again, without delay."""
        self.delay_s = 0.0
        self._cut.clear()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _accept(self, selector: selectors.DefaultSelector) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._target, 5)
        except OSError:
            near.close()
            return
        for source, sink in ((near, far), (far, near)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(source, selectors.EVENT_READ, _Pipe(source, sink))

    def _read(self, selector: selectors.DefaultSelector, pipe: _Pipe) -> None:
        try:
            data = pipe.source.recv(1 << 16)
        except OSError:
            data = b""
        pipe.waiting.append((time.monotonic() + self.delay_s, data))
        if not data:
            selector.unregister(pipe.source)

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._listener, selectors.EVENT_READ, None)
        pipes: list[_Pipe] = []
        while not self._over.is_set():
            due = min((p.waiting[0][0] for p in pipes if p.waiting), default=time.monotonic() + 0.05)
            for key, _ in selector.select(max(0, min(0.05, due - time.monotonic()))):
                if key.data is None:
                    self._accept(selector)
                    pipes = [k.data for k in selector.get_map().values() if k.data]
                else:
                    self._read(selector, key.data)
            if self._cut.is_set():
                continue  # it waits for retransmission
            for pipe in pipes:
                while pipe.waiting and pipe.waiting[0][0] <= time.monotonic():
                    self._send(pipe, pipe.waiting.popleft()[1])
        for pipe in pipes:
            pipe.source.close()
        self._listener.close()
        selector.close()

    @staticmethod
    def _send(pipe: _Pipe, data: bytes) -> None:
        try:
            if data:
                pipe.sink.sendall(data)
            else:
                pipe.sink.shutdown(socket.SHUT_WR)
        except OSError:
            pipe.waiting.clear()
