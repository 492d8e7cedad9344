# SPDX-License-Identifier: Apache-2.0
"""The root file systems of deploy/docker's images, run without a container engine: mount and process namespaces, a read-only
root with a writable /tmp, the user of the image without rights, no way to get any."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess

from lib.server import ROOT

USER = 65532


def missing() -> str | None:
    """Why images cannot be run here."""
    if os.geteuid() != 0:
        return "needs root to make namespaces"
    for tool in ("unshare", "setpriv", "mount"):
        if not shutil.which(tool):
            return f"no {tool}"
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    return f"no namespaces here: {done.stderr}" if done.returncode else None


def assemble(out: str, prefix: str, models: str, *programs: str) -> None:
    """What the Dockerfile does, by the same script."""
    done = subprocess.run([os.path.join(ROOT, "deploy", "docker", "rootfs.sh"), out, prefix, models, *programs],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


class Running:
    """One program of an image; its output goes to `log_path`.

    `mounts`: folders of the host by their place inside, read-only as Kubernetes mounts Secrets and ConfigMaps."""

    def __init__(self, root: str, argv: list[str], log_path: str, mounts: dict[str, str] | None = None,
                 env: dict[str, str] | None = None):
        self.log_path = log_path
        inside = {place: os.path.join(root, place.lstrip("/")) for place in (mounts or {})}
        for place in inside.values():
            os.makedirs(place, exist_ok=True)
        bind = "".join(f"mount --bind {shlex.quote(source)} {shlex.quote(inside[place])}\n"
                       f"mount -o remount,bind,ro {shlex.quote(inside[place])}\n"
                       for place, source in (mounts or {}).items())
        words = " ".join(shlex.quote(f"{k}={v}") for k, v in {"STATE_DIRECTORY": "/var/lib/auralink", **(env or {})}.items())
        script = f"""set -e
mount --make-rprivate /
mount --bind {shlex.quote(root)} {shlex.quote(root)}
mount -o remount,bind,ro {shlex.quote(root)}
cd {shlex.quote(root)}
{bind}
for f in hosts resolv.conf; do mount --bind /etc/$f etc/$f; done
mount -t proc -o ro proc proc
mount -t tmpfs -o size=64m,mode=1777 tmpfs tmp
mount -t tmpfs -o size=64m,uid={USER},gid={USER},mode=0700 tmpfs var/lib/auralink
mount -t tmpfs -o size=1m,mode=0755 tmpfs dev
for d in null zero random urandom; do touch dev/$d; mount --bind /dev/$d dev/$d; done
exec env -i {words} {shutil.which("unshare")} --root={shlex.quote(root)} --wd=/ --setgid={USER} --setuid={USER} -- {shlex.join(argv)}
"""
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--no-new-privs", "--clear-groups", "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def log(self) -> str:
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def inner(self) -> int:
        """The program's process as the host numbers it."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return int(file.read().split()[0])

    def status(self) -> dict[str, str]:
        with open(f"/proc/{self.inner()}/status") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def terminate(self) -> None:
        """As the kubelet does: to the program, which is process 1 of its namespace."""
        os.kill(self.inner(), signal.SIGTERM)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.terminate()
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
