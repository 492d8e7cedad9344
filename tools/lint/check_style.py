#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What no compiler says: banned functions, length of files, licence line, left-over marks."""
import re
import subprocess
import sys

LINES_MAX = 600
BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|atoi|atol|strtok|gets|rand|srand|"
                    r"alloca)\s*\(")
ALLOCATION = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup)\s*\(")
# The one place that wraps them; and memory that a library gave us or takes from us.
MAY_ALLOCATE = {"src/base/mem.c"}
LIBRARY_FREE = "/* library's memory */"
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(work|root|home/\w+)/")
CODE = re.compile(r"\.(c|h|py|sh|mjs|js|ts)$")
C_CODE = re.compile(r"\.[ch]$")
STRINGS = re.compile(r'"(?:\\.|[^"\\])*"')


def strip_comments(text):
    keep_lines = lambda m: "\n" * m.group(0).count("\n") + (
        LIBRARY_FREE if m.group(0) == LIBRARY_FREE else "")
    return re.sub(r"/\*.*?\*/|//[^\n]*", keep_lines, STRINGS.sub('""', text), flags=re.S)


def check_c(path, text):
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        match = BANNED.search(line)
        if match:
            yield f"{path}:{number}: {match.group(1)}() is banned"
        match = ALLOCATION.search(line)
        if match and path.startswith("src/") and path not in MAY_ALLOCATE \
                and LIBRARY_FREE not in line:
            yield (f"{path}:{number}: {match.group(1)}(): memory goes through base/mem.h "
                   f"(or say {LIBRARY_FREE})")


def check(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    lines = text.splitlines()
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
        yield f"{path}: no SPDX line at the top"
    if len(lines) > LINES_MAX:
        yield f"{path}: {len(lines)} lines, more than {LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if path != "tools/lint/check_style.py" and MARKS.search(line):
            yield f"{path}:{number}: left-over mark: {line.strip()[:60]}"
        if path != "tools/lint/check_style.py" and MACHINE_PATHS.search(line):
            yield f"{path}:{number}: path of one machine"
        if line != line.rstrip():
            yield f"{path}:{number}: space at the end of the line"
    if C_CODE.search(path):
        yield from check_c(path, text)


def main():
    names = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout
    found = [e for p in names.splitlines() if CODE.search(p) for e in check(p)]
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


sys.exit(main())
