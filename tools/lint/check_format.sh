#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
git ls-files '*.c' '*.h' | xargs .cache/venv-build/bin/clang-format --dry-run -Werror
