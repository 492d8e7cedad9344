#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every check of this folder; the last line counts them.
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0
for check in tools/lint/check_*; do
    if "$check"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $check"
        failed=$((failed + 1))
    fi
done
echo "lint: $passed passed, $failed failed"
[ $failed = 0 ]
