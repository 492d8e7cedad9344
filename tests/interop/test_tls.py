# SPDX-License-Identifier: Apache-2.0
"""TLS of the HTTP port, and SIGHUP: a new certificate, keys and limits while a call goes on."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys

import pytest

from lib import tokens
from lib.driver import HERE, ClientError, eventually
from lib.media import program
from lib.ports import free_port
from lib.recording import decode
from lib.server import ROOT, Server
from test_egress import Egress

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="configuration of ours")


def certificate(folder, name: str, ca: dict, *subject: str) -> None:
    """folder/cert.pem and folder/key.pem: a new key, and what the authority says of it."""
    def run(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
        "fresh.key", "-out", "fresh.csr")
    run("x509", "-req", "-in", "fresh.csr", "-CA", ca["ca.pem"], "-CAkey", ca["ca.key"], "-CAcreateserial", "-days", "2",
        "-extfile", "san", "-out", "fresh.pem")
    os.replace(folder / "fresh.key", folder / "key.pem")
    os.replace(folder / "fresh.pem", folder / "cert.pem")


def shown(server, *more: str) -> str:
    """What openssl s_client says of a handshake."""
    done = subprocess.run(["openssl", "s_client", "-connect", server.authority, *more], input="", text=True,
                          capture_output=True, timeout=60)
    return done.stdout + done.stderr


@pytest.fixture
def secure(start_server, certificates, tmp_path):
    certificate(tmp_path, "first", certificates)
    server = start_server(config={"tls": {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}},
                          ca_file=certificates["ca.pem"])
    server.folder = tmp_path
    return server


def log_has(server, *words: str):
    eventually(lambda: any(all(w in line for w in words) for line in server.tail(200000).splitlines()), 60,
               what=f"a log line with {words}")


def test_versions_and_ciphers(secure, certificates):
    """1.2 and 1.3 with forward secrecy; older versions and other ciphers are refused; the chain verifies."""
    trust = ("-CAfile", certificates["ca.pem"], "-verify_return_error")
    for version in ("-tls1_2", "-tls1_3"):
        seen = shown(secure, version, *trust)
        assert "Verify return code: 0 (ok)" in seen and "subject=CN = first" in seen, seen
    for old in ("-tls1", "-tls1_1"):
        assert "Cipher is (NONE)" in shown(secure, old, "-cipher", "ALL:@SECLEVEL=0")
    for weak in ("AES128-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        assert "Cipher is (NONE)" in shown(secure, "-tls1_2", "-cipher", weak)


def test_http_clients(secure, certificates):
    """curl, livekit-server-sdk and the command line over https; bodies of a mebibyte go through; plain HTTP does not."""
    trust = {**os.environ, "SSL_CERT_FILE": certificates["ca.pem"], "NODE_EXTRA_CA_CERTS": certificates["ca.pem"]}
    curl = ["curl", "-sS", "--cacert", certificates["ca.pem"]]
    got = subprocess.run([*curl, "-w", " %{http_version}", secure.http_url], capture_output=True, text=True)
    assert got.stdout == "OK 1.1", got
    big = secure.folder / "big.json"
    big.write_text(json.dumps({"name": "x" * (1 << 20)}))
    token = tokens.raw(tokens.claims(video={"roomCreate": True}))
    got = subprocess.run([*curl, "-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {token}", "--data",
                          f"@{big}", f"{secure.http_url}/twirp/livekit.RoomService/CreateRoom"], capture_output=True,
                         text=True)
    assert "invalid_argument" in got.stdout, got
    assert subprocess.run(["curl", "-sS", f"http://{secure.authority}"], capture_output=True).returncode != 0
    made = subprocess.run([*program(), "room", "create", "by-cli", "--url", secure.url], env=trust, capture_output=True,
                          text=True)
    assert made.returncode == 0, made
    refused = subprocess.run([*program(), "room", "list", "--url", secure.url], capture_output=True, text=True)
    assert refused.returncode != 0 and "certificate" in refused.stderr, refused
    done = subprocess.run(["node", "clients/server_sdk.mjs", secure.http_url, tokens.KEY, tokens.SECRET, "ListRooms", "{}"],
                          cwd=HERE, capture_output=True, text=True, timeout=60, env=trust)
    assert [r["name"] for r in json.loads(done.stdout)["ok"]["rooms"]] == ["by-cli"], done


def pin(path) -> str:
    """What Chromium knows a certificate's key by."""
    public = subprocess.run(["openssl", "x509", "-in", path, "-pubkey", "-noout"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, capture_output=True, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.fixture
def trusting(secure, certificates, drivers):
    """Names of clients of each kind that trust the server's certificate and no other of its authority."""
    trust = f"SSL_CERT_FILE={certificates['ca.pem']}"
    flags = f"AURA_CHROMIUM_FLAGS=--ignore-certificate-errors-spki-list={pin(secure.folder / 'cert.pem')}"
    kinds = {"chromium-tls": ["env", flags, "node", "clients/browser_client.mjs", "chromium"],
             "node-tls": ["env", trust, "node", "clients/node_client.mjs"],
             "python-tls": ["env", trust, sys.executable, "clients/python_client.py"]}
    for kind, argv in kinds.items():
        drivers.add(kind, argv)
    yield list(kinds)
    for kind in kinds:
        drivers.remove(kind)


@pytest.mark.browser
def test_real_clients(secure, trusting, room_on):
    """livekit-client in Chromium, rtc-node and Python join over wss and see each other; without trust none does."""
    room = room_on(secure)
    try:
        for kind in ("chromium", "node", "python"):
            with pytest.raises(ClientError):
                room.join(kind, f"{kind}-without")
        people = {kind: room.join(kind, kind) for kind in trusting}
        videos = {kind: who.call("publishVideo", width=320, height=180, fps=10, bitrate=200_000)["sid"]
                  for kind, who in people.items()}
        for kind, who in people.items():
            for other, sid in videos.items():
                if other != kind:
                    who.until(sid, lambda s: s["distinct"] > 5, 60, f"{kind} sees nothing of {other}")
    finally:
        room.close()


def test_command_line(secure, certificates, trusting, room_on, tmp_path):
    """auralink with --ca-file: calls of the API, `doctor` and `record`; without it they say what to do."""
    ca = ["--ca-file", certificates["ca.pem"]]
    url = ["--url", secure.url]
    assert subprocess.run([*program(), "room", "create", "private", *ca, *url], capture_output=True).returncode == 0
    listed = subprocess.run([*program(), "room", "list", "--json", *ca, *url], capture_output=True, text=True)
    assert "private" in listed.stdout, listed
    wrong = subprocess.run([*program(), "room", "list", "--ca-file", str(tmp_path / "none.pem"), *url], capture_output=True,
                           text=True)
    assert wrong.returncode == 2 and "--ca-file: cannot read" in wrong.stderr, wrong
    stranger = subprocess.run([*program(), "room", "list", "--ca-file", certificates["other.pem"], *url],
                              capture_output=True, text=True)
    assert stranger.returncode == 1 and "certificate" in stranger.stderr and "--ca-file" in stranger.stderr, stranger
    doctor = subprocess.run([*program(), "doctor", *ca, secure.url], capture_output=True, text=True)
    assert doctor.returncode == 0 and "the certificate is trusted" in doctor.stdout, doctor

    room = room_on(secure)
    try:
        sender = room.join("node-tls", "sender")
        sid = sender.call("publishVideo", width=320, height=180, fps=10, bitrate=200_000)["sid"]
        record = [*program(), "record", room.name, "--min-free-mb", "1", "--patience", "0", *url]
        done = subprocess.run([*record, "-o", str(tmp_path / "bad")], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "not trusted" in done.stderr and "--ca-file" in done.stderr, done
        done = subprocess.run([*record, "-o", str(tmp_path / "good"), "--max-duration", "10", *ca], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0, done
        with open(tmp_path / "good" / "manifest.json") as manifest:
            [track] = json.load(manifest)["tracks"]
        assert track["sid"] == sid and track["files"][0]["frames"] > 10, track
    finally:
        room.close()


@pytest.mark.parametrize("url, trust, ends", [("", None, "EGRESS_COMPLETE"), ("wss://localhost:{}", "ca.pem", "EGRESS_COMPLETE"),
                                              ("wss://localhost:{}", "other.pem", "EGRESS_FAILED")])
def test_recordings(start_server, certificates, drivers, room_on, tmp_path, monkeypatch, url, trust, ends):
    """The server's own recorders: over loopback as they are, at record.url only with a certificate that is trusted."""
    certificate(tmp_path, "first", certificates)
    (tmp_path / "recordings").mkdir()
    port = free_port()
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", certificates["ca.pem"])  # of the Egress API's client
    with monkeypatch.context() as environment:
        if trust:
            environment.setenv("SSL_CERT_FILE", certificates[trust])
        server = start_server(ca_file=certificates["ca.pem"], ports={"http": port}, config={
            "tls": {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")},
            "record": {"folder": str(tmp_path / "recordings"), "min_free_mb": 1, "url": url.format(port)}})
    drivers.add("node-tls", ["env", f"SSL_CERT_FILE={certificates['ca.pem']}", "node", "clients/node_client.mjs"])
    room = room_on(server)
    try:
        sid = room.join("node-tls", "sender").call("publishVideo", width=320, height=240, fps=15)["sid"]
        egress = Egress(server)
        one = egress.call("track", room=room.name, track=sid, filepath="track")["egress_id"]
        if ends == "EGRESS_COMPLETE":
            egress.until(one, "EGRESS_ACTIVE")
            egress.call("stop", id=one)
        done = egress.until(one, "EGRESS_COMPLETE", "EGRESS_FAILED")
        assert done["status"] == ends and ("not trusted" in done.get("error", "")) == (ends == "EGRESS_FAILED"), done
        if ends == "EGRESS_COMPLETE":
            assert decode(done["file_results"][0]["location"])["frames"] > 0
    finally:
        room.close()
        drivers.remove("node-tls")


def test_renewed_by_itself(start_server, certificates, tmp_path):
    """New files are taken without a signal; what cannot be used is not, and is tried again once it changes."""
    certificate(tmp_path, "first", certificates)
    server = start_server(ca_file=certificates["ca.pem"], config={
        "tls": {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem"), "check_interval": "1s"}})

    def shows(name: str) -> None:
        eventually(lambda: f"subject=CN = {name}" in shown(server), 60, 0.2, f"the certificate of {name}")

    shows("first")
    certificate(tmp_path, "second", certificates)
    shows("second")
    (tmp_path / "fresh.pem").write_text("no certificate")
    os.replace(tmp_path / "fresh.pem", tmp_path / "cert.pem")
    log_has(server, "cert.pem holds no certificate")
    log_has(server, "certificate_kept")
    shows("second")
    certificate(tmp_path, "third", certificates)
    shows("third")


def test_reload_in_a_call(secure, certificates, drivers, room_on):
    """A call over wss goes on while the certificate, a key and a limit change; a bad file changes nothing."""
    path = os.path.join(secure._config_dir.name, "config.yaml")
    with open(path) as file:
        config = json.load(file)
    drivers.add("python-tls", ["env", f"SSL_CERT_FILE={certificates['ca.pem']}", sys.executable,
                               "clients/python_client.py"])
    room = room_on(secure)
    try:
        sender, receiver = room.join("python-tls", "sender"), room.join("python-tls", "receiver")
        sid = sender.call("publishVideo", width=320, height=180, fps=10, bitrate=200_000)["sid"]
        receiver.until(sid, lambda s: s["distinct"] > 5, 60, "no picture")

        def reload(keys: dict | str, **more):
            with open(path, "w") as file:
                file.write(keys if isinstance(keys, str) else json.dumps({**config, "keys": keys, **more}))
            secure.process.send_signal(signal.SIGHUP)

        certificate(secure.folder, "second", certificates)
        reload({tokens.KEY: tokens.SECRET, "new": "a-new-secret"}, limit={"max_participant_identity_length": 10},
               region="elsewhere")
        log_has(secure, "reloaded", "keys", "limit.max_participant_identity_length", "keys_added=1")
        log_has(secure, "needs_a_restart", "region")
        assert "subject=CN = second" in shown(secure)
        assert "a-new-secret" not in secure.tail(200000)
        fresh = tokens.raw({**tokens.claims(room.name), "iss": "new", "sub": "newcomer"}, key="a-new-secret")
        assert secure.get(f"/rtc/validate?access_token={fresh}")[0] == 200
        long = tokens.raw({**tokens.claims(room.name), "sub": "eleven-long"})
        assert secure.get(f"/rtc/validate?access_token={long}")[0] == 400

        reload("keys:\n  other: secret-of-other\nlimt: 3\n")
        log_has(secure, "config.yaml:3:1", "unknown key 'limt'")
        log_has(secure, "reload_refused")
        assert secure.get(f"/rtc/validate?access_token={fresh}")[0] == 200

        (secure.folder / "cert.pem").write_text("no certificate")
        reload({"other": "secret-of-other"})
        log_has(secure, "cert.pem holds no certificate")
        assert "subject=CN = second" in shown(secure)
        assert secure.get(f"/rtc/validate?access_token={fresh}")[0] == 200

        certificate(secure.folder, "third", certificates)
        reload({tokens.KEY: tokens.SECRET})
        log_has(secure, "reloaded", "keys_removed=1")
        assert secure.get(f"/rtc/validate?access_token={fresh}")[0] == 401
        before = receiver.track(sid)["distinct"]
        receiver.until(sid, lambda s: s["distinct"] > before + 10, 60, "the picture stopped")
    finally:
        room.close()
        drivers.remove("python-tls")


@pytest.mark.parametrize("case, wanted", [("absent", "cannot read"), ("mismatch", "does not belong to"),
                                          ("open", "chmod o-rwx"), ("half", "names no file")])
def test_mistakes(certificates, tmp_path, case, wanted):
    """The start stops with the key and the file that is wrong."""
    certificate(tmp_path, "mine", certificates)
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    if case == "absent":
        cert = str(tmp_path / "nothing.pem")
    elif case == "mismatch":
        key = certificates["server.key"]
    elif case == "open":
        os.chmod(key, 0o644)
    elif case == "half":
        key = ""
    text = json.dumps({"tls": {"cert_file": cert, "key_file": key}})
    server = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink-server")
    done = subprocess.run([server, "--dev", "--config-body", text, "--config-check"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode != 0 and wanted in done.stderr and "tls." in done.stderr, done
