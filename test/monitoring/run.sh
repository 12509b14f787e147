#!/usr/bin/env bash
# Runs the suite against a real Prometheus. Makes what it needs on a machine that has nothing: Debian's package,
# unpacked under .cache/ and never installed, so that no service starts; and Helm. What is missing and cannot be made is
# a failure. Arguments go to vitest: `bash test/monitoring/run.sh test/monitoring/rules`.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
export PATH="$root/node_modules/.bin:$PATH"
mkdir -p .cache

fail() {
  echo "test:monitoring: $*" >&2
  exit 1
}

# `apt-get download` needs no root, apart from fetching the lists.
prepare() {
  local place="$root/.cache/prometheus"
  if [ -x "$place/usr/bin/prometheus" ] && [ -x "$place/usr/bin/promtool" ]; then return; fi
  command -v apt-get >/dev/null || fail 'no apt-get to fetch prometheus with; put prometheus and promtool into .cache/prometheus/usr/bin'
  echo 'test:monitoring: fetching prometheus'
  rm -rf "$place"
  mkdir -p "$place"
  cd "$place"
  apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq && apt-get download -qq prometheus; }
  dpkg -x prometheus_*.deb .
  rm prometheus_*.deb
  cd "$root"
}

# Two runs in one checkout must not unpack at the same time.
exec 9>.cache/monitoring.lock
flock 9
prepare
bash test/chart/tools/install.sh helm
exec 9>&-

[ "${1:-}" = --prepare ] && exit 0
exec vitest run --config test/monitoring/vitest.config.ts "$@"
