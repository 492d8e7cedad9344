# SPDX-License-Identifier: Apache-2.0
"""A real coturn with the configuration that `auralink turn config` writes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile

from lib.driver import eventually
from lib.ports import free_port
from lib.server import ROOT

SECRET = "a-secret-of-the-tests-0123456789"


def auralink(*words: str, **options) -> subprocess.CompletedProcess:
    program = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink")
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=60, **options)


class Coturn:
    """Listens on `host`; `config` is what the server's configuration needs to tell clients of it.

    `command` makes the words that run it elsewhere, as Namespace.command() does.
    """

    def __init__(self, host: str, peer: str, certificate: str = "", key: str = "", ttl: int = 3600, command=list):
        self._command = command
        self.host, self.port, self.tls_port = host, free_port(), free_port() if certificate else 0
        first = 40000 + os.getpid() % 100 * 200
        self.config = {
            "turn": {
                "enabled": True, "domain": host, "secret": SECRET, "udp_port": self.port, "tls_port": self.tls_port,
                "cert_file": certificate, "key_file": key, "relay_range_start": first, "relay_range_end": first + 199,
                "bind_addresses": [host], "ttl_seconds": ttl,
            },
            "rtc": {"node_ip": peer},
        }
        self._folder = tempfile.TemporaryDirectory(prefix="coturn-")
        where = os.path.join(self._folder.name, "server.yaml")
        with open(where, "w") as file:
            json.dump(self.config, file)
        self.path, self.log_path = os.path.join(self._folder.name, "turn.conf"), os.path.join(self._folder.name, "log")
        done = auralink("turn", "config", "--config", where, "--output", self.path)
        assert done.returncode == 0, done.stderr
        self._start()

    def _start(self) -> None:
        self._log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            self._command(["turnserver", "-c", self.path, "-l", "stdout", "--simple-log", "-v", "--pidfile",
                           os.path.join(self._folder.name, "pid"), "--userdb",
                           os.path.join(self._folder.name, "db")]),
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )
        for port in filter(None, (self.port, self.tls_port)):
            eventually(lambda: self._listens(port), 60, 0.05, f"coturn listens on {port}: {self.log()[-800:]}")

    @staticmethod
    def there() -> bool:
        return shutil.which("turnserver") is not None

    def _listens(self, port: int) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            socket.create_connection((self.host, port), 1).close()
            return True
        except OSError:
            return False

    def log(self) -> str:
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def _end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._log.close()

    def restart(self) -> None:
        """With what its file says now."""
        self._end()
        self._start()

    def stop(self) -> None:
        self._end()
        self._folder.cleanup()
