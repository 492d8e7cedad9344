# SPDX-License-Identifier: Apache-2.0
"""Agents: real workers in calls, and the worker protocol step by step with one written by hand."""

from __future__ import annotations

import asyncio
import datetime
import json

import pytest
from livekit import api
from livekit.protocol import agent as pb
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.models import ParticipantPermission
from livekit.protocol.room import RoomConfiguration
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from lib import tokens
from lib.driver import eventually
from lib.openapi import Rest
from lib.receiver import Receiver, verify
from lib.server import Server
from lib.worker import HandWorker, RealWorker, worker_token
from test_api import PythonApi, post
from test_server_api import admin, node


@pytest.fixture
def workers():
    made = []

    def make(which, *arguments, **options):
        made.append(HandWorker(*arguments, **options) if which == "hand" else RealWorker(which, *arguments, **options))
        return made[-1]

    yield make
    for worker in made:
        worker.close()


@pytest.fixture
def own_server(start_server):
    """Workers without a name take every room: such tests have a server of their own."""
    return start_server(config={"room": {"departure_timeout": 1}})


def token_with(identity: str, room: str, *agents: RoomAgentDispatch) -> str:
    return (api.AccessToken(tokens.KEY, tokens.SECRET).with_identity(identity).with_ttl(datetime.timedelta(hours=1))
            .with_grants(api.VideoGrants(room_join=True, room=room))
            .with_room_config(RoomConfiguration(agents=list(agents))).to_jwt())


def dispatch(server, method: str, **request):
    async def run():
        async with api.LiveKitAPI(server.http_url, tokens.KEY, tokens.SECRET) as client:
            if method == "create":
                return await client.agent_dispatch.create_dispatch(api.CreateAgentDispatchRequest(**request))
            if method == "delete":
                return await client.agent_dispatch.delete_dispatch(request["id"], request["room"])
            return await client.agent_dispatch.list_dispatch(request["room"])

    return asyncio.run(run())


def make_room(server, name: str, *agents: RoomAgentDispatch) -> None:
    async def run():
        async with api.LiveKitAPI(server.http_url, tokens.KEY, tokens.SECRET) as client:
            await client.room.create_room(api.CreateRoomRequest(name=name, agents=list(agents)))

    asyncio.run(run())


def rpc(server, room: str, identity: str, method: str, payload: str = "") -> str | None:
    body = json.dumps({"room": room, "destination_identity": identity, "method": method, "payload": payload}).encode()
    status, answer = post(server, "/twirp/livekit.RoomService/PerformRpc", body, admin(room))
    return answer.get("payload", "") if status == 200 else None


def agent_of(server, room: str) -> dict | None:
    seen = PythonApi(server).call("ListParticipants", {"room": room}).get("participants", [])
    return next((p for p in seen if p.get("kind") == "AGENT" and p.get("state") == "ACTIVE"), None)


