# SPDX-License-Identifier: Apache-2.0
"""What the images hold, run as Kubernetes would run it: the files that the Dockerfile copies, a read-only root, the image's user without
rights, the configuration that the chart makes. There is no container engine here, so the Dockerfile itself is not built."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import urllib.request

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lib import chart, image
from lib.driver import eventually
from lib.ports import free_port
from lib.server import ROOT

BUILD = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"))
MODELS = os.path.join(ROOT, ".cache", "models")
DOCKERFILE = os.path.join(ROOT, "deploy", "docker", "Dockerfile")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Root file systems by the image's name."""
    why = image.missing()
    if why:
        pytest.skip(why)
    meson = shutil.which("meson") or os.path.join(ROOT, ".cache", "venv-build", "bin", "meson")
    out = str(tmp_path_factory.mktemp("installed"))
    done = subprocess.run([meson, "install", "-C", BUILD, "--no-rebuild"], env={**os.environ, "DESTDIR": out}, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    [prefix] = [os.path.dirname(folder) for folder, _, names in os.walk(out) if folder.endswith("/bin") and "auralink-server" in names]
    where = str(tmp_path_factory.mktemp("images"))
    models = MODELS if os.path.exists(os.path.join(MODELS, "manifest.json")) else "-"
    made = {"server": ("-", "auralink-server"), "aicore": (models, "auralink-aicore")}
    for name, words in made.items():
        image.assemble(os.path.join(where, name), prefix, *words)
    os.chmod(os.path.dirname(where), 0o755)  # the image's user has to get there; in an engine it is the root
    os.chmod(where, 0o755)
    yield {name: os.path.join(where, name) for name in made}
    shutil.rmtree(where)  # half a gigabyte


@pytest.fixture(scope="module")
def mounted(tmp_path_factory, certificates):
    """Folders as the kubelet mounts Secrets: for the pod's group and nobody else."""
    where = tmp_path_factory.mktemp("mounted")
    os.chmod(where.parent, 0o755)
    os.chmod(where, 0o755)

    def folder(name: str, **files: str) -> str:
        (where / name).mkdir()
        for file, text in files.items():
            path = where / name / file.replace("_", ".")
            path.write_text(text)
            os.chown(path, 0, image.USER)
            os.chmod(path, 0o440)
        return str(where / name)

    def read(name: str) -> str:
        with open(certificates[name]) as file:
            return file.read()

    return {
        "keys": folder("keys", keys_yaml="devkey: secret\n"),
        "aicore": folder("aicore", ca_crt=read("ca.pem"), tls_crt=read("server.pem"), tls_key=read("server.key")),
        "client": folder("client", ca_crt=read("ca.pem"), tls_crt=read("client.pem"), tls_key=read("client.key")),
        "folder": folder,
    }


def has_no_rights(running: image.Running) -> None:
    """What the kernel says of the process."""
    status = running.status()
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(image.USER)} and not status["Groups"].strip()
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapInh"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    with open(f"/proc/{running.inner()}/mountinfo") as file:
        mounts = {line.split()[4]: line.split()[5].split(",") for line in file}
    assert "ro" in mounts["/"]
    assert {at for at, how in mounts.items() if "rw" in how and not at.startswith(("/dev", "/etc/"))} == {"/tmp", "/var/lib/auralink"}, mounts


def test_nothing_but_the_program(images):
    """No shell, no other program; libraries are all there; what is in it is readable for the image's user."""
    for name, root in images.items():
        runnable = {os.path.relpath(os.path.join(folder, file), root) for folder, _, files in os.walk(root) for file in files
                    if os.access(os.path.join(folder, file), os.X_OK) and ".so" not in file}
        assert runnable == {f"usr/bin/auralink-{name}"}
        for folder, _, files in os.walk(root):
            for file in files:
                assert os.stat(os.path.join(folder, file)).st_mode & 0o004, (folder, file)
        done = subprocess.run(["chroot", root, f"/usr/bin/auralink-{name}", "--version"], capture_output=True, text=True)
        assert done.stdout.startswith(f"auralink-{name} "), done.stderr


