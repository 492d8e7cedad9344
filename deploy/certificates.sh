#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An authority for AI Core and its servers, and their certificates: deploy/certificates.sh FOLDER NAME...
#
# NAME: host names and addresses by which servers find AI Core (aicore.example.com 10.0.0.3). Writes ca.crt, and
# aicore/ and server/ with ca.crt, tls.crt and tls.key each: files for one machine, or entries of one Secret. node/ has
# the same for several servers as one (cluster.tls), by an authority of its own: whoever it signs may act as a server.
# An authority that is there is used again, so a further AI Core is trusted by those that run.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: certificates.sh FOLDER NAME..." >&2
    exit 2
fi
folder=$1
shift
umask 077
mkdir -p "$folder/aicore" "$folder/server" "$folder/node"
cd "$folder"

authority() { # authority FILE NAME
    if [ ! -f "$1.key" ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$2" \
            -keyout "$1.key" -out "$1.crt" 2>/dev/null
    fi
}
authority ca "AuraLink AI Core"
authority node-ca "AuraLink nodes"

names=
for name in "$@"; do
    case $name in
    *[!0-9.]* | '') case $name in *:*) kind=IP ;; *) kind=DNS ;; esac ;;
    *) kind=IP ;;
    esac
    names+=${names:+,}$kind:$name
done

sign() { # sign AUTHORITY FOLDER EXTENSION...
    local ca=$1 to=$2
    shift 2
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=auralink-$to" -keyout "$to/tls.key" \
        -out "$to/tls.csr" 2>/dev/null
    openssl x509 -req -in "$to/tls.csr" -CA "$ca.crt" -CAkey "$ca.key" -CAcreateserial -days 825 -out "$to/tls.crt" \
        -extfile <(printf '%s\n' "$@") 2>/dev/null
    rm "$to/tls.csr"
    cp "$ca.crt" "$to/ca.crt"
}
sign ca aicore extendedKeyUsage=serverAuth "subjectAltName=$names"
sign ca server extendedKeyUsage=clientAuth "subjectAltName=DNS:auralink-server"
sign node-ca node extendedKeyUsage=serverAuth,clientAuth "subjectAltName=DNS:auralink-server"
echo "certificates: $folder/aicore for AI Core ($names), $folder/server for servers, $folder/node for what they tell each other;" \
    "keep $folder/ca.key and node-ca.key to yourself"
