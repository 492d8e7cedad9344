#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Names that are not there, and what nobody uses (pyflakes' rules). F811: fixtures of pytest are named where they are imported.
set -euo pipefail
git ls-files '*.py' | xargs .cache/venv-build/bin/ruff check --quiet --no-cache --select F --ignore F811
