#!/usr/bin/env bash
# Builds oauth2-proxy, and the identity provider that it signs people in with, as the go.mod files here pin them, into
# .cache/auth/bin. A second run compares stamps and is done.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
here=test/real/auth/tools
out="$PWD/.cache/auth"
mkdir -p "$out/bin" "$out/stamps"

# shellcheck source=../../../chart/tools/go.sh
. test/chart/tools/go.sh

# Builds a package of the module below tools/$1, unless the stamp says that it stands there.
build() {
  local name=$1 package=$2 stamp
  stamp="$(cat "$here/$name/"* "$here/install.sh" | sha256sum)"
  [ "$(cat "$out/stamps/$name" 2>/dev/null || true)" = "$stamp" ] && [ -x "$out/bin/$name" ] && return
  use_go
  echo "test:real: building $name"
  (cd "$here/$name" && CGO_ENABLED=0 nice go build -mod=readonly -trimpath -ldflags '-s -w' -o "$out/bin/$name" "$package")
  echo "$stamp" >"$out/stamps/$name"
}

build oauth2-proxy github.com/oauth2-proxy/oauth2-proxy/v7
build provider .
