#!/usr/bin/env bash
# Installs the chart's tools, pinned, below .cache/chart:
# bin/{helm,helm-unittest,kubeconform,helm-docs,kubernetes-validate,actionlint} and
# crds/{prometheus-operator,keda,gateway-api}. Run from anywhere; a second run compares stamps and is done. Names as
# arguments install only those: `install.sh helm crds`. crane (a registry) and oras are installed only where they are
# named.
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=test/chart/tools
out="$PWD/.cache/chart"
mkdir -p "$out/bin" "$out/stamps" "$out/crds"

# Without these Helm believes in Kubernetes 1.20, and refuses charts that ask for more.
kubernetes_minor=34
helm_flags=''
for place in chartutil lint/rules; do
  helm_flags+=" -X helm.sh/helm/v3/pkg/$place.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$place.k8sVersionMinor=$kubernetes_minor"
done

suite=tools
# shellcheck source=test/helpers/environments.sh
. test/helpers/environments.sh
# shellcheck source=go.sh
. "$here/go.sh"

# A stamp says what a tool was made from: nothing is made twice, and a changed pin makes it anew.
fresh() { [ "$(cat "$out/stamps/$1" 2>/dev/null || true)" = "$2" ] && [ -e "$out/$3" ]; }

# Builds the one tool that the go.mod below tools/$1 names.
go_tool() {
  local name=$1 flags=${2:-} stamp
  stamp="$(cat "$here/$name/go.mod" "$here/$name/go.sum" <(echo "$flags") | sha256sum)"
  fresh "$name" "$stamp" "bin/$name" && return
  use_go
  echo "tools: building $name"
  (cd "$here/$name" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w$flags" -o "$out/bin/$name" tool)
  echo "$stamp" >"$out/stamps/$name"
}

# The CRDs of another project, out of its Go module: name, module, folder.
crds() {
  local name=$1 module=$2 folder=$3 directory
  fresh "crds-$name" "$module $folder" "crds/$name" && return
  use_go
  echo "tools: fetching the CRDs of $module"
  directory="$(cd / && go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')"
  rm -rf "$out/crds/$name"
  mkdir "$out/crds/$name"
  cp "$directory/$folder"/*.yaml "$out/crds/$name/"
  rm -f "$out/crds/$name/kustomization.yaml"
  chmod u+w "$out/crds/$name"/*
  echo "$module $folder" >"$out/stamps/crds-$name"
}

kubernetes_validate() {
  need_python
  environment kubernetes-validate "$here/kubernetes-validate.txt"
  ln -sfn ../../venv-kubernetes-validate/bin/kubernetes-validate "$out/bin/kubernetes-validate"
}

install() {
  case $1 in
    helm) go_tool helm "$helm_flags" ;;
    helm-unittest | helm-docs | kubeconform | actionlint | crane | oras) go_tool "$1" ;;
    kubernetes-validate) kubernetes_validate ;;
    crds)
      crds prometheus-operator github.com/prometheus-operator/prometheus-operator@v0.85.0 example/prometheus-operator-crd
      crds keda github.com/kedacore/keda/v2@v2.21.0 config/crd/bases
      crds gateway-api sigs.k8s.io/gateway-api@v1.6.1 config/crd/standard
      ;;
    *)
      echo "tools: there is no $1" >&2
      exit 2
      ;;
  esac
}

# Two runs in one checkout must not make the same tool at the same time.
exec 9>"$out/lock"
flock 9
[ $# -gt 0 ] || set -- helm helm-unittest helm-docs kubeconform kubernetes-validate crds actionlint
for name in "$@"; do install "$name"; done
