#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An authority for AI Core and its servers, and their certificates: deploy/certificates.sh FOLDER NAME...
#
# NAME: host names and addresses by which servers find AI Core (aicore.example.com 10.0.0.3). Writes ca.crt, and
# aicore/ and server/ with ca.crt, tls.crt and tls.key each: files for one machine, or entries of one Secret.
# An authority that is there is used again, so a further AI Core is trusted by those that run.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: certificates.sh FOLDER NAME..." >&2
    exit 2
fi
folder=$1
shift
umask 077
mkdir -p "$folder/aicore" "$folder/server"
cd "$folder"

if [ ! -f ca.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=AuraLink AI Core" \
        -keyout ca.key -out ca.crt 2>/dev/null
fi

names=
for name in "$@"; do
    case $name in
    *[!0-9.]* | '') case $name in *:*) kind=IP ;; *) kind=DNS ;; esac ;;
    *) kind=IP ;;
    esac
    names+=${names:+,}$kind:$name
done

sign() { # sign FOLDER EXTENSION...
    local to=$1
    shift
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=auralink-$to" -keyout "$to/tls.key" \
        -out "$to/tls.csr" 2>/dev/null
    openssl x509 -req -in "$to/tls.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -out "$to/tls.crt" \
        -extfile <(printf '%s\n' "$@") 2>/dev/null
    rm "$to/tls.csr"
    cp ca.crt "$to/ca.crt"
}
sign aicore extendedKeyUsage=serverAuth "subjectAltName=$names"
sign server extendedKeyUsage=clientAuth "subjectAltName=DNS:auralink-server"
echo "certificates: $folder/aicore for AI Core ($names), $folder/server for servers; keep $folder/ca.key to yourself"
