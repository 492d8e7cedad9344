# SPDX-License-Identifier: Apache-2.0
"""A real homeserver: Synapse on loopback, with SQLite, TLS and users of the test's own."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from lib.driver import eventually
from lib.ports import free_port
from lib.server import ROOT

PYTHON = os.path.join(ROOT, ".cache", "venv-matrix", "bin", "python")
SECRET = "for-tests-alone"
MEMBER = "org.matrix.msc3401.call.member"
RING = "org.matrix.msc4075.rtc.notification"
DECLINE = "org.matrix.msc4310.rtc.decline"


class Synapse:
    """Its name is localhost:PORT, where it speaks TLS with the certificate it is given. `service`: where it says that
    calls are. `appservice`: a registration's file."""

    def __init__(self, folder: str, certificate: str, key: str, service: str | None = None,
                 appservice: str | None = None):
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        self.name = f"localhost:{self.port}"
        self.plain = f"http://127.0.0.1:{self.plain_port}"
        self.tls = f"https://localhost:{self.port}"
        self.log_path = os.path.join(folder, "synapse.log")
        self.config = os.path.join(folder, "homeserver.yaml")
        self.process: subprocess.Popen | None = None
        many = {"per_second": 1000, "burst_count": 1000}
        with open(self.config, "w") as file:
            json.dump({
                "server_name": self.name,
                "pid_file": os.path.join(folder, "pid"),
                "signing_key_path": os.path.join(folder, "signing.key"),
                "media_store_path": os.path.join(folder, "media"),
                "tls_certificate_path": certificate, "tls_private_key_path": key,
                "listeners": [
                    {"port": self.plain_port, "type": "http", "bind_addresses": ["127.0.0.1"],
                     "resources": [{"names": ["client"]}]},
                    {"port": self.port, "type": "http", "tls": True, "bind_addresses": ["127.0.0.1"],
                     "resources": [{"names": ["client", "federation"]}]},
                ],
                "database": {"name": "sqlite3", "args": {"database": os.path.join(folder, "homeserver.db")}},
                "registration_shared_secret": SECRET, "macaroon_secret_key": SECRET, "form_secret": SECRET,
                "public_baseurl": self.tls + "/",
                "extra_well_known_client_content": {
                    "org.matrix.msc4143.rtc_foci": [{"type": "livekit", "livekit_service_url": service}]} if service else {},
                "bcrypt_rounds": 4, "report_stats": False, "trusted_key_servers": [], "ip_range_blacklist": [],
                "federation_ip_range_blacklist": [], "federation_verify_certificates": False,
                "max_event_delay_duration": "24h",
                "app_service_config_files": [appservice] if appservice else [],
                "matrix_rtc": {"transports": [{"type": "livekit", "livekit_service_url": service}] if service else []},
                "experimental_features": {"msc4140_enabled": True, "msc4143_enabled": True, "msc4354_enabled": True},
                "rc_login": {"address": many, "account": many, "failed_attempts": many},
                "rc_registration": many, "rc_message": many, "rc_joins": {"local": many, "remote": many},
            }, file)
        self._run("--generate-keys")
        self.start()

    def _run(self, *words: str) -> None:
        subprocess.run([PYTHON, "-m", "synapse.app.homeserver", "-c", self.config, *words], cwd=self.folder, check=True,
                       capture_output=True, timeout=120)

    def start(self) -> None:
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([PYTHON, "-m", "synapse.app.homeserver", "-c", self.config],
                                            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def up():
            if self.process.poll() is not None:
                with open(self.log_path, errors="replace") as file:
                    raise AssertionError(f"Synapse ended:\n{file.read()[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.plain}/health", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False

        eventually(up, 120, 0.1, "Synapse answers /health")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def transactions(self) -> int:
        """That wait for an Application Service's answer."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/homeserver.db?mode=ro", uri=True, timeout=60)) as db:
            return db.execute("SELECT count(*) FROM application_services_txns").fetchone()[0]

    def logged(self, text: str) -> int:
        """How often."""
        with open(self.log_path, errors="replace") as file:
            return file.read().count(text)

    def ask(self, method: str, path: str, body: dict | None = None, token: str | None = None) -> dict:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.plain + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def user(self, name: str) -> User:
        nonce = self.ask("GET", "/_synapse/admin/v1/register")["nonce"]
        mac = hmac.new(SECRET.encode(), f"{nonce}\0{name}\0password\0notadmin".encode(), hashlib.sha1).hexdigest()
        made = self.ask("POST", "/_synapse/admin/v1/register",
                        {"nonce": nonce, "username": name, "password": "password", "admin": False, "mac": mac})
        return User(self, made)


class User:
    """Who has signed in."""

    def __init__(self, server: Synapse, made: dict):
        self.server, self.id, self.token, self.device = server, made["user_id"], made["access_token"], made["device_id"]
        self.since, self.invited, self.events = "", set(), {}

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        return self.server.ask(method, path, body, self.token)

    def openid(self) -> dict:
        path = f"/_matrix/client/v3/user/{urllib.parse.quote(self.id)}/openid/request_token"
        return self.ask("POST", path, {})

    def create_room(self, **options) -> str:
        return self.ask("POST", "/_matrix/client/v3/createRoom", options)["room_id"]

    def delayed_leave(self, room: str, delay_ms: int) -> str:
        """"I have left", in so many milliseconds, unless somebody restarts it. Returns its id."""
        key = urllib.parse.quote(f"_{self.id}_{self.device}", safe="")
        path = f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/state/org.matrix.msc3401.call.member/{key}"
        return self.ask("PUT", f"{path}?org.matrix.msc4140.delay={delay_ms}", {})["delay_id"]

    def enter(self, room: str) -> str:
        """A call membership, as clients write it. Returns its event."""
        key = urllib.parse.quote(f"_{self.id}_{self.device}", safe="")
        path = f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/state/org.matrix.msc3401.call.member/{key}"
        return self.ask("PUT", path, {"application": "m.call", "call_id": "", "device_id": self.device,
                                      "expires": 7200000})["event_id"]

    def exit(self, room: str) -> None:
        """Hangs up: an empty membership."""
        key = urllib.parse.quote(f"_{self.id}_{self.device}", safe="")
        self.ask("PUT", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/state/org.matrix.msc3401.call.member/{key}", {})

    def join(self, room: str) -> None:
        self.ask("POST", f"/_matrix/client/v3/join/{urllib.parse.quote(room)}", {})

    def leave(self, room: str) -> None:
        self.ask("POST", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/leave", {})

    def invite(self, room: str, user: str) -> None:
        self.ask("POST", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/invite", {"user_id": user})

    def own_membership(self, room: str, user: str) -> dict:
        """Of somebody, as the room's state has it."""
        return self.state(room, "m.room.member", user)

    def members(self, room: str) -> set[str]:
        return set(self.ask("GET", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/joined_members")["joined"])

    def state(self, room: str, kind: str, key: str = "") -> dict:
        key = urllib.parse.quote(key, safe="")
        return self.ask("GET", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/state/{kind}/{key}")

    def put_state(self, room: str, kind: str, content: dict) -> None:
        self.ask("PUT", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/state/{kind}/", content)

    def send(self, room: str, kind: str, content: dict) -> str:
        """Returns the event."""
        self.sent = getattr(self, "sent", 0) + 1
        return self.ask("PUT", f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/send/{kind}/t{id(self)}.{self.sent}",
                        content)["event_id"]

    def ring(self, room: str, member: str, users: list[str], everybody: bool = False, lifetime: int = 30000,
             sender_ts: int | None = None) -> str:
        return self.send(room, RING, {
            "notification_type": "ring", "lifetime": lifetime, "m.mentions": {"user_ids": users, "room": everybody},
            "sender_ts": int(time.time() * 1000) if sender_ts is None else sender_ts,
            "m.relates_to": {"rel_type": "m.reference", "event_id": member}})

    def decline(self, room: str, ring: str) -> str:
        return self.send(room, DECLINE, {"m.relates_to": {"rel_type": "m.reference", "event_id": ring}})

    def sync(self) -> None:
        """Goes on from the last time: Synapse answers the first one of all from a cache for minutes."""
        since = f"&since={self.since}" if self.since else ""
        said = self.ask("GET", f"/_matrix/client/v3/sync?timeout=0{since}")
        self.since = said["next_batch"]
        rooms = said.get("rooms", {})
        self.invited |= set(rooms.get("invite", {}))
        self.invited -= set(rooms.get("join", {}))
        for room, joined in rooms.get("join", {}).items():
            known = self.events.setdefault(room, {})
            for event in joined.get("state", {}).get("events", []) + joined.get("timeline", {}).get("events", []):
                known[event["event_id"]] = event

    def invitations(self) -> list[str]:
        self.sync()
        return sorted(self.invited)

    def sfu_token(self, server, room: str) -> str:
        """From the authorisation service, as clients of today ask for it."""
        request = urllib.request.Request(f"{server.http_url}/sfu/get", method="POST", headers={"Content-Type": "application/json"},
                                         data=json.dumps({"room": room, "openid_token": self.openid(), "device_id": self.device}).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["jwt"]

    def seen(self, room: str, kind: str) -> list[dict]:
        """What /sync has told of events of that kind there, oldest first."""
        self.sync()
        return [e for e in self.events.get(room, {}).values() if e["type"] == kind]

    def membership(self, room: str) -> dict:
        key = urllib.parse.quote(f"_{self.id}_{self.device}", safe="")
        path = f"/_matrix/client/v3/rooms/{urllib.parse.quote(room)}/state/org.matrix.msc3401.call.member/{key}"
        return self.ask("GET", path)

    def delayed(self) -> list[str]:
        """Ids of what is scheduled."""
        found = self.ask("GET", "/_matrix/client/unstable/org.matrix.msc4140/delayed_events")
        return [event["delay_id"] for event in found.get("delayed_events", found.get("scheduled", []))]
