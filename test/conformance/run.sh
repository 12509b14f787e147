#!/usr/bin/env bash
# Runs Autobahn's cases through Sluice, as a client's and as a server's peer, beside the same cases without Sluice.
# Makes what it needs: a Python environment with a runner of those cases, below .cache/. What is missing and cannot be
# made is a failure. With CONFORMANCE_WRITE=1 docs/conformance.md is written anew; otherwise it is compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
mkdir -p .cache
suite=test:conformance
# shellcheck source=test/helpers/environments.sh
. test/helpers/environments.sh

exec 9>.cache/conformance.lock
flock 9
need_python
environment conformance test/conformance/requirements.txt
exec 9>&-

[ "${1:-}" = --prepare ] && exit 0
exec vitest run --config test/conformance/vitest.config.ts "$@"