def test_dockerfile():
    """Each image is a root file system of the script's, and the user is the chart's."""
    with open(DOCKERFILE) as file:
        text = file.read()
    built = set(re.findall(r"rootfs\.sh (/image/\w+)", text))
    for stage in ("server", "aicore", "recording"):
        part = text.split(f"FROM scratch AS {stage}\n")[1].split("FROM ")[0]
        [source] = re.findall(r"COPY --from=build (\S+) /\n", part)
        assert source in built and f"USER {image.USER}:{image.USER}" in part
        assert part.count("COPY") == 1 and "RUN" not in part
    [server] = chart.of(chart.rendered("--set", chart.KEYS), "StatefulSet")
    assert server["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == image.USER


@pytest.fixture
def core(images, mounted, tmp_path):
    """AI Core with the chart's arguments, on ports of the test's own."""
    [deployment] = chart.of(chart.rendered("--set", chart.KEYS), "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    grpc_port, http_port = free_port(), free_port()
    replaced = {"--listen=0.0.0.0:50051": f"--listen=0.0.0.0:{grpc_port}", "--http=0.0.0.0:9051": f"--http=127.0.0.1:{http_port}"}
    arguments = [replaced.get(a, a) for a in container["args"]]
    assert set(replaced.values()) < set(arguments)
    running = image.Running(images["aicore"], ["/usr/bin/auralink-aicore", *arguments], str(tmp_path / "aicore.log"),
                            {"/etc/auralink/aicore": mounted["aicore"]},
                            {"AURALINK_AICORE_MODELS": "/usr/share/auralink/models"}
                            if os.path.isdir(os.path.join(images["aicore"], "usr/share/auralink/models")) else {})
    running.grpc_port, running.http_port = grpc_port, http_port

    def up() -> bool:
        assert running.process.poll() is None, running.log()
        return "listening {" in running.log()

    try:
        eventually(up, 120, what="AI Core serves")
        yield running
    finally:
        status = running.stop()
    assert status == 0, running.log()


@pytest.fixture
def pod(images, mounted, core, tmp_path):
    """The server with the chart's configuration, AI Core behind mutual TLS; ports and AI Core's name are the test's."""
    ports = {"http": free_port(), "metrics": free_port(), "udp": free_port(socket.SOCK_DGRAM), "tcp": free_port()}
    values = {"server": {"media": {"workers": 2}, "config": {
        "port": ports["http"], "prometheus": {"port": ports["metrics"]}, "rtc": {"udp_port": ports["udp"], "tcp_port": ports["tcp"]},
        "aic": {"ai_core": {"address": f"localhost:{core.grpc_port}"}}}}, "auth": {"existingSecret": "auralink-keys"}}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    objects = chart.rendered("-f", str(tmp_path / "values.yaml"))
    [server] = chart.of(objects, "StatefulSet")
    [container] = server["spec"]["template"]["spec"]["containers"]
    name = "auralink-server-0"
    arguments = [a.replace("$(POD_NAME)", name) for a in container["args"]]
    files = {key.replace(".", "_"): text for key, text in chart.configs(objects).items()}
    config = mounted["folder"](f"config{ports['http']}", **files)
    running = image.Running(images["server"], ["/usr/bin/auralink-server", *arguments], str(tmp_path / "server.log"),
                            {"/etc/auralink/config": config, "/etc/auralink/keys": mounted["keys"],
                             "/etc/auralink/aicore": mounted["client"]},
                            {"POD_NAME": name, "NODE_IP": "127.0.0.1"})
    running.http_url, running.url = f"http://127.0.0.1:{ports['http']}", f"ws://127.0.0.1:{ports['http']}"
    running.metrics_url = f"http://127.0.0.1:{ports['metrics']}/metrics"

    def up() -> bool:
        assert running.process.poll() is None, running.log()
        try:
            return get(running.http_url + "/readyz") == 200
        except OSError:
            return False

    try:
        eventually(up, 60, what="the server is ready")
        yield running
    finally:
        status = running.stop()
    assert status == 0, running.log()


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.status


def samples(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in answer.read().decode().splitlines()) if k[:1] != "#"}


def test_aicore(core, certificates):
    """It answers gRPC health to who has a certificate, and the kubelet's probes; it has its models and no rights."""
    def content(name: str) -> bytes:
        with open(certificates[name], "rb") as file:
            return file.read()

    credentials = grpc.ssl_channel_credentials(content("ca.pem"), content("client.key"), content("client.pem"))
    with grpc.secure_channel(f"localhost:{core.grpc_port}", credentials) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert get(f"http://127.0.0.1:{core.http_port}/healthz") == 200
    has_no_rights(core)
    assert "no_sandbox" not in core.log() and '"event":"started"' in core.log()
    if os.path.exists(os.path.join(MODELS, "manifest.json")):
        assert core.log().count('"loaded":"yes"') == 5, core.log()


@pytest.mark.timeout(400)
def test_call(pod, core, room_on, record):
    """Two real clients call through the pods; AI Core compresses what one of them shows; SIGTERM drains."""
    room = room_on(pod)
    sender, viewer = room.join("node", "sender"), room.join("python", "viewer")
    sender.call("publishVideo", width=640, height=360, fps=15)
    viewer.wait("trackSubscribed")
    eventually(lambda: samples(f"http://127.0.0.1:{core.http_port}/metrics")["auralink_aicore_frames_total"] > 30, 120,
               what="AI Core gets frames, by mutual TLS")
    eventually(lambda: samples(pod.metrics_url).get('auralink_aic_tracks{state="warming"}', 0) +
               samples(pod.metrics_url).get('auralink_aic_tracks{state="active"}', 0) == 1, 120, what="the track is at AI Core")
    has_no_rights(pod)
    has_no_rights(core)
    with open(f"/proc/{pod.inner()}/status") as file:
        record(server_rss_kib=int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)))
    pod.terminate()
    eventually(lambda: viewer.find("reconnecting") or viewer.find("disconnected"), what="the client is told to go elsewhere")
    eventually(lambda: pod.process.poll() is not None, 90, what="the drained pod ends")
    assert pod.process.returncode == 0, pod.log()
