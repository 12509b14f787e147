#!/usr/bin/env bash
# Runs the suites against real servers and a real browser. Makes what they need on a machine that has nothing:
# two Python environments under .cache/ from fully pinned requirements, and Debian's Chromium.
# What is missing and cannot be made is a failure, never a skipped test.
# Arguments go to vitest: `bash test/real/run.sh test/real/jupyter`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
mkdir -p .cache

fail() {
  echo "test:real: $*" >&2
  exit 1
}

apt_install() {
  command -v apt-get >/dev/null || fail "$1 is missing, and there is no apt-get to install it with"
  [ "$(id -u)" = 0 ] || fail "$1 is missing; as root: apt-get install --no-install-recommends $*"
  echo "test:real: installing $*"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The pins want Python 3.11 or newer, with venv and ensurepip (a package of its own on Debian).
usable_python() {
  command -v "$1" >/dev/null && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in python3.11 python3 python3.12 python3.13 /usr/bin/python3; do
    if usable_python "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# A stamp names what an environment was made from (pins, place, interpreter), so a warm start only compares two lines.
environment() {
  local pins="test/real/requirements/$1.txt" venv=".cache/venv-$1" stamp
  stamp="$(sha256sum <"$pins") $PWD $python $("$python" --version)"
  if [ "$(cat "$venv/.stamp" 2>/dev/null || true)" = "$stamp" ]; then return; fi
  echo "test:real: making $venv"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --no-deps --disable-pip-version-check --requirement "$pins"
  "$venv/bin/python" -m pip check
  echo "$stamp" >"$venv/.stamp"
}

prepare() {
  python="$(find_python)" || {
    apt_install python3 python3-venv
    python="$(find_python)" || fail 'no Python 3.11 or newer with venv was found'
  }
  environment modern
  environment classic
  # Without a font the browser draws no text.
  [ -x /usr/bin/chromium ] || apt_install chromium fonts-dejavu-core
}

# Two runs in one checkout must not make the same environment at the same time.
exec 9>.cache/real.lock
flock 9
prepare
exec 9>&-

[ "${1:-}" = --prepare ] && exit 0
exec vitest run --config test/real/vitest.config.ts "$@"
