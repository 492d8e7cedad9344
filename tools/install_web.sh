#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Part of `meson install`: the app, if it was built (tools/web.sh), goes to share/auralink/web beside bin.
set -eu
built=$MESON_SOURCE_ROOT/.cache/web
to=$MESON_INSTALL_DESTDIR_PREFIX/share/auralink/web
[ -f "$built/index.html" ] || exit 0
rm -rf "$to"
mkdir -p "$to"
cp -R "$built/." "$to/"
