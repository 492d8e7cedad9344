# SPDX-License-Identifier: Apache-2.0
"""deploy/machines, deploy/compose and the units: files that go together, read by the programs that they are for."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess

import pytest
import yaml

from lib.media import program
from lib.server import ROOT

DEPLOY = os.path.join(ROOT, "deploy")
MACHINES = os.path.join(DEPLOY, "machines")
CREDENTIALS = "/run/credentials/auralink-server.service"
SERVERS = sorted(os.path.relpath(os.path.join(folder, name), MACHINES) for folder, _, names in os.walk(MACHINES) for name in names
                 if name.endswith(".yaml"))


def beside(name: str) -> str:
    return os.path.join(os.path.dirname(program()[-1]), name)


def loaded(unit: str, *more: str) -> set[str]:
    """Names of the credentials that the unit's drop-ins give it."""
    found = set()
    for path in (os.path.join("systemd", f"{unit}.d", "secrets.conf"), *more):
        with open(os.path.join(MACHINES, path)) as file:
            found |= set(re.findall(r"^LoadCredential=([^:]+):/etc/auralink/", file.read(), re.M))
    return found


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """What deploy/certificates.sh makes, and keys."""
    where = tmp_path_factory.mktemp("keys")
    subprocess.run([os.path.join(DEPLOY, "certificates.sh"), where, "aicore.example.com", "10.0.0.3"], check=True, capture_output=True)
    (where / "server" / "keys.yaml").write_text("APIkey: a-secret-that-is-long-enough-for-a-test\n")
    (where / "server" / "keys.yaml").chmod(0o440)
    for mine, name in (("ca.crt", "node-ca.crt"), ("tls.crt", "node.crt"), ("tls.key", "node.key")):
        shutil.copy(where / "node" / mine, where / "server" / name)
    return where


