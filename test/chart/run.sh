#!/usr/bin/env bash
# Runs the suites of the Helm chart: everything that needs no API server. Installs Helm and what else they need first, pinned,
# below .cache/chart. Arguments go to vitest: `bash test/chart/run.sh test/chart/running.test.ts`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
bash test/chart/tools/install.sh
exec vitest run --config test/chart/vitest.config.ts "$@"
