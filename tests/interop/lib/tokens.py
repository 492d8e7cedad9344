# SPDX-License-Identifier: Apache-2.0
"""Join and admin tokens, good and bad ones."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time

from livekit import api

KEY = "devkey"
SECRET = "secret"


def join(identity: str, room: str, name: str = "", metadata: str = "", attributes=None, **grants) -> str:
    """A token as the server SDK makes it; grants are VideoGrants fields."""
    token = (
        api.AccessToken(KEY, SECRET)
        .with_identity(identity)
        .with_name(name)
        .with_metadata(metadata)
        .with_attributes(attributes or {})
        .with_ttl(datetime.timedelta(hours=1))
    )
    grants.setdefault("can_update_own_metadata", True)
    return token.with_grants(api.VideoGrants(room_join=True, room=room, **grants)).to_jwt()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(claims: dict, key: str = SECRET, alg: str = "HS256", sign: bool = True) -> str:
    """A token with exactly these claims."""
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(alg)
    head = _b64(json.dumps({"alg": alg, "typ": "JWT"}).encode()) + "." + _b64(json.dumps(claims).encode())
    signature = hmac.new(key.encode(), head.encode(), digest).digest() if sign and digest else b""
    return head + "." + _b64(signature)


def claims(room: str = "room", **changes) -> dict:
    now = int(time.time())
    base = {
        "iss": KEY,
        "sub": "someone",
        "nbf": now - 10,
        "exp": now + 600,
        "video": {"roomJoin": True, "room": room},
    }
    base.update(changes)
    return {k: v for k, v in base.items() if v is not None}