@pytest.mark.parametrize("name", SERVERS)
def test_servers(name, keys, tmp_path):
    """The server accepts the file with nothing but the credentials that the unit (and compose) gives it."""
    with open(os.path.join(MACHINES, name)) as file:
        text = file.read()
    more = [os.path.join("three", "auralink-server.service.d", "cluster.conf")] if name.startswith("three") else []
    assert set(re.findall(rf"{CREDENTIALS}/([a-z.-]+)", text)) == loaded("auralink-server.service", *more)
    (tmp_path / "auralink.yaml").write_text(text.replace(CREDENTIALS, str(keys / "server")))
    done = subprocess.run([beside("auralink-server"), "--config", tmp_path / "auralink.yaml", "--config-check"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "warning" in line], done.stderr


def test_certificates(keys):
    """Each is good for its own side alone, AI Core's for the name in the configuration; keys are for their owner; a second run keeps the
    authority."""
    def verify(which: str, *words: str) -> bool:
        return subprocess.run(["openssl", "verify", "-CAfile", keys / which / "ca.crt", *words, keys / which / "tls.crt"],
                              capture_output=True).returncode == 0

    assert verify("aicore", "-purpose", "sslserver", "-verify_hostname", "aicore.example.com")
    assert verify("aicore", "-purpose", "sslserver", "-verify_ip", "10.0.0.3")
    assert not verify("aicore", "-purpose", "sslserver", "-verify_hostname", "other.example.com")
    assert verify("server", "-purpose", "sslclient") and not verify("server", "-purpose", "sslserver")
    assert not verify("aicore", "-purpose", "sslclient")
    assert verify("node", "-purpose", "sslclient") and verify("node", "-purpose", "sslserver")
    assert (keys / "node" / "ca.crt").read_bytes() != (keys / "ca.crt").read_bytes(), "who proves an AI Core is no server"
    assert all(os.stat(keys / which).st_mode & 0o077 == 0 for which in ("ca.key", "node-ca.key", "aicore/tls.key", "server/tls.key", "node/tls.key"))
    before = (keys / "ca.crt").read_bytes()
    subprocess.run([os.path.join(DEPLOY, "certificates.sh"), keys, "aicore.example.com"], check=True, capture_output=True)
    assert (keys / "ca.crt").read_bytes() == before and verify("aicore", "-purpose", "sslserver")


def test_aicore_reads_its_arguments(keys):
    """AI Core starts with aicore.env's words, its files where they are here, and ends by SIGTERM."""
    with open(os.path.join(MACHINES, "aicore.env")) as file:
        [line] = re.findall(r"^AURALINK_AICORE_ARGS=(.*)$", file.read(), re.M)
    place = "/run/credentials/auralink-aicore.service"
    assert set(re.findall(rf"{place}/([a-z.]+)", line)) == loaded("auralink-aicore.service")
    words = line.replace(place, str(keys / "aicore")).replace("0.0.0.0:50051", "127.0.0.1:0").replace("0.0.0.0:9051", "127.0.0.1:0").split()
    process = subprocess.Popen([beside("auralink-aicore"), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert any(said.startswith("listening {") for said in process.stdout)
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(120) == 0


def test_units(tmp_path):
    """systemd finds nothing wrong with the units and what deploy/machines drops into them, but that the programs aren't installed here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    for name in ("auralink-server.service", "auralink-aicore.service"):
        shutil.copy(os.path.join(DEPLOY, "systemd", name), tmp_path)
        shutil.copytree(os.path.join(MACHINES, "systemd", f"{name}.d"), tmp_path / f"{name}.d")
        for more in glob.glob(os.path.join(MACHINES, "three", f"{name}.d", "*.conf")):
            shutil.copy(more, tmp_path / f"{name}.d")
        done = subprocess.run(["systemd-analyze", "verify", "--recursive-errors=no", tmp_path / name], capture_output=True, text=True,
                              env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
        complaints = [line for line in done.stderr.splitlines() if re.search("auralink|secrets.conf|cluster.conf", line) and "is not executable" not in line]
        assert not complaints, complaints
    with open(tmp_path / "auralink-aicore.service.d" / "secrets.conf", "a") as file:
        file.write("LoadCredentail=a:b\n")
    done = subprocess.run(["systemd-analyze", "verify", "--recursive-errors=no", tmp_path / "auralink-aicore.service"], capture_output=True,
                          text=True, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
    assert "LoadCredentail" in done.stderr, "drop-ins are looked at"


def test_compose():
    """There is no compose here to ask: what it mounts is what the configuration names, its ports are the configuration's, nobody is root."""
    with open(os.path.join(DEPLOY, "compose", "compose.yaml")) as file:
        services = yaml.safe_load(file)["services"]
    mounts = {m.split(":")[-2] for m in services["server"]["volumes"] if m.endswith(":ro")}
    with open(os.path.join(MACHINES, "three", "media-1.yaml")) as file:
        text = file.read()
    assert set(re.findall(rf"{CREDENTIALS}/[a-z.-]+", text)) == {m for m in mounts if m.startswith("/run/")}
    config = yaml.safe_load(text)
    mapped = {p.split(":")[-1] for p in services["server"]["ports"]}
    assert mapped == {f"{config['port']}/tcp", f"{config['rtc']['tcp_port']}/tcp", f"{config['rtc']['udp_port']}/udp",
                      f"{config['prometheus']['port']}/tcp", f"{config['cluster']['port']}/tcp"}
    grace = int(services["server"]["stop_grace_period"].rstrip("s"))
    assert grace > int(config["drain_timeout"].rstrip("s"))
    assert config["aic"]["ai_core"]["address"].split(":")[0] in services["aicore"]["networks"]["default"]["aliases"]
    with open(os.path.join(DEPLOY, "docker", "Dockerfile")) as file:
        stages = set(re.findall(r"^FROM \S+ AS (\w+)$", file.read(), re.M))
    for name, service in services.items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and not service["user"].startswith("0"), name
        assert "build" not in service or service["build"]["target"] in stages
