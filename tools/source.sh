# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts that bring parts which Debian 12 has too old: sources by name, pinned by their sha256.
#
# debian_source FILE POOL SHA256: a file of Debian's pool (POOL is a folder of it, like a/aom) from the mirror that this
# machine uses already. Returns 1 if there is none, or the file is not there or not the one that was pinned.
debian_source() {
    local site helper=/usr/lib/apt/apt-helper
    [ -x "$helper" ] || return 1
    while read -r site; do
        "$helper" -qq download-file "${site%/}/pool/main/$2/$(basename "$1")" "$1" "SHA256:$3" >/dev/null 2>&1 && return 0
    done < <(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | sort -u)
    return 1
}

# pip_file NAME VERSION SHA256 FOLDER [PIP OPTIONS...]: a wheel from PyPI; prints its path.
pip_file() {
    local name=$1 version=$2 sha256=$3 folder=$4 file
    shift 4
    .cache/venv-build/bin/pip download -q --disable-pip-version-check --no-deps --only-binary=:all: -d "$folder" "$@" \
        "$name==$version" >&2 || return 1
    file=$(echo "$folder/${name//-/_}"-*.whl)
    [ "$(sha256sum <"$file" | cut -d' ' -f1)" = "$sha256" ] || return 1
    echo "$file"
}
