# SPDX-License-Identifier: Apache-2.0
"""Calls of several people with some of Matrix among them: one room of a real Synapse, in which all who are in the call are seen."""

from __future__ import annotations

import pytest

from lib.driver import eventually
from lib.server import Server
from lib.synapse import RING
from test_matrix_appservice import WAIT_S, member_of, world  # noqa: F401 (world: a fixture)

pytestmark = [pytest.mark.skipif(Server.is_reference(), reason="LiveKit is no user of Matrix"),
              pytest.mark.timeout(900)]  # a homeserver takes its time on a busy machine


def invited(user) -> str:
    """The one room that a user is invited to, and then in."""
    eventually(user.invitations, WAIT_S, 0.2, "he is invited")
    [room] = user.invitations()
    user.join(room)
    return room


def in_call(world, user, room: str, *people, out=()) -> None:
    """As the user's homeserver shows it, these are in the room's call, and those are not."""
    def so() -> bool:
        return all(member_of(user, room, world.member_key(world.ghost(p))) for p in people) and not any(
            member_of(user, room, world.member_key(world.ghost(p))) for p in out)

    eventually(so, WAIT_S, 0.2, "who is in the call is in its room")


def told(device, call: str, person, state: str) -> dict:
    """What a device is told of somebody else in its call."""
    def found():
        return next((e for e in device.events if e["event"] == "person" and e["call"] == call and e["state"] == state
                     and e["person"]["id"] == person.id), None)

    return eventually(found, WAIT_S, 0.1, f"{person.id} is {state}")


def test_several_are_rung(world, room_on):
    """Ann's phone rings Dave, who has a phone, and Carol and Eve, who are Bob and Fred of Matrix: one room for all of them. Media
    go all ways; each may go and come by himself, and with the last one it ends."""
    ann, carol, dave, eve = (world.person() for _ in range(4))
    bob, fred = world.user(), world.user()
    world.link(carol, bob)
    world.link(eve, fred)
    phone, daves = ann.device("phone"), dave.device("phone")
    call = phone.ring(dave, carol, eve)
    daves.wait("ring", call=call)
    room = invited(bob)
    assert invited(fred) == room
    for user in (bob, fred):
        eventually(lambda user=user: [e for e in user.seen(room, RING) if e["content"]["m.mentions"]["user_ids"] == [user.id]],
                   WAIT_S, 0.2, "he is rung")
    in_call(world, bob, room, ann, out=[dave])
    daves.accept(call)
    ways = {"ann": phone.wait("join", call=call), "dave": daves.wait("join", call=call)}
    assert ways["ann"]["room"] == ways["dave"]["room"] == call
    assert ways["dave"]["identity"] == f"{world.ghost(dave)}:AURALINK"
    in_call(world, bob, room, ann, dave)
    bob.enter(room)
    told(phone, call, carol, "accepted")
    holder = room_on(world.server, call)
    joined = {name: holder.join("node", way["identity"], token=way["token"], url=world.server.url) for name, way in ways.items()}
    joined["bob"] = holder.join("python", f"{bob.id}:{bob.device}", token=bob.sfu_token(world.server, room))
    for sender in joined.values():
        sid = sender.call("publishAudio")["sid"]
        for other in joined.values():
            if other is not sender:
                other.until(sid, lambda s: s["loudSeconds"] > 0.2)
    # What his homeserver says of who is there is what the media room says.
    assert set(joined["bob"].call("participants")) == {way["identity"] for way in ways.values()}
    # Who rang goes; the others stay. Fred declines.
    ann.post(f"{call}/leave")
    in_call(world, bob, room, dave, out=[ann])
    fred.decline(room, [e for e in fred.seen(room, RING) if e["content"]["m.mentions"]["user_ids"] == [fred.id]][-1]["event_id"])
    told(daves, call, eve, "ended")
    assert "over" not in daves.names()
    bob.exit(room)
    assert daves.wait("over", call=call, timeout=WAIT_S)["reason"] == "left"
    in_call(world, bob, room, out=[ann, dave])
    # No ghost stays behind in a room that is only this call's.
    eventually(lambda: set(bob.members(room)) == {bob.id, fred.id}, WAIT_S, 0.2, "the ghosts have gone")


def test_cancelled(world):
    """Nobody answers, and Ann hangs up: it rings nowhere any more."""
    ann, carol, dave, bob = world.person(), world.person(), world.person(), world.user()
    world.link(carol, bob)
    phone, daves = ann.device("phone"), dave.device("phone")
    call = phone.ring(dave, carol)
    room = invited(bob)
    in_call(world, bob, room, ann)
    ann.post(f"{call}/leave")
    daves.wait("quiet", call=call)
    in_call(world, bob, room, out=[ann])


def test_third_is_added(world):
    """A call of two with Matrix becomes one of three: Dave is seen in the room that the two have, for as long as it lasts."""
    ann, carol, dave, bob = world.person(), world.person(), world.person(), world.user()
    world.link(carol, bob)
    phone, daves = ann.device("phone"), dave.device("phone")
    call = phone.ring(carol)
    room = invited(bob)
    in_call(world, bob, room, ann)
    bob.enter(room)
    way = phone.wait("join", call=call, timeout=WAIT_S)
    ann.post(f"{call}/add", {"to": dave.id})
    daves.wait("ring", call=call)
    daves.accept(call)
    assert daves.wait("join", call=call)["room"] == way["room"]
    in_call(world, bob, room, ann, dave)
    bob.exit(room)
    told(phone, call, carol, "ended")
    assert "over" not in phone.names()
    ann.post(f"{call}/leave")
    daves.wait("over", call=call)
    in_call(world, bob, room, out=[ann, dave])
    eventually(lambda: set(bob.members(room)) == {bob.id, world.ghost(ann)}, WAIT_S, 0.2, "only the two are in their room")


def test_too_late(world):
    """A call that is on among apps is not one that Matrix could see: who is only there is not reachable, and it says so."""
    ann, carol, dave, bob = world.person(), world.person(), world.person(), world.user()
    world.link(carol, bob)
    phone, daves = ann.device("phone"), dave.device("phone")
    call = phone.ring(dave)
    daves.accept(call)
    phone.wait("join", call=call)
    ann.post(f"{call}/add", {"to": carol.id})
    assert told(phone, call, carol, "ended")["reason"] == "unreachable"
    assert not bob.invitations()
    ann.post(f"{call}/leave")
    daves.wait("over", call=call)
