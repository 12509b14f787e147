#!/usr/bin/env bash
# Tries the presets with the real apps, in Chromium where they have pages. There are many and they are large, so a run
# takes one part of them, which the commit chooses: each part has its turn. SLUICE_APPS=all runs all,
# SLUICE_APPS=shiny,dash these. What is missing and cannot be made is a failure, never a skipped test. Arguments go to
# vitest.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
mkdir -p .cache
suite=test:apps
# shellcheck source=test/helpers/environments.sh
. test/helpers/environments.sh

parts=(streamlit shiny marimo jupyter dash code-server nicegui)

# A number that the commit, or else the day, gives.
turn() {
  local commit
  if commit="$(git rev-parse --short=7 HEAD 2>/dev/null)"; then
    echo $((16#$commit))
  else
    echo $(($(date +%s) / 86400))
  fi
}

case "${SLUICE_APPS:-}" in
  all) chosen=("${parts[@]}") ;;
  '') chosen=("${parts[$(($(turn) % ${#parts[@]}))]}") ;;
  *) IFS=, read -ra chosen <<<"$SLUICE_APPS" ;;
esac
echo "$suite: ${chosen[*]}"

# Two runs in one checkout must not make the same environment at the same time.
exec 9>.cache/apps.lock
flock 9
need_python
need_chromium
for part in "${chosen[@]}"; do
  [ -d "test/apps/$part" ] || fail "there is no part $part; write one of ${parts[*]}, or all"
  if [ -f "test/apps/$part/prepare.sh" ]; then
    # shellcheck source=test/apps/code-server/prepare.sh
    . "test/apps/$part/prepare.sh"
  else
    environment "apps-$part" "test/apps/$part/requirements.txt"
  fi
done
exec 9>&-

[ "${1:-}" = --prepare ] && exit 0
exec vitest run --config test/apps/vitest.config.ts "${chosen[@]/#/test/apps/}" "$@"
