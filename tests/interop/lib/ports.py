# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that must be told a number."""

from __future__ import annotations

import itertools
import os
import random
import socket

# Below the kernel's ephemeral range: between our look and the server's bind, no connection of a
# browser or a client can take one. Each process begins somewhere else.
_FIRST, _LAST = 10240, 32000
_start = random.Random(os.getpid()).randrange(_FIRST, _LAST)
_candidates = itertools.chain(range(_start, _LAST), itertools.cycle(range(_FIRST, _LAST)))


def free_port(kind: int = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A port that nobody has now and that is not given out twice soon."""
    for port in itertools.islice(_candidates, _LAST - _FIRST):
        with socket.socket(socket.AF_INET, kind) as sock:
            # As servers do: an old connection that lingers does not count.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
            try:
                sock.bind((host, port))
                return port
            except OSError:
                continue
    raise RuntimeError(f"no port between {_FIRST} and {_LAST} is free")
