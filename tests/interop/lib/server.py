# SPDX-License-Identifier: Apache-2.0
"""Starts the server under test on free ports and looks into it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

from lib.driver import PATIENCE_S, eventually
from lib.ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


@contextlib.contextmanager
def first_in_line(urgent: bool = False):
    """What is started within gets a processor before all others, where we may say so: it is what the tests are about, on a
    machine whose clients would not leave it any.

    @param urgent  at once, even from others that run (SCHED_RR): for what has milliseconds to answer and little to do"""
    own = os.getpriority(os.PRIO_PROCESS, 0)  # of this thread; a process that it starts has the same
    policy, place = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, own - 10)
    try:
        if urgent:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        yield
    finally:
        os.sched_setscheduler(0, policy, place)
        os.setpriority(os.PRIO_PROCESS, 0, own)


class Server:
    """One server process.

    AURA_SERVER_CMD replaces the program (a sanitizer build, a wrapper like `valgrind`, another LiveKit
    server). A name that contains `livekit` in AURA_SERVER_KIND makes the differences in flags.
    """

    def __init__(self, node_ip: str | None = "127.0.0.1", config: dict | None = None, netns: str | None = None,
                 bind: str = "127.0.0.1", extra: list[str] | None = None, ports: dict | None = None,
                 ca_file: str | None = None, host: str | None = None, urgent: bool = False):
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else None  # `config` has its certificate
        self.node_ip = node_ip
        self.bind, self.host = bind, host or bind  # what it listens on, how it is reached
        self.netns = netns
        self.http_port = (ports or {}).get("http") or free_port()
        self.udp_port = (ports or {}).get("udp") or free_port(socket.SOCK_DGRAM)
        self.tcp_port = (ports or {}).get("tcp") or free_port()
        self._config_dir = tempfile.TemporaryDirectory(prefix="interop-")
        self.log_path = os.path.join(self._config_dir.name, "server.log")
        argv = self._argv(config or {}) + (extra or [])
        self._log = open(self.log_path, "wb")
        env = {**os.environ, "XDG_CACHE_HOME": self._config_dir.name}  # what --dev keeps ends with the test
        with first_in_line(urgent):
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, env=env
            )
        self._wait_until_up()

    @staticmethod
    def is_reference() -> bool:
        """True when the harness itself is being checked against another LiveKit server."""
        return "livekit" in os.environ.get("AURA_SERVER_KIND", "")

    def _argv(self, config: dict) -> list[str]:
        command = os.environ.get("AURA_SERVER_CMD") or os.path.join(
            ROOT, os.environ.get("AURA_BUILD", "build"), "auralink-server"
        )
        argv = [*shlex.split(command), "--dev", "--bind", self.bind]
        if self.is_reference():
            config = self._reference_config(config)
        else:
            self.metrics_port = self.http_port
            argv += ["--port", str(self.http_port), "--tcp-port", str(self.tcp_port)]
            if not config.get("rtc", {}).get("port_range_start"):
                argv += ["--udp-port", str(self.udp_port)]
            if self.node_ip:
                argv += ["--node-ip", self.node_ip]
        if config:
            path = os.path.join(self._config_dir.name, "config.yaml")
            with open(path, "w") as file:
                json.dump(config, file)  # JSON is YAML
            argv += ["--config", path]
        if self.netns:
            argv = ["ip", "netns", "exec", self.netns] + argv
        return argv

    def _reference_config(self, config: dict) -> dict:
        self.metrics_port = free_port()
        rtc = {
            "udp_port": self.udp_port,
            "tcp_port": self.tcp_port,
            "node_ip": self.node_ip,
            "enable_loopback_candidate": True,
            # 1.13.5 with ice-lite answers setup:active, which Firefox never finishes.
            "use_ice_lite": self.node_ip == "127.0.0.1",
        }
        return {
            "port": self.http_port,
            "prometheus_port": self.metrics_port,
            "keys": {"devkey": "secret"},
            **config,
            "rtc": {**rtc, **config.get("rtc", {})},
        }

    def _wait_until_up(self) -> None:
        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"server exited with {self.process.returncode}:\n{self.tail()}")
            try:
                return self.get("/")[0] == 200
            except OSError:
                return False

        eventually(up, 60, 0.05, "server answers GET /")

    @property
    def authority(self) -> str:
        """host:port as URLs have it."""
        return f"[{self.host}]:{self.http_port}" if ":" in self.host else f"{self.host}:{self.http_port}"

    @property
    def url(self) -> str:
        return f"{'wss' if self._tls else 'ws'}://{self.authority}"

    @property
    def http_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.authority}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def get(self, path: str, headers: dict | None = None, port: int | None = None, timeout: float = PATIENCE_S):
        """(status, text, headers) of a GET; HTTP errors are results, not exceptions."""
        base = self.http_url if port is None else f"http://{self.host}:{port}"
        request = urllib.request.Request(base + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self._tls) as answer:
                return answer.status, answer.read().decode(errors="replace"), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace"), dict(error.headers)

    def metrics(self) -> dict[str, float]:
        """Prometheus samples, one entry for each full series name with labels."""
        status, text, _ = self.get("/metrics", port=self.metrics_port if self.metrics_port != self.http_port else None)
        assert status == 200, f"/metrics answered {status}"
        out = {}
        for line in text.splitlines():
            match = re.match(r"^([a-zA-Z_:][^ ]*(?:\{.*\})?) ([^ ]+)", line)
            if match and not line.startswith("#"):
                out[match.group(1)] = float(match.group(2))
        return out

    def metric(self, *needles: str) -> float:
        """Sum of all series whose name (with labels) contains every needle; there must be one."""
        found = [v for k, v in self.metrics().items() if all(n in k for n in needles)]
        assert found, f"no metric with {needles}"
        return sum(found)

    def rss_kib(self) -> int:
        with open(f"/proc/{self._worker_pid()}/status") as file:
            for line in file:
                if line.startswith("VmRSS"):
                    return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def cpu_seconds(self) -> float:
        with open(f"/proc/{self._worker_pid()}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _worker_pid(self) -> int:
        return self.process.pid  # `ip netns exec` replaces itself

    def tail(self, size: int = 6000) -> str:
        with open(self.log_path, "rb") as file:
            return file.read()[-size:].decode(errors="replace")

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait_exit(self, timeout: float) -> int:
        return self.process.wait(timeout)

    def stop(self, timeout: float = PATIENCE_S) -> int:
        """SIGTERM twice (the second forces), then reports the exit status; a hang is a failure."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGTERM)
                try:
                    self.process.wait(timeout)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
                    raise AssertionError(f"server did not stop in {timeout} s:\n{self.tail()}") from None
        status = self.process.returncode
        self._log.close()
        return status

    def cleanup(self) -> None:
        self._config_dir.cleanup()
