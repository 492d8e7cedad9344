#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The app of web/: TypeScript, ESLint and Prettier, where Node is there.
set -uo pipefail
cd "$(dirname "$0")/../.."
exec tools/web.sh lint
