# SPDX-License-Identifier: Apache-2.0
"""Agent workers: real ones as processes, and one written by hand that does exactly what a test wants."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading

import jwt
from livekit.protocol import agent as pb
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from lib import tokens
from lib.server import ROOT

FOLDER = os.path.join(ROOT, "tests", "interop", "agents")


def worker_token(**video) -> str:
    return tokens.raw(tokens.claims(sub="worker", video=video or {"agent": True}))


class HandWorker:
    """Answers availability as `answer(job)` says (True, False, "terminate" or None = not at all)."""

    def __init__(self, server, name: str = "", kind: int = pb.JT_ROOM, answer=lambda job: True, deployment: str = "",
                 permissions=None):
        self.answer = answer
        self.offers: list = []
        self.assigned: list = []
        self.terminated: list[str] = []
        self.id = ""
        self._changed = threading.Condition()
        self._socket = connect(f"{server.url}/agent?protocol=1",
                               additional_headers={"Authorization": f"Bearer {worker_token()}"})
        register = pb.RegisterWorkerRequest(type=kind, agent_name=name, version="test", deployment=deployment)
        if permissions is not None:
            register.allowed_permissions.CopyFrom(permissions)
        self.send(register=register)
        threading.Thread(target=self._read, daemon=True).start()
        self.wait(lambda w: w.id, what="registration")

    def send(self, **message) -> None:
        self._socket.send(pb.WorkerMessage(**message).SerializeToString())

    def status(self, load: float = 0.0, full: bool = False, draining: bool = False) -> None:
        self.send(update_worker=pb.UpdateWorkerStatus(status=pb.WS_FULL if full else pb.WS_AVAILABLE, load=load,
                                                      draining=draining))
        self.send(ping=pb.WorkerPing(timestamp=7))
        self.pongs = getattr(self, "pongs", 0)
        before = self.pongs
        self.wait(lambda w: w.pongs > before, what="pong")  # the status has been read then

    def job(self, job_id: str, status: int, error: str = "") -> None:
        self.send(update_job=pb.UpdateJobStatus(job_id=job_id, status=status, error=error))

    def migrate(self, *job_ids: str) -> None:
        self.send(migrate_job=pb.MigrateJobRequest(job_ids=job_ids))

    def _read(self) -> None:
        try:
            for raw in self._socket:
                message = pb.ServerMessage()
                message.ParseFromString(raw)
                self._take(message)
        except ConnectionClosed:
            pass

    def _take(self, m) -> None:
        kind = m.WhichOneof("message")
        with self._changed:
            if kind == "register":
                self.id = m.register.worker_id
            elif kind == "availability":
                self.offers.append(m.availability.job)
            elif kind == "assignment":
                self.assigned.append(m.assignment)
            elif kind == "termination":
                self.terminated.append(m.termination.job_id)
            elif kind == "pong":
                assert m.pong.last_timestamp == 7
                self.pongs += 1
            self._changed.notify_all()
        if kind == "availability":
            job, answer = m.availability.job, self.answer(m.availability.job)
            if answer is not None:
                self.send(availability=pb.AvailabilityResponse(
                    job_id=job.id, available=answer is True, terminate=answer == "terminate",
                    participant_identity=f"agent-of-{job.id}", participant_name="By hand",
                    participant_attributes={"a": "b"}))

    def wait(self, check, timeout: float = 60, what: str = "") -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: check(self), timeout), (
                f"{what}: offers {[j.id for j in self.offers]}, assigned {[a.job.id for a in self.assigned]}, "
                f"terminated {self.terminated}")

    def claims(self) -> dict:
        return jwt.decode(self.assigned[-1].token, options={"verify_signature": False})

    def close(self) -> None:
        self._socket.close()


class RealWorker:
    """A process of livekit-agents ("python") or @livekit/agents ("node")."""

    def __init__(self, kind: str, server, **options):
        arguments = [server.url, tokens.KEY, tokens.SECRET, json.dumps(options)]
        if kind == "python":
            argv = [os.path.join(ROOT, ".cache", "venv-agents", "bin", "python"), "echo_agent.py", *arguments]
        else:
            argv = ["node", "echo_agent.mjs", *arguments]
        self._process = subprocess.Popen(argv, cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, start_new_session=True)
        self.events: list[dict] = []
        self._noise: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait("registered", 120)

    def _read(self) -> None:
        for raw in self._process.stdout:
            text = raw.decode(errors="replace")
            try:
                event = json.loads(text)
            except ValueError:
                event = None
            with self._changed:
                if isinstance(event, dict) and "event" in event:
                    self.events.append(event)
                else:
                    self._noise = [*self._noise[-30:], text]
                self._changed.notify_all()

    def count(self, event: str) -> int:
        return sum(e["event"] == event for e in self.events)

    def wait(self, event: str, timeout: float = 90, **wanted) -> dict:
        def found():
            return next((e for e in self.events if e["event"] == event
                         and all(e.get(k) == v for k, v in wanted.items())), None)

        with self._changed:
            good = self._changed.wait_for(lambda: found() or self._process.poll() is not None, timeout)
        assert good and found(), f"no {event} {wanted} in {timeout} s: {self.events}\n{''.join(self._noise)}"
        return found()

    def kill(self) -> None:
        """At once, with the processes of its jobs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(60)

    close = kill
