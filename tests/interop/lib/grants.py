# SPDX-License-Identifier: Apache-2.0
"""Every grant that a token can carry, as LiveKit spells it; test_permissions*.py crosses them with actions."""

from __future__ import annotations

import dataclasses

from livekit import api

from lib import tokens

ROOM, OTHER = "matrix", "matrix-2"

# claim, field of it, and the value that is not the usual one
FLAGS = {
    "roomCreate": ("video", True), "roomList": ("video", True), "roomRecord": ("video", True),
    "roomAdmin": ("video", True), "roomJoin": ("video", True), "ingressAdmin": ("video", True),
    "canPublish": ("video", True), "canSubscribe": ("video", True), "canPublishData": ("video", True),
    "canPublishSources": ("video", ["camera", "microphone", "screen_share", "screen_share_audio"]),
    "canUpdateOwnMetadata": ("video", True), "canSubscribeMetrics": ("video", True),
    "canManageAgentSession": ("video", True), "hidden": ("video", True), "recorder": ("video", True),
    "agent": ("video", True), "room": ("video", ROOM), "destinationRoom": ("video", OTHER),
    "sip.admin": ("sip", True), "sip.call": ("sip", True),
    "agent.admin": ("agent", True), "agent.simulationAdmin": ("agent", True),
    "agent.databaseAdmin": ("agent", True), "agent.dispatchAdmin": ("agent", True),
    "inference.perform": ("inference", True), "observability.write": ("observability", True),
    "agentEndpoint.call": ("agentEndpoint", True), "agentThread.all": ("agentThread", True),
}
# Parts of a grant that mean nothing without it.
DETAILS = {"agentEndpoint": {"agentName", "deployment"},
           "agentThread": {"scope", "threadIds", "list", "create", "write", "read", "delete"}}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def known_to_sdk() -> set[str]:
    """The grants that this version of PyPI livekit-api can put into a token."""
    found = {_camel(field.name) for field in dataclasses.fields(api.VideoGrants)}
    for kind in (name for name in dir(api) if name.endswith("Grants") and name != "VideoGrants"):
        claim = kind.removesuffix("Grants")
        claim = claim.lower() if claim.isupper() else claim[0].lower() + claim[1:]
        for field in dataclasses.fields(getattr(api, kind)):
            if _camel(field.name) not in DETAILS.get(claim, ()):
                found.add(f"{claim}.{_camel(field.name)}")
    return found


def claims_of(names) -> dict:
    out: dict = {"video": {}}
    for name in names:
        claim, value = FLAGS[name]
        out.setdefault(claim, {})[name.split(".")[-1]] = value
    return out


def token(names, identity: str = "matrix", **changes) -> str:
    """Exactly these grants, nothing else."""
    claims = claims_of(names)
    claims.update(changes)
    return tokens.raw(tokens.claims(sub=identity, **claims))
