#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Secrets are compared by aura_secret_equal() alone: memcmp() and strcmp() tell by their time how much of a guess was right."""

import re
import subprocess
import sys

COMPARE = re.compile(r"\b(?:memcmp|strn?cmp|strcasecmp)\s*\(([^;{]*)")
SECRET = re.compile(r"\b\w*(?:secret|password|passwd|_pwd|\bpwd|_mac\b|\bmac\b|\btag\b|signature|credential)\w*", re.IGNORECASE)
# Has the other side begun anew? Both values are what it sent itself.
FINE = {"src/client/agent.c": "a->remote_pwd", "src/room/negotiation.c": "neg->remote_pwd"}

found = []
for path in subprocess.check_output(["git", "ls-files", "src/*.c", "src/*.h"], text=True).split():
    with open(path) as file:
        for number, line in enumerate(file, 1):
            for arguments in COMPARE.findall(re.sub(r'"[^"]*"', '""', line)):
                if SECRET.search(arguments) and FINE.get(path, "\0") not in line:
                    found.append(f"{path}:{number}: {line.strip()}: compare secrets with aura_secret_equal()")
print("\n".join(found))
sys.exit(bool(found))
