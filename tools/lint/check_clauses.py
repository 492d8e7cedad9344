#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses clauses of docs/aic-protocol.md that say MUST without a number or without a test that exists."""
import pathlib
import re
import sys

DOCUMENT = pathlib.Path("docs/aic-protocol.md")
CLAUSE = re.compile(r"- \*\*(AIC-\d+\.\d+)\*\* (.*)")
TEST = re.compile(r"Test: `(\w+)/(\w+)::(\w+)`")


def case_exists(folder, name, case):
    if folder == "interop":
        path = pathlib.Path("tests/interop") / f"{name}.py"
        return path.exists() and re.search(rf"def {case}\(", path.read_text())
    path = pathlib.Path("tests/unit") / folder / f"test_{name}.c"
    return path.exists() and re.search(rf"AURA_(CASE|PLAIN)\({case}\)", path.read_text())


def problems():
    seen = set()
    for number, line in enumerate(DOCUMENT.read_text().splitlines(), 1):
        where, clause, test = f"{DOCUMENT}:{number}", CLAUSE.match(line), TEST.search(line)
        if clause and clause.group(1) in seen:
            yield f"{where}: {clause.group(1)} is there twice"
        if clause:
            seen.add(clause.group(1))
        if clause and not test:
            yield f"{where}: {clause.group(1)} names no test"
        elif test and not case_exists(*test.groups()):
            yield f"{where}: there is no test {'/'.join(test.groups()[:2])}::{test.group(3)}"
        if re.search(r"\bMUST\b", line) and line.startswith("- ") and not clause:
            yield f"{where}: a MUST without a number"
    if not seen:
        yield f"{DOCUMENT}: no clauses found"


found = list(problems())
print("\n".join(found), end="\n" if found else "")
sys.exit(bool(found))
