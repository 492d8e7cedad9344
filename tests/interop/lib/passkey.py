# SPDX-License-Identifier: Apache-2.0
"""An authenticator in a few lines, by PyPI cryptography: what a browser would bring of it, and what a thief would."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, HAS_KEY = 1, 4, 0x40


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def client_data(kind: str, challenge: str, origin: str, **more) -> bytes:
    # The server gives the standard alphabet, browsers write the other one.
    given = base64.b64decode(challenge)
    return json.dumps({"type": f"webauthn.{kind}", "challenge": text(given), "origin": origin, "crossOrigin": False, **more}).encode()


class Passkey:
    """One key, for one site."""

    def __init__(self, rp: str):
        self.rp, self.id, self.count = rp, os.urandom(32), 0
        self.pair = ec.generate_private_key(ec.SECP256R1())

    def _head(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)

    def made(self, challenge: str, origin: str, flags: int = PRESENT | VERIFIED, **more) -> dict:
        """What is told of a new key."""
        numbers = self.pair.public_key().public_numbers()
        cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + numbers.x.to_bytes(32, "big") + b"\x22\x58\x20" + numbers.y.to_bytes(32, "big")
        data = self._head(flags | HAS_KEY) + bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        return {"client_data": text(client_data("create", challenge, origin, **more)), "authenticator_data": text(data)}

    def signed(self, challenge: str, origin: str, flags: int = PRESENT | VERIFIED, step: int = 1, kind: str = "get") -> dict:
        """What is told to sign in."""
        self.count += step
        client = client_data(kind, challenge, origin)
        head = self._head(flags)
        signature = self.pair.sign(head + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {"key": text(self.id), "client_data": text(client), "authenticator_data": text(head), "signature": text(signature)}
