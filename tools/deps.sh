#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing: tools/deps.sh build | test | bench-aic
#
# System packages by name (apt; sudo only if something is missing), Python and Node packages into the
# project's own folders, at pinned versions. A second run finds its stamp and does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-build}

# A|B = the first of them that this distribution has.
build_packages=(
    gcc libc6-dev pkg-config meson ninja-build python3 python3-venv ca-certificates
    libssl-dev libsrtp2-dev libusrsctp-dev libcurl4-openssl-dev libsqlite3-dev libsodium-dev
    libwebsockets-dev libwebsockets-evlib-uv libuv1-dev
    libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libprotobuf-dev
    libjansson-dev libyaml-dev zlib1g-dev libhiredis-dev
    libgrpc-dev libseccomp-dev libavcodec-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev
    libpango1.0-dev libfontconfig-dev fonts-dejavu-core # names on recordings, and letters for them
    libaom-dev libvpx-dev libopus-dev cmake nasm libfido2-dev
)
case $(uname -m) in
x86_64) build_packages+=(libipsec-mb-dev) ;; # AES-GCM in batches; elsewhere OpenSSL does it
esac
# Ubuntu has firefox and chromium-browser as packages that fetch a snap.
test_packages=(
    libcmocka-dev g++ clang ccache openssl curl "chromium|chromium-browser" "firefox-esr|firefox" ffmpeg procps iproute2 tshark
    coturn nftables gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-nice python3-gi python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gir1.2-gst-plugins-base-1.0
    redis-server redis-sentinel redis-tools # nodes of a cluster
    fish zsh man-db groff mandoc # completions and manual pages
    asterisk-core-sounds-en-g722 asterisk-moh-opsound-g722 # a voice and music, for AI Core's sound
)

missing_of() { # the words that are not installed, with alternatives resolved
    local word name
    for word in "$@"; do
        local found='' first=''
        for name in ${word//|/ }; do
            if dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed'; then
                found=yes
            fi
        done
        [ -n "$found" ] && continue
        for name in ${word//|/ }; do
            if [ -z "$first" ] && apt-cache show "$name" >/dev/null 2>&1; then
                first=$name
            fi
        done
        echo "${first:-${word%%|*}}"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps: not root and no sudo; run as root: $*" >&2
        exit 1
    fi
}

install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        echo "deps: no apt here; install the equivalents of: $*" >&2
        return
    fi
    local missing
    mapfile -t missing < <(missing_of "$@")
    [ ${#missing[@]} = 0 ] && return
    # Names differ between releases: look again with fresh lists before choosing.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    mapfile -t missing < <(missing_of "$@")
    echo "deps: installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}"
}

stamped() { # stamped NAME FILE...: true if nothing has changed since the stamp was written
    local name=$1
    shift
    hash=$(cat "$@" | sha256sum | cut -d' ' -f1)
    [ "$(cat ".cache/$name.stamp" 2>/dev/null)" = "$hash" ]
}

write_stamp() {
    echo "$hash" >".cache/$1.stamp"
}

venv() { # venv NAME REQUIREMENTS
    if [ ! -x ".cache/$1/bin/python" ] || ! stamped "$1" "$2"; then
        hash=$(sha256sum <"$2" | cut -d' ' -f1)
        echo "deps: Python packages of $2"
        python3 -m venv --clear ".cache/$1"
        ".cache/$1/bin/pip" install -q --disable-pip-version-check -r "$2"
        write_stamp "$1"
    fi
}

# The sanitizers' run-time library is a package of its own that carries clang's version.
clang_runtime() {
    local version
    version=$(clang -dumpversion 2>/dev/null | cut -d. -f1)
    echo "libclang-rt-$version-dev"
}

node_is_new_enough() {
    local major
    major=$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/')
    [ "${major:-0}" -ge 18 ] && command -v npm >/dev/null
}

npm_packages() { # npm_packages FOLDER STAMP [OPTION...]
    local folder=$1 stamp=$2
    shift 2
    if [ ! -d "$folder/node_modules" ] || ! stamped "$stamp" "$folder/package-lock.json"; then
        hash=$(sha256sum <"$folder/package-lock.json" | cut -d' ' -f1)
        echo "deps: npm packages of $folder"
        (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error "$@")
        write_stamp "$stamp"
    fi
}

mkdir -p .cache
if [ "$mode" != bench-aic ] && ! stamped "deps-$mode" tools/deps.sh /etc/os-release; then
    wanted=("${build_packages[@]}")
    if [ "$mode" = test ]; then
        wanted+=("${test_packages[@]}")
        node_is_new_enough || wanted+=(nodejs npm)
    fi
    install_packages "${wanted[@]}"
    [ "$mode" = test ] && install_packages "$(clang_runtime)"
    stamped "deps-$mode" tools/deps.sh /etc/os-release || write_stamp "deps-$mode"
fi
if [ "$mode" = bench-aic ]; then
    install_packages ffmpeg asterisk-core-sounds-{en,es,fr,it,ru}-g722 asterisk-moh-opsound-g722
    venv venv-aic bench/aic/requirements.txt
    exit
fi
venv venv-build requirements-build.txt
if [ "$mode" = test ]; then
    if [ -f tests/interop/requirements.txt ]; then
        venv venv-test tests/interop/requirements.txt
    fi
    if [ -f tests/interop/package-lock.json ]; then
        npm_packages tests/interop npm
    fi
    if [ -f web/package-lock.json ]; then # what the app is built with, and axe-core; the stamp is tools/web.sh's too
        npm_packages web web-npm --ignore-scripts
    fi
    # Agents bring much with them, and other versions of what the tests have: a place of their own.
    if [ -f tests/interop/agents/requirements.txt ]; then
        venv venv-agents tests/interop/agents/requirements.txt
        npm_packages tests/interop/agents npm-agents --ignore-scripts
    fi
    if [ -f tests/interop/matrix/requirements.txt ]; then # a homeserver
        venv venv-matrix tests/interop/matrix/requirements.txt
        npm_packages tests/interop/matrix npm-matrix --ignore-scripts
    fi
fi
