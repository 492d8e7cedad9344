# SPDX-License-Identifier: Apache-2.0
"""A participant made of bare signalling and aiortc (PyPI): it sends any data packet, also those that SDKs would not."""

from __future__ import annotations

import asyncio

from aiortc import RTCPeerConnection, RTCSessionDescription
from livekit.protocol import models, rtc as proto

from lib.driver import eventually
from lib.signalling import Signal
from lib.whip import run


class RawPeer:
    """Joined on /rtc/v1 with its data channels open."""

    def __init__(self, server, token: str):
        self.signal = Signal(server, token, 1)
        self.joined = self.signal.wait("join")
        self.got: list[models.DataPacket] = []
        run(self._open())

    async def _open(self) -> None:
        self.pc = RTCPeerConnection()
        self.channels = {"_reliable": self.pc.createDataChannel("_reliable"),
                         "_lossy": self.pc.createDataChannel("_lossy", ordered=False, maxRetransmits=0)}
        opened = {name: asyncio.Event() for name in self.channels}
        for name, channel in self.channels.items():
            channel.on("message", self._take)
            channel.on("open", opened[name].set)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.signal.send(offer=proto.SessionDescription(type="offer", sdp=self.pc.localDescription.sdp, id=1))
        answer = await asyncio.to_thread(self.signal.wait, "answer")
        await self.pc.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        for event in opened.values():
            await asyncio.wait_for(event.wait(), 60)

    def _take(self, message: bytes) -> None:
        self.got.append(models.DataPacket.FromString(message))

    def send(self, packet: models.DataPacket, channel: str = "_reliable") -> None:
        async def go():
            self.channels[channel].send(packet.SerializeToString())

        run(go())

    def wait(self, topic: str) -> list[models.DataPacket]:
        """All packets up to the user packet of that topic."""
        def there():
            return any(p.user.topic == topic for p in self.got)

        eventually(there, 60, 0.05, f"a packet of topic {topic}")
        return list(self.got)

    def close(self) -> None:
        run(self.pc.close())
        self.signal.close()
