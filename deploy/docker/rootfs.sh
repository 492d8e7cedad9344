#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts together what an image holds: deploy/docker/rootfs.sh OUT PREFIX MODELS PROGRAM...
#
# The programs of PREFIX (where `meson install` put them, as /out/usr), the libraries that they load, the app for browsers
# (with auralink-server), MODELS (with auralink-aicore; - = none) and what the C library wants to know of a system. No shell, no package
# manager, nothing that can be run but the programs. The Dockerfile copies OUT, and a test runs it without a container engine.
set -euo pipefail
if [ $# -lt 4 ]; then
    echo "usage: rootfs.sh OUT PREFIX MODELS PROGRAM..." >&2
    exit 2
fi
out=$1 prefix=$2 models=$3
shift 3

mkdir -p "$out"/{dev,proc,sys,run,tmp,etc/ssl/certs,usr/bin,usr/lib,usr/lib64,var/lib/auralink}
ln -sfn usr/lib "$out/lib" # as Debian has it
ln -sfn usr/lib64 "$out/lib64"
chmod 1777 "$out/tmp"

# Where the loader looks for it, and the file behind it.
library() {
    local path=$1
    [ -e "$out$path" ] && return
    mkdir -p "$out$(dirname "$path")"
    cp -L "$path" "$out$path"
}

libraries_of() {
    local path
    while read -r path; do
        library "$path"
    done < <(ldd "$@" 2>/dev/null | sed -nE 's/.*=> (\/[^ ]+) .*/\1/p; s/^\t(\/[^ ]*ld-[^ ]+) .*/\1/p' | grep -v "^${models%/}/" | sort -u)
}

# libwebsockets loads its loop by name.
for path in /usr/lib/*/libwebsockets-evlib_uv.so; do
    library "$path"
    libraries_of "$path"
done

for program in "$@"; do
    cp "$prefix/bin/$program" "$out/usr/bin/"
    strip "$out/usr/bin/$program"
    libraries_of "$prefix/bin/$program"
    case $program in
    auralink-server)
        if [ -d "$prefix/share/auralink/web" ]; then
            mkdir -p "$out/usr/share/auralink"
            cp -R "$prefix/share/auralink/web" "$out/usr/share/auralink/web"
        fi
        ;;
    auralink-aicore)
        if [ "$models" != - ]; then
            mkdir -p "$out/usr/share/auralink/models"
            cp -R "$models/." "$out/usr/share/auralink/models/"
            libraries_of "$models"/runtime/*.so*
        fi
        ;;
    auralink) # names on recordings
        mkdir -p "$out/etc/fonts" "$out/usr/share/fonts"
        cp -RL /etc/fonts/. "$out/etc/fonts/"
        cp -RL /usr/share/fonts/truetype "$out/usr/share/fonts/truetype"
        ;;
    esac
done

cp -L /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/"
touch "$out"/etc/{hosts,hostname,resolv.conf} # an engine mounts its own over them
printf 'hosts: files dns\n' >"$out/etc/nsswitch.conf"
printf 'root:x:0:0::/:/nologin\nauralink:x:65532:65532::/var/lib/auralink:/nologin\n' >"$out/etc/passwd"
printf 'root:x:0:\nauralink:x:65532:\n' >"$out/etc/group"
chown 65532:65532 "$out/var/lib/auralink" 2>/dev/null || echo "rootfs: not root: /var/lib/auralink stays yours" >&2
