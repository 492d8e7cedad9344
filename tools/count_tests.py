#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""count_tests.py BUILD: prints "passed failed" of the last `meson test` run there.

A cmocka program counts with each of its cases, any other test (fuzz replay) as one.
"""
import json
import pathlib
import re
import sys

PASSED = re.compile(r"\[  PASSED  \] (\d+) test")
FAILED = re.compile(r"\[  FAILED  \] (\d+) test\(s\), listed below")


def main():
    log = pathlib.Path(sys.argv[1]) / "meson-logs" / "testlog.json"
    passed = failed = 0
    if not log.exists():
        sys.exit("no test has run")
    for line in log.read_text().splitlines():
        test = json.loads(line)
        output = (test.get("stdout") or "") + (test.get("stderr") or "")
        ok = sum(map(int, PASSED.findall(output)))
        bad = sum(map(int, FAILED.findall(output)))
        if test["result"] == "OK":
            passed += ok or 1
            failed += bad
        else:  # crashed, timed out or failed: at least one
            passed += ok
            failed += bad or 1
    print(passed, failed)


main()
