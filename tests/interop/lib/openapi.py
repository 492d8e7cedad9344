# SPDX-License-Identifier: Apache-2.0
"""The REST API by curl, each answer held against its description in docs/openapi."""

from __future__ import annotations

import json
import os
import re
import subprocess
from urllib.parse import urlsplit

import jsonschema
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from lib.server import ROOT

FOLDER = os.path.join(ROOT, "docs", "openapi")
METHODS = ("get", "put", "post", "patch", "delete")


def load(name: str) -> dict:
    with open(os.path.join(FOLDER, name)) as file:
        return yaml.safe_load(file)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


class Description:
    def __init__(self, name: str):
        self.doc = load(name)
        self.registry = Registry().with_resource("urn:aura", DRAFT202012.create_resource(self.doc))

    def routes(self) -> set[tuple[str, str]]:
        return {(method.upper(), path) for path, item in self.doc["paths"].items() for method in METHODS if method in item}

    def validate(self, schema: str, value) -> None:
        """Is that what components/schemas describes under a name?"""
        jsonschema.Draft202012Validator({"$ref": f"urn:aura#/components/schemas/{schema}"}, registry=self.registry).validate(value)

    def _template(self, path: str) -> str | None:
        """The described path that is meant: one without {…} before one with."""
        fitting = [t for t in self.doc["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path)]
        return min(fitting, key=lambda t: t.count("{"), default=None)

    def check(self, method: str, path: str, status: int, body) -> None:
        """Is that an answer that the description allows? Errors of paths that are not described have the shape of errors."""
        item = self.doc["paths"].get(self._template(path) or "", {}).get(method.lower())
        where = "/components/responses/Error"
        if item:
            said = item["responses"].get(str(status)) or item["responses"]["default"]
            assert status >= 400 or str(status) in item["responses"], f"{method} {path}: {status} is not described"
            where = said["$ref"].removeprefix("#") if "$ref" in said else (
                f"/paths/{_escape(self._template(path))}/{method.lower()}/responses/{status}")
        else:
            assert status >= 400, f"{method} {path} is not described"
        if status == 204:
            assert body is None
            return
        schema = {"$ref": f"urn:aura#{where}/content/application~1json/schema"}
        jsonschema.Draft202012Validator(schema, registry=self.registry).validate(body)


DESCRIPTION = Description("aura-v1.yaml")


class Rest:
    """One who asks, by a token."""

    def __init__(self, server, token: str | None):
        self.server = server
        self.token = token

    def ask(self, method: str, path: str, body=None, raw: str | None = None) -> tuple[int, dict | None]:
        """`body` is sent as JSON, `raw` as it is. @return status and what was answered"""
        argv = ["curl", "-sS", "--path-as-is", "-m", "30", "-X", method, "-w", "\n%{http_code} %{content_type}"]
        if self.token:
            argv += ["-H", f"Authorization: Bearer {self.token}"]
        text = raw if raw is not None else json.dumps(body) if body is not None else None
        if text is not None:
            argv += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
        done = subprocess.run([*argv, self.server.http_url + path], input=text, capture_output=True, text=True, check=True)
        answer, _, last = done.stdout.rpartition("\n")
        status, _, kind = last.partition(" ")
        assert kind == "application/json", (status, kind, answer)
        said = json.loads(answer) if answer else None
        DESCRIPTION.check(method, urlsplit(path).path, int(status), said)
        return int(status), said

    def good(self, method: str, path: str, body=None) -> dict | None:
        status, said = self.ask(method, path, body)
        assert status < 300, (status, said)
        return said

    def refused(self, method: str, path: str, body=None, raw: str | None = None) -> tuple[int, str]:
        status, said = self.ask(method, path, body, raw)
        assert status >= 400, said
        return status, said["code"]
