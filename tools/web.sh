#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the app of web/ into .cache/web, compressed forms beside each file: tools/web.sh [lint]
#
# Without a Node that is new enough nothing is built and that is said: the server then shows no pages. What was
# built from the same sources is kept.
set -euo pipefail
cd "$(dirname "$0")/.."

new_enough() { # what Vite asks for
    command -v npm >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1);' 2>/dev/null
}

stamp_of() { # stamp_of FILE...
    cat "$@" | sha256sum | cut -d' ' -f1
}

packages() {
    local hash
    hash=$(stamp_of web/package-lock.json)
    if [ ! -d web/node_modules ] || [ "$(cat .cache/web-npm.stamp 2>/dev/null)" != "$hash" ]; then
        echo "web: npm packages of web"
        (cd web && npm ci --no-audit --no-fund --loglevel=error --ignore-scripts)
        echo "$hash" >.cache/web-npm.stamp
    fi
}

if ! new_enough; then
    echo "web: no pages: they are built with Node 20.19, 22.12 or later, which is not here" >&2
    exit
fi
mkdir -p .cache
if [ "${1:-}" = lint ]; then
    packages
    cd web && exec npm run --silent lint
fi
mapfile -t sources < <(find web -name node_modules -prune -o -name dist -prune -o -name .types -prune -o -path web/test -prune -o -type f -print | LC_ALL=C sort)
hash=$(stamp_of tools/web.sh "${sources[@]}")
if [ ! -f .cache/web/index.html ] || [ "$(cat .cache/web.stamp 2>/dev/null)" != "$hash" ]; then
    packages
    echo "web: building the app"
    next=$PWD/.cache/web.next
    rm -rf "$next"
    (cd web && npx --no-install vite build --logLevel warn --outDir "$next" --emptyOutDir && node scripts/compress.mjs "$next")
    rm -rf .cache/web
    mv "$next" .cache/web
    echo "$hash" >.cache/web.stamp
fi
