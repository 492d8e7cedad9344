# SPDX-License-Identifier: Apache-2.0
"""Attributes of participants as an application set them."""

from __future__ import annotations

OURS = "auralink.id"  # the server's own, see docs/auraid.md; LiveKit has none such


def own(attributes) -> dict[str, str]:
    """Without what the server says of everybody; `attributes` is a dict or protobuf's map."""
    return {key: value for key, value in dict(attributes).items() if key != OURS}
