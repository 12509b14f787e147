#!/usr/bin/env bash
# Runs the suites against real servers and a real browser. Makes what they need on a machine that has nothing: three
# Python environments under .cache/ from fully pinned requirements, oauth2-proxy through the Go proxy, and Debian's
# Chromium, HAProxy and Redis. Arguments go to vitest: `bash test/real/run.sh test/real/jupyter`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
mkdir -p .cache
suite=test:real
# shellcheck source=test/helpers/environments.sh
. test/helpers/environments.sh

# Two runs in one checkout must not make the same environment at the same time.
exec 9>.cache/real.lock
flock 9
need_python
environment modern test/real/requirements/modern.txt
environment classic test/real/requirements/classic.txt
environment http test/real/requirements/http.txt
need_chromium
command -v haproxy >/dev/null || RUNLEVEL=1 apt_install haproxy
command -v redis-server >/dev/null || RUNLEVEL=1 apt_install redis-server
bash test/real/auth/tools/install.sh
exec 9>&-

[ "${1:-}" = --prepare ] && exit 0
exec vitest run --config test/real/vitest.config.ts "$@"
