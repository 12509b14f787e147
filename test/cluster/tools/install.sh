#!/usr/bin/env bash
# Builds etcd, the parts of Kubernetes, and kwok, as the go.mod files here pin them, into .cache/cluster/bin.
# A second run compares stamps and is done.
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=test/cluster/tools
out="$PWD/.cache/cluster"
mkdir -p "$out/bin" "$out/stamps"

# shellcheck source=../../chart/tools/go.sh
. test/chart/tools/go.sh

# Builds packages of the module below tools/$1, unless the stamp says that they stand there.
build() {
  local module=$1 stamp
  stamp="$(cat "$here/$module/go.mod" "$here/$module/go.sum" "$here/install.sh" | sha256sum)"
  [ "$(cat "$out/stamps/$module" 2>/dev/null || true)" = "$stamp" ] && return
  use_go
  echo "tools: building $module"
  (cd "$here/$module" && "build_$module")
  echo "$stamp" >"$out/stamps/$module"
}

compile() { CGO_ENABLED=0 nice go build -mod=readonly -trimpath "$@"; }

# Left out, the API server would call itself v0.0.0, and Helm would refuse charts that name the oldest Kubernetes they
# want.
build_kubernetes() {
  local version place=k8s.io/component-base/version
  version="$(go list -m -f '{{.Version}}' k8s.io/kubernetes)"
  local minor="${version#v1.}"
  local flags="-s -w -X $place.gitVersion=$version -X $place.gitMajor=1 -X $place.gitMinor=${minor%%.*}"
  compile -ldflags "$flags" -o "$out/bin/" \
    k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubectl}
  # A name of its own: the package is called "server".
  compile -ldflags '-s -w' -o "$out/bin/etcd" go.etcd.io/etcd/server/v3
}

# A module apart, because it wants newer parts of Kubernetes than the server is made of.
build_kwok() { compile -ldflags '-s -w' -o "$out/bin/kwok" sigs.k8s.io/kwok/cmd/kwok; }

# Two runs in one checkout must not build at the same time.
exec 9>"$out/lock"
flock 9
build kwok
build kubernetes
