# SPDX-License-Identifier: Apache-2.0
"""A few names, with DNS and HTTPS, for a network namespace: run there as a program, told what to be by a JSON file.

{"a": {name: [address...]}, "srv": {name: [[priority, weight, port, target]...]}, "ports": [...],
 "well_known": {host: [status, headers, text]}, "certificate": file, "key": file}

Every homeserver says of a token T that it is of @a:T. What was asked is written to stdout, a JSON line each.
"""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import struct
import sys
import threading
import urllib.parse

TYPES = {"a": 1, "srv": 33}


def wire(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


_line = threading.Lock()


def say(**what) -> None:
    with _line:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def dns_answer(world: dict, query: bytes) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += query[at] + 1
    name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]
    say(dns=name, type=kind)
    records = []
    if kind == TYPES["a"]:
        records = [socket.inet_aton(address) for address in world["a"].get(name, [])]
    elif kind == TYPES["srv"]:
        records = [struct.pack(">HHH", *row[:3]) + wire(row[3]) for row in world["srv"].get(name, [])]
    known = name in world["a"] or name in world["srv"]
    head = query[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else 3), 1, len(records), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(r)) + r for r in records)
    return head + query[12:at + 5] + body


def serve_dns(world: dict) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 53))

    def loop():
        while True:
            query, peer = sock.recvfrom(4096)
            sock.sendto(dns_answer(world, query), peer)

    threading.Thread(target=loop, daemon=True).start()


def serve_https(world: dict, address: str, port: int) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            host = self.headers["Host"]
            say(port=port, host=host, path=url.path)
            status, headers, text = 404, {}, "{}"
            if url.path.endswith("/openid/userinfo"):
                status, text = 200, json.dumps({"sub": "@a:" + urllib.parse.parse_qs(url.query)["access_token"][0]})
            elif port == 443:
                status, headers, text = world["well_known"].get(host, (404, {}, "{}"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    class Listener(http.server.ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request, client_address):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world["certificate"], world["key"])
    server = Listener((address, port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    with open(sys.argv[1]) as file:
        world = json.load(file)
    serve_dns(world)
    for port in world["ports"]:
        serve_https(world, "127.0.0.1", port)
    say(ready=True)
    sys.stdin.read()  # until it is closed


if __name__ == "__main__":
    main()
