#!/usr/bin/env bash
# Packages the chart into a folder: chart.sh FOLDER [IMAGE]. With an image its values name that one, so that whoever
# installs the chart names none. What the README of the chart links to outside of the chart goes with it, so that every
# link of the package leads somewhere. Needs Helm (HELM, or `helm`).
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1
stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
cp -r helm/sluice "$stage/sluice"
rm -rf "$stage"/sluice/examples/*/charts "$stage"/sluice/examples/*/Chart.lock
mkdir "$stage/sluice/docs"
# The links of the README: those to docs/ are carried, once each.
grep -o '](../../docs/[a-z-]*\.md' helm/sluice/README.md | sort -u | sed 's#](../../##' | while read -r page; do
  cp "$page" "$stage/sluice/$page"
done
sed -i 's#](../../docs/#](docs/#g' "$stage/sluice/README.md"
if [ -n "${2:-}" ]; then
  sed -i "s#^  repository: sluice\$#  repository: $2#" "$stage/sluice/values.yaml"
  grep -q "^  repository: $2\$" "$stage/sluice/values.yaml" || { echo 'chart: values.yaml has no image.repository' >&2; exit 1; }
fi
mkdir -p "$out"
"${HELM:-helm}" package "$stage/sluice" --destination "$out"
