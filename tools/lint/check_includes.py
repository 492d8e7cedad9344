#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses includes that point upwards in the folder table of docs/architecture.md."""
import pathlib
import re
import sys

# Lowest first. A folder may include itself and what stands above it in this list.
ORDER = ["base", "net", "rtp", "cc", "transport", "codec", "aic", "sfu", "fleet", "cluster", "auraid", "room", "api",
         "aicore", "client", "record", "cmd"]
# Folders that see less than their place would allow.
NARROWER = {
    "cluster": {"base", "net", "cluster"},
    "codec": {"base", "codec"},
    "aicore": {"base", "net", "rtp", "codec", "aic", "aicore"},
    "client": {"base", "net", "rtp", "cc", "transport", "codec", "aic", "client"},
    "record": {"base", "net", "rtp", "cc", "transport", "codec", "aic", "client", "record"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def allowed(folder):
    return NARROWER.get(folder, set(ORDER[: ORDER.index(folder) + 1]))


def check(path, root):
    folder = path.relative_to(root).parts[0]
    if folder not in ORDER:
        yield f"{path}: folder {folder} is not in the table"
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        where, target = f"{path}:{number}", match.group(1)
        parts = target.split("/")
        if not (root / target).exists():
            if parts[0] in ORDER:
                yield f"{where}: {target} is not in src"
            continue  # generated, or a library's
        if parts[0] not in allowed(folder):
            yield f"{where}: {folder} may not include {target}"
        if target.endswith("_priv.h") and parts[0] != folder:
            yield f"{where}: {target} is private to {parts[0]}"
        if target == "base/log.h" and path.suffix == ".h":
            yield f"{where}: headers do not include the logger"


def main():
    root = pathlib.Path("src")
    found = [e for p in sorted(root.rglob("*.[ch]")) for e in check(p, root)]
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


sys.exit(main())