@pytest.mark.slow
@pytest.mark.parametrize("kind,prefix", [("python", "py"), ("node", "js")])
def test_real_agent(server, room, workers, kind, prefix):
    """A real worker's agent, named in a token, joins, echoes sound, counts frames, answers RPC, and ends with the room."""
    name = f"echo-{prefix}-{room.name}"[:60]
    options = {"agent_name": name, "tag": prefix} if kind == "python" else {"agentName": name}
    worker = workers(kind, server, **options)
    caller = room.join("node", "caller", token=token_with("caller", room.name, RoomAgentDispatch(agent_name=name,
                                                                                                metadata="for you")))
    caller.call("publishAudio")
    caller.call("publishVideo")
    agent = eventually(lambda: agent_of(server, room.name), 60, what="the agent is in the room")
    assert server.metric("auralink_agent_workers") >= 1
    assert agent["name"].startswith("Echo") and agent["attributes"]["lk.agent_name"] == name
    if not Server.is_reference():
        token = api.AccessToken(tokens.KEY, tokens.SECRET).with_grants(api.VideoGrants(room_create=True, room_list=True)).to_jwt()
        known = Rest(server, token).good("GET", f"/aura/v1/ids/me?as={agent['attributes']['auralink.id']}")
        assert known["kind"] == "agent" and name.lower().startswith(known["id"][1:-5][:20])
    echoed = caller.wait("trackSubscribed", 40, identity=agent["identity"])["sid"]
    caller.until(echoed, lambda s: s["loudSeconds"] > 0.5, 40, "no echo")
    assert rpc(server, room.name, agent["identity"], "echo", "hello") == f"{prefix}:hello"
    eventually(lambda: json.loads(rpc(server, room.name, agent["identity"], "counts") or "{}").get("video", 0) > 5, 30,
               what="frames are counted")
    jobs = dispatch(server, "list", room=room.name)
    assert [(d.agent_name, d.metadata, d.state.jobs[0].state.status) for d in jobs] == [(name, "for you", pb.JS_RUNNING)]
    if kind == "python":
        assert worker.wait("request")["metadata"] == "for you"
    PythonApi(server).call("DeleteRoom", {"room": room.name})
    caller.wait("disconnected")
    caller.connected = False
    if kind == "python":
        worker.wait("stopped")


@pytest.mark.slow
def test_real_worker_killed(server, room, workers):
    """kill -9 of a worker with its agent in the room: another worker's agent takes over."""
    name = f"killed-{room.name}"[:60]
    first = workers("python", server, agent_name=name, tag="first")
    room.join("node", "caller", token=token_with("caller", room.name, RoomAgentDispatch(agent_name=name)))
    eventually(lambda: agent_of(server, room.name), 60, what="the first agent is there")
    second = workers("python", server, agent_name=name, tag="second")
    assert second.count("request") == 0
    first.kill()
    second.wait("joined", 90)
    agent = eventually(lambda: (a := agent_of(server, room.name)) and a["identity"].startswith("second") and a, 60)
    eventually(lambda: rpc(server, room.name, agent["identity"], "echo", "x") == "second:x", what="the second answers")


def test_registration(server):
    """Who may open /agent, and what it must say first."""
    for token, status in ((worker_token(roomJoin=True), 401), ("garbage", 401)):
        with pytest.raises(InvalidStatus) as caught:
            connect(f"{server.url}/agent", additional_headers={"Authorization": f"Bearer {token}"})
        assert caught.value.response.status_code == status
    assert server.get("/agent")[0] == 404
    bearer = {"Authorization": f"Bearer {worker_token()}"}
    for message in (pb.WorkerMessage(update_worker=pb.UpdateWorkerStatus()).SerializeToString(), b"\xff\xff\xff"):
        with connect(f"{server.url}/agent", additional_headers=bearer) as socket:
            socket.send(message)
            with pytest.raises(ConnectionClosed):
                socket.recv(10)
    with connect(f"{server.url}/agent", additional_headers=bearer) as socket:
        socket.send(json.dumps({"register": {"agentName": "json", "version": "1"}}))
        answer = json.loads(socket.recv(10))
        assert answer["register"]["workerId"].startswith("AW_") and answer["register"]["serverInfo"]["version"]


def test_assignment(own_server, workers):
    """What a worker gets for a room: the job, and a token with what it asked for."""
    worker = workers("hand", own_server, permissions=ParticipantPermission(can_subscribe=True, hidden=True))
    make_room(own_server, "assign")
    worker.wait(lambda w: w.assigned)
    job = worker.assigned[0].job
    assert job.id.startswith("AJ_") and job.dispatch_id.startswith("AD_") and job.room.name == "assign"
    claims = worker.claims()
    assert claims["sub"] == f"agent-of-{job.id}" and claims["kind"] == "agent" and claims["name"] == "By hand"
    assert claims["attributes"]["a"] == "b" and 3000 < claims["exp"] - claims["nbf"] <= 3700
    assert claims["video"] == {"roomJoin": True, "room": "assign", "agent": True, "hidden": True, "canPublish": False,
                               "canSubscribe": True, "canPublishData": False, "canUpdateOwnMetadata": False,
                               "canSubscribeMetrics": False}


