# SPDX-License-Identifier: Apache-2.0
"""A redis-server of the test's own, that can be stopped and started again on its port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from lib.driver import PATIENCE_S, eventually
from lib.ports import free_port


class Redis:
    """It forgets everything when it ends."""

    def __init__(self, words: list[str] | None = None, password: str = "", sentinel_of: Redis | None = None):
        self.port = free_port()
        self.host = "127.0.0.1"
        self._password = password
        self._folder = tempfile.TemporaryDirectory(prefix="interop-redis-")
        self._words = ["--save", "", "--appendonly", "no", *(words or [])]
        if sentinel_of:  # it keeps its state in its configuration
            path = os.path.join(self._folder.name, "sentinel.conf")
            with open(path, "w") as file:
                file.write(f"sentinel monitor mymaster 127.0.0.1 {sentinel_of.port} 1\n")
            self._words = [path, *(words or [])]
        self.process: subprocess.Popen | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        first = self._words[:1] if self._words[0].endswith(".conf") else []
        self.process = subprocess.Popen(
            ["redis-server", *first, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self._folder.name,
             "--loglevel", "warning", *self._words[len(first):]],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        eventually(lambda: self._answers(), PATIENCE_S, 0.05, "redis-server answers")

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"redis-server ended with {self.process.returncode}"
        return self.cli("ping", check=False) == "PONG"

    def cli(self, *words: str, check: bool = True) -> str:
        env = {**os.environ, **({"REDISCLI_AUTH": self._password} if self._password else {})}
        done = subprocess.run(["redis-cli", "-h", self.host, "-p", str(self.port), *words], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=check, env=env)
        return done.stdout.strip()

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()

    @staticmethod
    def missing() -> str | None:
        """Why it cannot be run here; None: it can."""
        found = shutil.which("redis-server") and shutil.which("redis-cli")
        return None if found or os.environ.get("AURA_REDIS_REQUIRED") else "no redis-server here (tools/deps.sh test)"
