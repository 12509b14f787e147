#!/usr/bin/env bash
# Writes helm/sluice/README.md from README.md.gotmpl and the comments in values.yaml. With `--print` it only shows it.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash test/chart/tools/install.sh helm-docs >&2
options=(--chart-search-root helm/sluice --chart-to-generate helm/sluice --sort-values-order file --log-level warning)
if [ "${1:-}" = --print ]; then options+=(--dry-run); fi
exec .cache/chart/bin/helm-docs "${options[@]}"
