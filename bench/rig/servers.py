# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared, each behind the same interface: start, url, pid, version, stop.

All of them listen on 127.0.0.1, on free ports, and take join tokens of KEY and SECRET.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from lib.ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(ROOT, ".cache", "bench")
PEERS = os.path.join(ROOT, "bench", "peers")
KEY = "devkey"
SECRET = "secret"
START_TIMEOUT_S = 30


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Server:
    """One server process; subclasses say how it is started. A context manager."""

    name = ""

    def __init__(self, workers: int = 1, config: dict | None = None, cores: set[int] | None = None,
                 other_cores: set[int] | None = None):
        """`cores` are for the process that carries the media, `other_cores` for what stands beside it."""
        self.workers = workers
        self.config = config or {}
        self.cores = cores or os.sched_getaffinity(0)
        self.other_cores = other_cores or self.cores
        self.pid = 0
        self.url = ""
        self.version = ""
        self._folder = tempfile.TemporaryDirectory(prefix=f"bench-{self.name}-")
        self.log_path = os.path.join(self._folder.name, "server.log")
        self._log = None
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Server":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> None:
        raise NotImplementedError

    def _spawn(self, argv: list[str], cores: set[int], env: dict | None = None, **pipes) -> subprocess.Popen:
        self._log = open(self.log_path, "wb")
        streams = {"stdin": subprocess.DEVNULL, "stdout": self._log, "stderr": self._log, **pipes}
        self.process = subprocess.Popen(
            argv, env={**os.environ, **(env or {})}, preexec_fn=lambda: os.sched_setaffinity(0, cores), **streams
        )
        return self.process

    def tail(self, size: int = 3000) -> str:
        with open(self.log_path, "rb") as file:
            return file.read()[-size:].decode(errors="replace")

    def _wait_for_http(self, url: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} exited with {self.process.returncode}:\n{self.tail()}")
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not answer {url}:\n{self.tail()}") from None
                time.sleep(0.05)

    def alive(self) -> bool:
        return self.process.poll() is None

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def rss_kib(self) -> int:
        return rss_kib(self.pid)

    def log_after_stop(self) -> str:
        """Stops it and returns all that it said."""
        self._end()
        with open(self.log_path, errors="replace") as file:
            log = file.read()
        self.stop()
        return log

    def stop(self) -> None:
        self._end()
        self._folder.cleanup()

    def _end(self) -> None:
        if self.process and self.process.poll() is None:
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                self.process.send_signal(number)
                try:
                    self.process.wait(5)
                    break
                except subprocess.TimeoutExpired:
                    continue
        if self._log:
            self._log.close()
            self._log = None


class AuraLink(Server):
    name = "auralink"

    def __init__(self, *arguments, build: str = "build", **options):
        super().__init__(*arguments, **options)
        self.udp_port = 0
        self.program = os.path.join(ROOT, build, "src", "cmd", "auralink-server")

    def start(self) -> None:
        port, path = free_port(), os.path.join(self._folder.name, "config.yaml")
        with open(path, "w") as file:
            json.dump(self.config, file)  # JSON is YAML
        argv = [self.program, "--dev", "--bind", "127.0.0.1", "--node-ip", "127.0.0.1", "--config", path]
        self.udp_port = free_port(socket.SOCK_DGRAM)
        argv += ["--port", str(port), "--udp-port", str(self.udp_port)]
        argv += ["--tcp-port", str(free_port()), "--workers", str(self.workers)]
        self.pid = self._spawn(argv, self.cores).pid
        self.url = f"ws://127.0.0.1:{port}"
        self._wait_for_http(f"http://127.0.0.1:{port}/")
        self.version = version_of([self.program, "--version"])

    def text(self, path: str, token: str = "") -> str:
        """What a GET answers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url.replace("ws:", "http:") + path, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read().decode()

    def metrics(self) -> dict[str, float]:
        """Prometheus samples by full series name."""
        lines = self.text("/metrics").splitlines()
        lines = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    def total(self, name: str) -> float:
        """The sum of a metric's series, of which there must be one."""
        found = [v for k, v in self.metrics().items() if k.partition("{")[0] == name]
        if not found:
            raise KeyError(name)
        return sum(found)


class LiveKit(Server):
    name = "livekit"
    program = os.path.join(CACHE, "livekit-server")

    def start(self) -> None:
        port = free_port()
        config = {
            "port": port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {KEY: SECRET},
            "logging": {"level": "error"},
            **self.config,
            "rtc": {
                "udp_port": free_port(socket.SOCK_DGRAM),
                "tcp_port": free_port(),
                "node_ip": "127.0.0.1",
                "enable_loopback_candidate": True,
                "use_ice_lite": True,
                "ips": {"includes": ["127.0.0.0/8"]},
                **self.config.get("rtc", {}),
            },
        }
        path = os.path.join(self._folder.name, "config.yaml")
        with open(path, "w") as file:
            json.dump(config, file)
        self.pid = self._spawn([self.program, "--config", path], self.cores).pid
        self.url = f"ws://127.0.0.1:{port}"
        self._wait_for_http(f"http://127.0.0.1:{port}/")
        self.version = version_of([self.program, "--version"])


class Adapter(Server):
    """A peer behind an adapter of bench/peers: the adapter tells url, pid and version in one line."""

    script = ""
    environment: dict[str, str] = {}

    def start(self) -> None:
        argv = ["node", os.path.join(PEERS, self.script), "--port", str(free_port())]
        argv += ["--key", KEY, "--secret", SECRET]
        self._spawn(argv, self.other_cores, self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError(f"{self.name} did not start:\n{self.tail()}")
        answer = json.loads(line)
        self.url, self.pid, self.version = answer["url"], answer["pid"], answer["version"]
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            os.sched_setaffinity(int(thread), self.cores)  # later threads inherit it


class Mediasoup(Adapter):
    name = "mediasoup"
    script = "mediasoup/adapter.mjs"
    environment = {"MEDIASOUP_WORKER_BIN": os.path.join(CACHE, "mediasoup", "build", "mediasoup-worker")}


class Janus(Adapter):
    name = "janus"
    script = "janus/adapter.mjs"


def version_of(argv: list[str]) -> str:
    """The first thing that looks like a version in what a program says about itself."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[\w.+-]*", done.stdout + done.stderr)
    return found.group(0) if found else "?"


SERVERS = {kind.name: kind for kind in (AuraLink, LiveKit, Janus, Mediasoup)}
