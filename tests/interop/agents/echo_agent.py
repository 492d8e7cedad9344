# SPDX-License-Identifier: Apache-2.0
"""A livekit-agents worker without any AI: echoes audio, counts video frames, answers RPC.

echo_agent.py URL KEY SECRET OPTIONS-AS-JSON: agent_name, type (room, publisher, participant), load, reject, tag.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livekit import agents, rtc

URL, KEY, SECRET = sys.argv[1:4]
OPTIONS = json.loads(sys.argv[4])
TAG = OPTIONS.get("tag", "agent")


def tell(event: str, **fields) -> None:
    print(json.dumps({"event": event, "tag": TAG, **fields}), flush=True)


async def request(job: agents.JobRequest) -> None:
    tell("request", job=job.id, room=job.room.name, metadata=job.job.metadata)
    if OPTIONS.get("reject"):
        await job.reject()
        return
    await job.accept(name=f"Echo {TAG}", identity=f"{TAG}-{job.id}", attributes={"tag": TAG})


async def echo(ctx: agents.JobContext, track: rtc.Track, counts: dict) -> None:
    source = rtc.AudioSource(48000, 1)
    out = rtc.LocalAudioTrack.create_audio_track("echo", source)
    await ctx.room.local_participant.publish_track(out)
    async for item in rtc.AudioStream.from_track(track=track, sample_rate=48000, num_channels=1):
        counts["audio"] += 1
        await source.capture_frame(item.frame)


async def count_video(track: rtc.Track, counts: dict) -> None:
    async for _ in rtc.VideoStream.from_track(track=track):
        counts["video"] += 1


async def entrypoint(ctx: agents.JobContext) -> None:
    counts = {"audio": 0, "video": 0}
    tasks = set()

    @ctx.room.on("track_subscribed")
    def on_track(track, publication, participant):
        work = echo(ctx, track, counts) if track.kind == rtc.TrackKind.KIND_AUDIO else count_video(track, counts)
        tasks.add(asyncio.ensure_future(work))

    async def stopped(reason: str = "") -> None:
        tell("stopped", job=ctx.job.id, reason=reason)
        for task in tasks:
            task.cancel()

    ctx.add_shutdown_callback(stopped)
    await ctx.connect()

    async def counts_rpc(data: rtc.RpcInvocationData) -> str:
        return json.dumps(counts)

    async def echo_rpc(data: rtc.RpcInvocationData) -> str:
        return f"{TAG}:{data.payload}"

    ctx.room.local_participant.register_rpc_method("counts", counts_rpc)
    ctx.room.local_participant.register_rpc_method("echo", echo_rpc)
    tell("joined", job=ctx.job.id, room=ctx.room.name, metadata=ctx.job.metadata,
         participant=ctx.job.participant.identity)


async def main() -> None:
    kind = {"room": agents.WorkerType.ROOM, "publisher": agents.WorkerType.PUBLISHER}[OPTIONS.get("type", "room")]
    server = agents.AgentServer.from_server_options(agents.WorkerOptions(
        entrypoint_fnc=entrypoint, request_fnc=request, ws_url=URL, api_key=KEY, api_secret=SECRET, port=0,
        host="127.0.0.1", agent_name=OPTIONS.get("agent_name", ""), worker_type=kind,
        job_executor_type=agents.JobExecutorType.THREAD, num_idle_processes=1, load_threshold=2,
        load_fnc=lambda: float(OPTIONS.get("load", 0)), initialize_process_timeout=60))
    server.on("worker_registered", lambda worker_id, info: tell("registered", worker=worker_id))
    await server.run(devmode=False)


asyncio.run(main())
