#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests with real clients: run.sh [BUILD_DIR] [SELECTION...]
#
# BUILD_DIR (default build) holds auralink-server. SELECTION: nothing = all tests; asan or tsan = the few
# that sanitizer builds run; anything else = test names (parts of names will do, as pytest -k takes them).
# AURA_SERVER_CMD replaces the server program. The last line is "interop: N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

build=${1:-build}
shift || true
case $build in
/*) ;;
*) build=$root/$build ;;
esac

"$root/tools/deps.sh" test || exit 1
venv=$root/.cache/venv-test

arguments=()
case "${1:-}" in
'') ;;
asan | tsan) arguments=(-m smoke) ;;
*)
    expression=$1
    shift
    for name in "$@"; do expression="$expression or $name"; done
    arguments=(-k "$expression")
    ;;
esac

export AURA_BUILD=$build
export AURA_INTEROP_RESULTS=$build/interop-results.json
report=$(mktemp)
trap 'rm -f "$report"' EXIT
"$venv/bin/python" -m pytest -v --tb=short --durations=20 --durations-min=10 --junit-xml="$report" "${arguments[@]}" </dev/null
status=$?
"$venv/bin/python" - "$report" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

try:
    suite = tree.parse(sys.argv[1]).getroot().find("testsuite").attrib
    failed = int(suite["failures"]) + int(suite["errors"])
    skipped = int(suite["skipped"])
    passed = int(suite["tests"]) - failed - skipped
except (OSError, tree.ParseError, AttributeError):
    passed, failed, skipped = 0, 1, 0
if skipped:
    print(f"interop: {skipped} skipped")
print(f"interop: {passed} passed, {failed} failed")
PYTHON
exit $status
