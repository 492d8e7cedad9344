#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Relative links and paths in `code` of the Markdown pages must exist."""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def main():
    names = subprocess.run(["git", "ls-files", "*.md"], capture_output=True, text=True,
                           check=True).stdout.split()
    found = []
    for name in names:
        page = pathlib.Path(name)
        for target in LINK.findall(page.read_text()):
            if "://" not in target and not target.startswith("mailto:") \
                    and not (page.parent / target).exists():
                found.append(f"{name}: no such file: {target}")
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


sys.exit(main())
