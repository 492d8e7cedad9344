# SPDX-License-Identifier: Apache-2.0
"""Receivers' work on the receivers' cores.

Over loopback the kernel delivers a packet into the receiver's socket on the sender's core and account; on
a network another machine would. Receive packet steering (RPS) on `lo` moves it to other cores.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_SETTING = "/sys/class/net/lo/queues/rx-0/rps_cpus"


def possible() -> bool:
    try:
        with open(_SETTING, "r+"):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def deliver_on(cores: set[int]) -> Iterator[None]:
    """What is sent over loopback is received on these cores; as before afterwards. Without effect where
    the kernel or the rights for it are missing."""
    if not possible():
        yield
        return
    with open(_SETTING) as file:
        before = file.read()
    try:
        with open(_SETTING, "w") as file:
            file.write(f"{sum(1 << core for core in cores):x}")
        yield
    finally:
        with open(_SETTING, "w") as file:
            file.write(before)
