# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the server under test, client processes that are shared by all tests, results."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import tokens  # noqa: E402
from lib.driver import HERE, ClientError, Driver  # noqa: E402
from lib.namespace import Namespace  # noqa: E402
from lib.server import ROOT, Server  # noqa: E402

RESULTS: dict[str, dict] = {}
_serial = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "smoke: the few tests that sanitizer builds run")
    config.addinivalue_line("markers", "browser: needs Chromium")
    config.addinivalue_line("markers", "firefox: needs Firefox and network namespaces")
    config.addinivalue_line("markers", "slow: takes more than half a minute")


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        server = item.funcargs.get("server") or item.funcargs.get("own_server")
        if isinstance(server, Server):
            report.sections.append(("server log", server.tail()))


def pytest_sessionfinish(session, exitstatus):
    path = os.environ.get("AURA_INTEROP_RESULTS")
    if path and RESULTS:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            json.dump(RESULTS, file, indent=1, sort_keys=True)


@pytest.fixture
def record(request):
    """record(name=value, ...) keeps figures for the results file and prints them."""

    def put(**figures):
        RESULTS.setdefault(request.node.name, {}).update(figures)
        print(" ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in figures.items()))

    return put


@pytest.fixture(scope="session")
def _shared_server():
    server = Server()
    yield server
    status = server.stop()
    tail = server.tail()
    server.cleanup()
    assert status == 0, f"server ended with {status}:\n{tail}"


@pytest.fixture
def server(_shared_server):
    """The server that most tests share; it must be alive after each."""
    yield _shared_server
    assert _shared_server.alive(), f"the server died:\n{_shared_server.tail()}"


@pytest.fixture
def start_server():
    """start_server(**Server arguments): a server of the test's own, stopped at its end."""
    started = []

    def start(**arguments):
        server = Server(**arguments)
        started.append(server)
        return server

    yield start
    bad = []
    for server in started:
        try:
            status = server.stop()
            if status and not Server.is_reference():  # sanitizers report leaks and races by it
                bad.append(f"server ended with {status}:\n{server.tail()}")
        finally:
            server.cleanup()
    assert not bad, "\n".join(bad)


@pytest.fixture
def space():
    """A network namespace with a link to this one."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft"):
        pytest.skip("needs root, iproute2 and nftables for a network namespace")
    try:
        made = Namespace()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace here: {error.stderr}")
    yield made
    made.remove()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Files by name: an authority, its server and client, and a stranger that another one vouches for."""
    folder = tmp_path_factory.mktemp("tls")

    def run(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout",
            f"{name}.key", "-out", f"{name}.pem")
    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
            f"{name}.csr")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
            "-days", "2", "-extfile", "san", "-out", f"{name}.pem")
    return {path.name: str(path) for path in folder.iterdir()}


class Drivers:
    """Client processes by kind, started on first use."""

    def __init__(self):
        self._drivers: dict[str, Driver] = {}

    def add(self, kind: str, argv: list[str]) -> None:
        """A client process with arguments of its own."""
        self._drivers[kind] = Driver(kind, argv)

    def remove(self, kind: str) -> None:
        driver = self._drivers.pop(kind, None)
        if driver:
            driver.stop()

    def get(self, kind: str) -> Driver:
        driver = self._drivers.get(kind)
        if driver is None or driver._dead:
            driver = self._drivers[kind] = self._start(kind)
        return driver

    @staticmethod
    def _start(kind: str) -> Driver:
        if kind.startswith("node"):
            return Driver(kind, ["node", "clients/node_client.mjs"], env={"RUST_LOG": "warn"})
        if kind.startswith("python"):
            return Driver(kind, [sys.executable, "clients/python_client.py"])
        if kind.startswith("chromium"):
            return Driver(kind, ["node", "clients/browser_client.mjs", "chromium"])
        raise AssertionError(f"no client kind {kind}")

    def stop(self):
        for driver in self._drivers.values():
            driver.stop()


@pytest.fixture(scope="session")
def drivers():
    holder = Drivers()
    yield holder
    holder.stop()


@pytest.fixture(scope="module")
def firefox(drivers):
    """A network namespace in which clients of the kind "firefox" run; the module is skipped without one."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2 for a network namespace")
    if not shutil.which(os.environ.get("AURA_FIREFOX", "firefox-esr")) and not shutil.which("firefox"):
        pytest.skip("no Firefox")
    try:
        space = Namespace()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace here: {error.stderr}")
    try:
        drivers.add("firefox", space.command(["node", "clients/browser_client.mjs", "firefox"]))
        yield space
    finally:
        drivers.remove("firefox")
        space.remove()


class Room:
    """A room of the test's own, and its clients."""

    def __init__(self, drivers: Drivers, server: Server, name: str):
        self.drivers, self.server, self.name = drivers, server, name
        self.clients = []

    def join(self, kind: str, identity: str, *, token: str | None = None, grants: dict | None = None,
             url: str | None = None, timeout: float = 60, **options):
        """kind is node, python, chromium or chromium-v0 (two peer connections)."""
        if kind.endswith("-v0"):
            kind, options["singlePc"] = kind[:-3], False
        client = self.drivers.get(kind).client(f"{self.name}/{identity}/{next(_serial)}")
        self.clients.append(client)
        token = token or tokens.join(identity, self.name, **(grants or {}))
        client.join_answer = client.connect(url or self.server.url, token, timeout, **options)
        return client

    def close(self):
        for client in self.clients:
            try:
                client.disconnect()
            except (ClientError, TimeoutError):
                pass


@pytest.fixture
def room(request, drivers, server):
    holder = Room(drivers, server, f"{request.node.name[:60]}-{next(_serial)}-{int(time.time())}")
    yield holder
    holder.close()


@pytest.fixture
def room_on(request, drivers):
    """room_on(server): a room on a server that the test started itself."""
    held = []

    def make(server: Server, name: str | None = None) -> Room:
        holder = Room(drivers, server, name or f"{request.node.name[:60]}-{next(_serial)}")
        held.append(holder)
        return holder

    yield make
    for holder in held:
        holder.close()


__all__ = ["HERE", "ROOT"]
