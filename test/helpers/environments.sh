# Sourced by the suites that want other programs: Python environments from fully pinned requirements, and Debian's
# packages. What is missing and cannot be made is a failure, never a skipped test. The caller stands in the checkout and
# sets `suite`.

fail() {
  echo "$suite: $*" >&2
  exit 1
}

apt_install() {
  command -v apt-get >/dev/null || fail "$1 is missing, and there is no apt-get to install it with"
  [ "$(id -u)" = 0 ] || fail "$1 is missing; as root: apt-get install --no-install-recommends $*"
  echo "$suite: installing $*"
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

# Sets `python`.
need_python() {
  python="$(find_python)" || {
    apt_install python3 python3-venv
    python="$(find_python)" || fail 'no Python 3.11 or newer with venv was found'
  }
}

# environment NAME PINS makes .cache/venv-NAME. A stamp names what it was made from (pins, place, interpreter), so a
# warm start only compares two lines.
environment() {
  local pins="$2" venv=".cache/venv-$1" stamp
  stamp="$(sha256sum <"$pins") $(dirname "$(realpath .cache)") $python $("$python" --version)"
  if [ "$(cat "$venv/.stamp" 2>/dev/null || true)" = "$stamp" ]; then return; fi
  echo "$suite: making $venv"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --no-deps --disable-pip-version-check --requirement "$pins"
  "$venv/bin/python" -m pip check
  echo "$stamp" >"$venv/.stamp"
}

# Without a font the browser draws no text.
need_chromium() {
  [ -x /usr/bin/chromium ] || apt_install chromium fonts-dejavu-core
}
