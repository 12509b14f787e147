#!/usr/bin/env bash
# Pushes a packaged chart: push-chart.sh FOLDER REGISTRY/PATH DIGEST-FILE. Needs Helm (HELM, HELM_OPTIONS).
set -euo pipefail
read -ra helm <<<"${HELM:-helm}"
read -ra options <<<"${HELM_OPTIONS:-}"
said="$("${helm[@]}" push "$1"/sluice-*.tgz "oci://$2" "${options[@]}" 2>&1)" || { echo "$said" >&2; exit 1; }
echo "$said"
sed -n 's/^Digest: //p' <<<"$said" >"$3"
[ -s "$3" ]
