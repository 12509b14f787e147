#!/usr/bin/env bash
# Attaches a bill of materials to what is in a registry: sbom.sh REFERENCE FILE (SPDX). Needs oras (ORAS, ORAS_OPTIONS).
set -euo pipefail
read -ra oras <<<"${ORAS:-oras}"
read -ra options <<<"${ORAS_OPTIONS:-}"
cd "$(dirname "$2")"
"${oras[@]}" attach "${options[@]}" --artifact-type application/spdx+json "$1" "$(basename "$2"):application/spdx+json"