def test_named(own_server, workers):
    """A named worker gets no room by itself; several agents in a room; deployments keep apart."""
    named = workers("hand", own_server, "special")
    staging = workers("hand", own_server, "special", deployment="staging")
    unnamed = workers("hand", own_server)
    make_room(own_server, "plain")
    unnamed.wait(lambda w: w.assigned)
    make_room(own_server, "both", RoomAgentDispatch(agent_name="special", metadata="m", attributes={"x": "y"}),
              RoomAgentDispatch(agent_name=""))
    named.wait(lambda w: w.assigned)
    unnamed.wait(lambda w: len(w.assigned) == 2)
    assert (named.offers[0].metadata, named.offers[0].agent_name) == ("m", "special")
    assert dict(named.offers[0].attributes) == {"x": "y"}
    assert len(named.offers) == 1 and not staging.offers
    make_room(own_server, "stage", RoomAgentDispatch(agent_name="special", deployment="staging"))
    staging.wait(lambda w: w.assigned)


@pytest.mark.parametrize("sdk", ["python", "node"])
def test_dispatch_service(own_server, workers, sdk):
    """Create, list and delete by the SDKs; deleting ends the job."""
    worker = workers("hand", own_server, "by-api")
    if sdk == "python":
        made = dispatch(own_server, "create", agent_name="by-api", room="r", metadata="md")
        found, agent, metadata = made.id, made.agent_name, made.metadata
    else:
        made = node(own_server, "createDispatch", room="r", agent="by-api", metadata="md")["ok"]
        found, agent, metadata = made["id"], made["agent_name"], made["metadata"]
    assert found.startswith("AD_") and (agent, metadata) == ("by-api", "md")
    worker.wait(lambda w: w.assigned)
    listed = dispatch(own_server, "list", room="r")
    mine = next(d for d in listed if d.id == found)
    assert [j.state.status for j in mine.state.jobs] == [pb.JS_RUNNING]
    assert mine.state.jobs[0].state.worker_id == worker.id
    if sdk == "python":
        dispatch(own_server, "delete", id=found, room="r")
    else:
        assert node(own_server, "deleteDispatch", id=found, room="r").get("error") is None
    worker.wait(lambda w: w.terminated == [mine.state.jobs[0].id])
    assert found not in [d.id for d in dispatch(own_server, "list", room="r")]
    status, body = post(own_server, "/twirp/livekit.AgentDispatchService/DeleteDispatch",
                        json.dumps({"room": "r", "dispatch_id": found}).encode(), admin("r"))
    assert (status, body["code"]) == (404, "not_found")
    status, body = post(own_server, "/twirp/livekit.AgentDispatchService/ListDispatch", b'{"room":"r"}', admin("other"))
    assert (status, body["code"]) == (401, "unauthenticated")


def test_load(own_server, workers):
    """Who is less loaded gets more; who is full or draining gets nothing."""
    busy, idle, full, leaving = (workers("hand", own_server) for _ in range(4))
    busy.status(load=0.95)
    idle.status(load=0.05)
    full.status(load=0.0, full=True)
    leaving.status(load=0.0, draining=True)
    for i in range(40):
        make_room(own_server, f"load-{i}")
    idle.wait(lambda w: len(w.assigned) + len(busy.assigned) == 40)
    assert not full.offers and not leaving.offers
    assert len(idle.assigned) > 2 * len(busy.assigned), (len(idle.assigned), len(busy.assigned))


