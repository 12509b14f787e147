#!/usr/bin/env bash
# Runs Autobahn's cases through Sluice, as a client's and as a server's peer, beside the same cases without Sluice. Makes what
# it needs: a Python environment with a runner of those cases, below .cache/. What is missing and cannot be made is a failure.
# With CONFORMANCE_WRITE=1 docs/conformance.md is written anew; otherwise it is compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
pins=test/conformance/requirements.txt venv=.cache/venv-conformance
mkdir -p .cache

usable_python() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in python3 python3.11 python3.12 python3.13 /usr/bin/python3; do
    if usable_python "$candidate"; then command -v "$candidate"; return; fi
  done
  return 1
}

prepare() {
  local python stamp
  stamp="$PWD $(sha256sum <"$pins")"
  [ "$(cat "$venv/.stamp" 2>/dev/null || true)" = "$stamp" ] && return
  python="$(find_python)" || {
    echo 'test:conformance: installing python3-venv'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
    python="$(find_python)"
  }
  echo "test:conformance: making $venv"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --no-deps --disable-pip-version-check --requirement "$pins"
  "$venv/bin/python" -m pip check
  echo "$stamp" >"$venv/.stamp"
}

exec 9>.cache/conformance.lock
flock 9
prepare
exec 9>&-

[ "${1:-}" = --prepare ] && exit 0
exec vitest run --config test/conformance/vitest.config.ts "$@"
