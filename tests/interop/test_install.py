# SPDX-License-Identifier: Apache-2.0
"""The installed library: found by pkg-config, and programs in C and C++ that know nothing of this tree run with it. The
installed programs and what is beside them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from lib import tokens
from lib.server import ROOT

BUILD = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"))


def run(*argv: str, **more) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where it was installed, and the environment to find it."""
    meson = shutil.which("meson") or os.path.join(ROOT, ".cache", "venv-build", "bin", "meson")
    if not os.path.exists(os.path.join(BUILD, "meson-private", "auralink.pc")) or not shutil.which("pkg-config"):
        pytest.skip("a build without the shared library, or no pkg-config")
    root = str(tmp_path_factory.mktemp("root"))
    run(meson, "install", "-C", BUILD, "--no-rebuild", env={**os.environ, "DESTDIR": root})
    found = [folder for folder, _, files in os.walk(root) if "auralink.pc" in files]
    assert len(found) == 1, found
    env = {**os.environ, "PKG_CONFIG_PATH": found[0], "PKG_CONFIG_SYSROOT_DIR": root,
           "LD_LIBRARY_PATH": os.path.dirname(found[0])}
    return root, env


def build(prefix, compiler: str, source: str, out: str) -> None:
    _, env = prefix
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    flags = run("pkg-config", "--cflags", "--libs", "auralink", env=env).split()
    run(compiler, os.path.join(ROOT, "examples", source), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", out, *flags)


def test_call(prefix, server, tmp_path):
    """examples/publish.c sends, examples/receive.cpp gets it."""
    _, env = prefix
    programs = {"publish.c": "cc", "receive.cpp": "c++"}
    for source, compiler in programs.items():
        build(prefix, compiler, source, str(tmp_path / source.split(".")[0]))
    tokens_of = {name: tokens.join(name, "test_install") for name in ("publish", "receive")}
    receiver = subprocess.Popen([tmp_path / "receive", server.url, tokens_of["receive"], "20"], env=env, text=True,
                                stdout=subprocess.PIPE)
    run(str(tmp_path / "publish"), server.url, tokens_of["publish"], env=env)
    said, _ = receiver.communicate(timeout=60)
    assert int(re.match(r"(\d+) frames", said).group(1)) > 20, said


def test_symbols(prefix):
    """The shared object shows what the headers declare, and nothing else."""
    root, env = prefix
    library = os.path.join(env["LD_LIBRARY_PATH"], "libauralink.so")
    shown = {line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()}
    declared = set()
    for header in ("aic.h", "client.h"):
        with open(os.path.join(ROOT, "include", "auralink", header)) as file:
            declared |= set(re.findall(r"^[a-z].*?\b(aura_\w+)\(", file.read(), re.MULTILINE))
    assert declared and shown == declared, (shown - declared, declared - shown)


def test_programs(prefix):
    """Programs run where they were installed; manual pages and completions are what they print; the unit starts the server."""
    root, _ = prefix
    files = {os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names}

    def installed(end: str) -> str:
        found = [path for path in files if path.endswith(end)]
        assert len(found) == 1, (end, found)
        return found[0]

    programs = {name: installed(f"/bin/{name}") for name in ("auralink", "auralink-server", "auralink-aicore")}
    for name, path in programs.items():
        assert run(path, "--version").startswith(f"{name} ")
    unit = open(installed("/systemd/system/auralink-server.service")).read()
    [started] = re.findall(r"^ExecStart=(\S+)", unit, re.MULTILINE)
    assert root + started == programs["auralink-server"]
    printed = {"/man1/auralink.1": ("auralink", "man"), "/man8/auralink-server.8": ("auralink-server", "--man"),
               "/man8/auralink-aicore.8": ("auralink-aicore", "--man"),
               "/bash-completion/completions/auralink": ("auralink", "completion", "bash"),
               "/site-functions/_auralink": ("auralink", "completion", "zsh"),
               "/vendor_completions.d/auralink.fish": ("auralink", "completion", "fish")}
    for end, (name, *words) in printed.items():
        assert open(installed(end)).read() == run(programs[name], *words), end


def test_pages(prefix, start_server, monkeypatch):
    """The installed server shows the app that was installed with it, wherever that is."""
    root, _ = prefix
    if not os.path.exists(os.path.join(ROOT, ".cache", "web", "index.html")):
        pytest.skip("the app was not built: no Node that is new enough")
    [program] = [os.path.join(folder, "auralink-server") for folder, _, names in os.walk(root)
                 if "auralink-server" in names and folder.endswith("/bin")]
    pages = os.path.join(os.path.dirname(os.path.dirname(program)), "share", "auralink", "web")
    assert sorted(os.listdir(pages)) == sorted(os.listdir(os.path.join(ROOT, ".cache", "web")))
    monkeypatch.setenv("AURA_SERVER_CMD", program)
    server = start_server()
    assert "<div id=\"root\">" in server.get("/", {"Accept": "text/html"})[1]
    assert f'folder="{pages}"' in server.tail()
