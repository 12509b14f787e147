#!/usr/bin/env bash
# Runs the chart against a real Kubernetes API server, controller manager and scheduler, all on loopback, without a
# container engine: pods are admitted, created, scheduled and marked ready, but none runs.
# Builds what it needs through the Go proxy, once, below .cache/. What is missing and cannot be made is a failure.
# Arguments go to vitest: `bash test/cluster/run.sh rollout`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"

if ! command -v openssl >/dev/null; then
  echo 'test:cluster: installing openssl'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssl >/dev/null
fi

started=$SECONDS
bash test/chart/tools/install.sh helm crds crane
bash test/cluster/tools/install.sh
echo "test:cluster: tools took $((SECONDS - started)) s"

[ "${1:-}" = --prepare ] && exit 0
exec vitest run --config test/cluster/vitest.config.ts "$@"
