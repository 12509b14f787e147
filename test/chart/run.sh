#!/usr/bin/env bash
# Runs the suites of the Helm chart: everything that needs no API server. Installs Helm and what else they need first,
# pinned, below .cache/chart. Arguments go to vitest: `bash test/chart/run.sh test/chart/running.test.ts`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
if ! command -v git >/dev/null; then
  echo 'test:chart: installing git'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git >/dev/null
fi
bash test/chart/tools/install.sh
exec vitest run --config test/chart/vitest.config.ts "$@"
