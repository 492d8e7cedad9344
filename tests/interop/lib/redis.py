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
    """It forgets everything when it ends, unless `save()` was called before."""

    def __init__(self, words: list[str] | None = None, host: str = "127.0.0.1"):
        self.port = free_port()
        self.host = host
        self._words = words or []
        self._folder = tempfile.TemporaryDirectory(prefix="interop-redis-")
        self.process: subprocess.Popen | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self._folder.name, "--save", "",
             "--appendonly", "no", "--loglevel", "warning", *self._words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        eventually(lambda: self._answers(), PATIENCE_S, 0.05, "redis-server answers")

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"redis-server ended with {self.process.returncode}"
        return self.cli("ping", check=False) == "PONG"

    def cli(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(["redis-cli", "-h", self.host, "-p", str(self.port), *words], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=check)
        return done.stdout.strip()

    def save(self) -> None:
        assert self.cli("save") == "OK"

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
