#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes single/auralink.yaml and nodes/auralink.yaml from the chart, for who uses kubectl alone: deploy/kustomize/render.sh [OUT]
#
# The test runs it into another folder and compares, so that the files are what the chart makes.
set -euo pipefail
cd "$(dirname "$0")"
helm=${HELM:-helm}
out=${1:-.}

for which in single nodes; do
    mkdir -p "$out/$which"
    {
        echo "# SPDX-License-Identifier: Apache-2.0"
        echo "# Written by deploy/kustomize/render.sh from the chart and values.yaml beside: do not edit, overlay it."
        "$helm" template auralink ../helm/auralink --namespace auralink --kube-version 1.37.0 -f "$which/values.yaml" 2>/dev/null |
            sed '/^# Source: /d; s,\(app.kubernetes.io/managed-by: \)Helm,\1kustomize,'
    } >"$out/$which/auralink.yaml"
done
