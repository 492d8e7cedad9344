#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/limits.md must list every limit in src with its value; --write makes it so.

A limit is an enum constant whose name ends in _MAX, _LIMIT or _PER_TURN, or has _MAX_ in it. The comment
on its line becomes its explanation.
"""
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path("docs/limits.md")
START = "<!-- limits: written by tools/lint/check_limits.py --write -->\n"
LIMIT = re.compile(
    r"(?<![\w(])([A-Z][A-Z0-9_]*(?:_MAX|_LIMIT|_PER_TURN|_MAX_[A-Z0-9_]+)) = ([^,}/]+?)\s*"
    r"(?:,|\}|/\*|$)[ ]*,?[ ]*(?:(?:/\*)?\s*([^*\n]*?)\s*\*/)?", re.M)
ENUM = re.compile(r"\benum\b[^{;()]*\{(.*?)\};", re.S)


def limits(path):
    for block in ENUM.findall(path.read_text()):
        for name, value, comment in LIMIT.findall(block):
            yield name, value.strip(), comment.strip()


def table():
    lines = []
    files = [pathlib.Path(f) for f in subprocess.run(
        ["git", "ls-files", "src/*.c", "src/*.h"], capture_output=True, text=True,
        check=True).stdout.split()]
    for folder in sorted({f.parts[1] for f in files}):
        rows = sorted({(f.relative_to("src").as_posix(), *row)
                       for f in files if f.parts[1] == folder and f.exists() for row in limits(f)})
        if rows:
            lines += [f"\n## src/{folder}\n", "| limit | value | where | what |",
                      "|---|---|---|---|"]
            lines += [f"| `{name}` | `{value}` | `{where}` | {comment or '–'} |".replace("||", "or")
                      for where, name, value, comment in rows]
    return "\n".join(lines) + "\n"


def main():
    head, mark, now = PAGE.read_text().partition(START)
    if not mark:
        print(f"{PAGE}: mark line is missing")
        return 1
    want = table()
    if "--write" in sys.argv:
        PAGE.write_text(head + START + want)
    elif now != want:
        print(f"{PAGE} is out of date: run tools/lint/check_limits.py --write")
        return 1
    return 0


sys.exit(main())
