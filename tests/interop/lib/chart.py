# SPDX-License-Identifier: Apache-2.0
"""The Helm chart as its users see it: rendered by helm, read as YAML."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
import yaml

from lib.server import ROOT

CHART = os.path.join(ROOT, "deploy", "helm", "auralink")
VALUES = os.path.join(ROOT, "deploy", "helm", "values")  # sets that people may begin with, and that the tests render
HELM_VERSION = "v3.22.0"
KUBERNETES = ("1.35", "1.36", "1.37")  # the last three
KEYS = "auth.existingSecret=auralink-keys"


def helm() -> str:
    """The program, built by Go at its first use and kept in .cache/go."""
    folder = os.path.join(ROOT, ".cache", "go")
    program = os.path.join(folder, "bin", "helm")
    if not os.path.exists(program):
        if not shutil.which("go"):
            pytest.skip("helm is built by Go, which is not here")
        environment = {**os.environ, "GOBIN": os.path.join(folder, "bin"), "GOFLAGS": "-modcacherw"}
        subprocess.run(["go", "install", f"helm.sh/helm/v3/cmd/helm@{HELM_VERSION}"], check=True, env=environment, timeout=1500)
    return program


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([helm(), *words], capture_output=True, text=True, timeout=300)


def rendered(*words: str, version: str = KUBERNETES[-1]) -> list[dict]:
    """The objects that an installation would make; `words` are helm's: -f FILE, --set …"""
    done = run("template", "auralink", CHART, "--namespace", "rtc", "--kube-version", f"{version}.0", *words)
    assert done.returncode == 0, done.stderr
    return [o for o in yaml.safe_load_all(done.stdout) if o]


def of(objects: list[dict], kind: str, name: str | None = None) -> list[dict]:
    return [o for o in objects if o["kind"] == kind and (not name or o["metadata"]["name"] == name)]


def configs(objects: list[dict]) -> dict[str, str]:
    """The servers' configuration files by name."""
    found = {}
    for o in of(objects, "ConfigMap", "auralink-server"):
        found.update(o["data"])
    assert found
    return found
