#!/usr/bin/env bash
# Builds the image from the unchanged Dockerfile for two platforms, without a container engine, pushes it with its bill
# of materials to a registry on loopback by the release's own scripts, pulls it back and runs it. Needs Debian and root,
# and installs the rest: buildah and crun (apt), linter and bill of materials (PyPI), the registry and oras (Go proxy).
# All that is kept is in .cache/image. What is missing and cannot be made is a failure, never a skipped test. Arguments
# go to vitest: `bash test/image/run.sh test/image/container.test.ts`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/node_modules/.bin:$PATH"
cache="$PWD/.cache/image"
version="$(node --print "require('./package.json').version")"

fail() {
  echo "test:image: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail 'must be root, to build and run an image'
mkdir -p "$cache/tmp"
# Two runs in one checkout would share the storage.
exec 9>"$cache/lock"
flock 9

. test/image/stand-ins.sh

apt_install() {
  command -v apt-get >/dev/null || fail "there is no apt-get to install $* with"
  echo "test:image: installing $*"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >/dev/null
}

buildah_() {
  bash test/image/buildah.sh "$@"
}

# overlay is fast, and is not to be had where the checkout is on an overlay itself.
storage_driver() {
  local try="$work/overlay"
  mkdir -p "$cache/tmp/upper" "$cache/tmp/work" "$try"
  if mount -t overlay overlay -o "lowerdir=$PWD/test,upperdir=$cache/tmp/upper,workdir=$cache/tmp/work" "$try" 2>/dev/null; then
    umount "$try"
    echo overlay
  else
    echo vfs
  fi
}

# What a run that was killed has left.
unmount_all() {
  awk -v under="$cache/storage/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n 1 umount -l
}

cleanup() {
  [ -z "${registry_process:-}" ] || kill "$registry_process" 2>/dev/null || true
  buildah_ rm --all >/dev/null 2>&1 || true
  # The build before this one, which has lost its name.
  buildah_ rmi --prune >/dev/null 2>&1 || true
  unmount_all
  rm -rf "$work"
}

python_tools() {
  local stamp
  stamp="$(sha256sum <test/image/requirements.txt) $PWD $(python3 --version)"
  [ "$(cat "$cache/venv/.stamp" 2>/dev/null)" = "$stamp" ] && return
  echo 'test:image: installing linter and SBOM tool'
  rm -rf "$cache/venv"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/python" -m pip install --quiet --no-deps --disable-pip-version-check --requirement test/image/requirements.txt
  echo "$stamp" >"$cache/venv/.stamp"
}

# The commands of the release's scripts: buildah with the storage of this run, a registry without TLS.
export BUILDAH="bash $PWD/test/image/buildah.sh" PUSH_OPTIONS='--tls-verify=false' ORAS="$PWD/.cache/chart/bin/oras" ORAS_OPTIONS='--plain-http'

build() {
  local stand_ins
  mapfile -t stand_ins < <(stand_in_arguments)
  bash scripts/release/image.sh build "$version" "$revision" --isolation chroot --pull-never "${stand_ins[@]}"
}

# Starts a registry on a free port of loopback; its process ends with this script.
start_registry() {
  .cache/chart/bin/crane registry serve --address 127.0.0.1:0 >"$work/registry.log" 2>&1 &
  registry_process=$!
  for _ in $(seq 100); do
    registry_port="$(sed -n 's/.*serving on port \([0-9]*\).*/\1/p' "$work/registry.log")"
    [ -n "$registry_port" ] && return
    sleep 0.1
  done
  fail "the registry does not start: $(cat "$work/registry.log")"
}

# Of the whole image. `npm sbom --omit dev` leaves out what development dependencies need as well, so it is of no use.
bill_of_materials() {
  SYFT_CHECK_FOR_APP_UPDATE=false "$cache/venv/bin/syft" scan --quiet "dir:$SLUICE_IMAGE_ROOT" --source-name sluice \
    --override-default-catalogers image -o "spdx-json=$SLUICE_IMAGE_SBOM" -o syft-table
}

sizes() {
  local all own compressed
  all="$(du -sx --apparent-size --block-size=1 "$SLUICE_IMAGE_ROOT" | cut -f 1)"
  own="$(du -sc --apparent-size --block-size=1 "$SLUICE_IMAGE_ROOT/app" "$SLUICE_IMAGE_ROOT/etc/sluice" | tail -1 | cut -f 1)"
  compressed="$(tar -C "$SLUICE_IMAGE_ROOT" -c app etc/sluice | gzip | wc -c)"
  echo "test:image: $((all / 1000000)) MB with the stand-in base; Sluice's own files $((own / 1000)) kB, $((compressed / 1000)) kB compressed"
}

for program in buildah crun; do
  command -v "$program" >/dev/null || missing+=("$program")
done
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
[ -z "${missing[*]:-}" ] || apt_install "${missing[@]}"

work="$(mktemp -d)"
trap cleanup EXIT
unmount_all
driver="$(storage_driver)"
export SLUICE_STORAGE="$cache" SLUICE_RUN="$work/run" SLUICE_DRIVER="$driver"
buildah_ rm --all >/dev/null 2>&1 || true

python_tools
bash test/chart/tools/install.sh crane oras
"$cache/venv/bin/hadolint" Dockerfile
echo 'test:image: hadolint finds nothing in Dockerfile'
make_stand_ins

revision="$(git rev-parse HEAD 2>/dev/null || echo unknown)"
started=$SECONDS
build
echo "test:image: built for two platforms on $driver in $((SECONDS - started)) s"
start_registry
reference="127.0.0.1:$registry_port/sluice/sluice"
bash scripts/release/image.sh push "$reference:$version" "$work/digest"
image="$reference@$(cat "$work/digest")"
# What is tested from here on is what the registry gives back.
buildah_ manifest rm localhost/sluice:release >/dev/null
buildah_ pull --quiet --tls-verify=false "$image" >/dev/null
container="$(buildah_ from --pull-never "$image")"
SLUICE_IMAGE_ROOT="$(buildah_ mount "$container")"
buildah_ inspect --type image "$image" >"$work/image.json"
export SLUICE_IMAGE_ROOT SLUICE_IMAGE_CONFIG="$work/image.json" SLUICE_IMAGE_SBOM="$cache/sbom.spdx.json" SLUICE_IMAGE_REVISION="$revision"
sizes
bill_of_materials
bash scripts/release/sbom.sh "$image" "$SLUICE_IMAGE_SBOM"
export SLUICE_IMAGE_REFERENCE="$image"

vitest run --config test/image/vitest.config.ts "$@"
