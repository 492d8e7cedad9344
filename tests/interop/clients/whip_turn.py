# SPDX-License-Identifier: Apache-2.0
"""Publishes by WHIP through the TURN/TLS server that the Link headers name: whip_turn.py URL ROOM

Until its standard input ends."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from aiortc import RTCConfiguration, RTCIceServer  # noqa: E402

from lib import tokens  # noqa: E402
from lib.whip import Publisher  # noqa: E402

url, room = sys.argv[1:3]
token = tokens.join("inside", room)


class Turned(Publisher):
    servers: list = []

    def configuration(self):
        return RTCConfiguration(iceServers=self.servers)


# The first answer tells of the servers; aiortc gathers before it offers, so a second session uses them.
first = Publisher(f"{url}/whip/v1", token).open()
for link in first.headers.get_all("Link"):
    server = re.match(r'<(turns:[^>]*)>; rel="ice-server"; username="([^"]*)"; credential="([^"]*)"', link)
    if server:
        Turned.servers.append(RTCIceServer(urls=server[1], username=server[2], credential=server[3]))
first.delete()
first.close()
assert Turned.servers, first.headers.get_all("Link")
session = Turned(f"{url}/whip/v1", token).open()
sys.stdin.read()
session.delete()
session.close()
