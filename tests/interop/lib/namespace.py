# SPDX-License-Identifier: Apache-2.0
"""A network namespace with a veth pair to this one, for browsers that gather no loopback candidates."""

from __future__ import annotations

import os
import subprocess


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Namespace:
    """`inside` and `outside` are the addresses of the two ends (`…6`: IPv6); remove() takes all away."""

    def __init__(self) -> None:
        number = os.getpid() % 250
        self.name = f"aura{os.getpid()}"
        self._link = f"av{os.getpid() % 100000}"
        self.outside, self.inside = f"10.201.{number}.1", f"10.201.{number}.2"
        self.outside6, self.inside6 = f"fd5a:{number:x}::1", f"fd5a:{number:x}::2"
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            _ip("addr", "add", f"{self.outside}/30", "dev", self._link)
            _ip("addr", "add", f"{self.outside6}/64", "dev", self._link, "nodad")
            _ip("link", "set", self._link, "up")
            for words in (
                ("addr", "add", f"{self.inside}/30", "dev", "eth0"),
                ("addr", "add", f"{self.inside6}/64", "dev", "eth0", "nodad"),
                ("link", "set", "lo", "up"),
                ("link", "set", "eth0", "up"),
                ("route", "add", "default", "via", self.outside),
            ):
                _ip("-n", self.name, *words)
        except subprocess.CalledProcessError:
            self.remove()
            raise

    def command(self, argv: list[str]) -> list[str]:
        """argv, run inside."""
        return ["ip", "netns", "exec", self.name, *argv]

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._link], check=False, capture_output=True)
