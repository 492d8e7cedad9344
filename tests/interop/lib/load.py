# SPDX-License-Identifier: Apache-2.0
"""`auralink load-test` as a process, and its figures."""

from __future__ import annotations

import json
import subprocess

from lib.media import program


def start(url: str, *options: str) -> subprocess.Popen:
    argv = [*program(), "load-test", "--url", url, "--json", *options]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen, timeout: float = 90) -> dict:
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, f"status {process.returncode}\n{err}\n{out}"
    return json.loads(out)