def test_reject(own_server, workers):
    """Refused by one, offered to the next; refused by all, it ends; a late worker gets what waits."""
    full = workers("hand", own_server)
    full.status(full=True)
    make_room(own_server, "waits")
    late = workers("hand", own_server)
    late.wait(lambda w: w.assigned)
    late.close()
    full.close()
    no, yes = workers("hand", own_server, answer=lambda job: False), workers("hand", own_server)
    for i in range(8):
        make_room(own_server, f"reject-{i}")
    yes.wait(lambda w: len([a for a in w.assigned if a.job.room.name.startswith("reject")]) == 8)
    yes.close()
    make_room(own_server, "nobody")
    no.wait(lambda w: w.offers and w.offers[-1].room.name == "nobody")

    def failed():
        jobs = dispatch(own_server, "list", room="nobody")[0].state.jobs
        return jobs and jobs[0].state.status == pb.JS_FAILED

    eventually(failed, what="the job has failed")
    assert len([j for j in no.offers if j.room.name == "nobody"]) == 1


def test_no_answer(own_server, workers):
    """A worker that does not answer in ten seconds has refused."""
    mute = workers("hand", own_server, answer=lambda job: None)
    make_room(own_server, "mute")
    mute.wait(lambda w: w.offers)
    other = workers("hand", own_server)
    other.wait(lambda w: w.assigned, 30)
    assert other.assigned[0].job.id == mute.offers[0].id


def test_worker_loss(own_server, workers):
    """A worker is gone and its agent is not in the room: another one gets the job. One that returns keeps it."""
    first = workers("hand", own_server)
    make_room(own_server, "lost")
    first.wait(lambda w: w.assigned)
    job = first.assigned[0].job.id
    first.close()
    returned = workers("hand", own_server)
    returned.migrate(job, "AJ_unknown")
    returned.wait(lambda w: w.terminated == ["AJ_unknown"])
    state = dispatch(own_server, "list", room="lost")[0].state.jobs[0].state
    assert (state.worker_id, state.status) == (returned.id, pb.JS_RUNNING)
    second = workers("hand", own_server)
    returned.close()
    second.wait(lambda w: w.assigned, 30)
    assert second.assigned[0].job.id == job


def test_participant_and_publisher_jobs(own_server, workers, room_on):
    room = room_on(own_server)
    people = workers("hand", own_server, kind=pb.JT_PARTICIPANT)
    publishers = workers("hand", own_server, kind=pb.JT_PUBLISHER)
    one = room.join("node", "one")
    people.wait(lambda w: len(w.assigned) == 1)
    assert people.assigned[0].job.participant.identity == "one" and not publishers.offers
    one.call("publishAudio")
    publishers.wait(lambda w: len(w.assigned) == 1)
    assert publishers.assigned[0].job.participant.identity == "one"
    room.join("node", "helper", token=tokens.raw(tokens.claims(sub="helper", kind="agent", video={
        "roomJoin": True, "room": room.name, "agent": True})))
    room.join("node", "two")
    people.wait(lambda w: len(w.assigned) == 2)
    assert people.assigned[1].job.participant.identity == "two"  # none for the agent
    one.disconnect()
    publishers.wait(lambda w: w.terminated == [publishers.assigned[0].job.id])


def test_job_webhooks(start_server, workers, tmp_path):
    """agent_job_pending, started and ended, in their order with the room's events."""
    receiver = Receiver()
    try:
        server = start_server(config={"webhook": {"api_key": tokens.KEY, "urls": [receiver.url],
                                                  "outbox": str(tmp_path / "w.db")}})
        worker = workers("hand", server)
        make_room(server, "hooks")
        worker.wait(lambda w: w.assigned)
        worker.job(worker.assigned[0].job.id, pb.JS_FAILED, "it broke")
        receiver.wait(lambda r: "agent_job_ended" in r.names("hooks"))
        PythonApi(server).call("DeleteRoom", {"room": "hooks"})
        receiver.wait(lambda r: "room_finished" in r.names("hooks"))
        assert receiver.names("hooks") == ["room_started", "agent_job_pending", "agent_job_started",
                                           "agent_job_ended", "room_finished"]
        seen = [v["event"] for v in verify(receiver.taken("hooks"))]
        assert (seen[3]["job"]["state"]["status"], seen[3]["job"]["state"]["error"]) == ("JS_FAILED", "it broke")
    finally:
        receiver.stop()
