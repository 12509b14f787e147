#!/usr/bin/env bash
# Builds the image for two platforms on this machine, without emulation, as one index:
#   image.sh build VERSION REVISION [arguments for buildah's build, in which ARCH stands for the architecture…]
#   image.sh push REFERENCE DIGEST-FILE
# Needs buildah 1.28 or newer. The workflow calls it, and so does test/image, with a storage and a registry of its own:
# BUILDAH is the command and its first options, PUSH_OPTIONS are those of the push.
set -euo pipefail
cd "$(dirname "$0")/../.."
read -ra buildah <<<"${BUILDAH:-buildah}"
read -ra push_options <<<"${PUSH_OPTIONS:-}"
list=localhost/sluice:release
architectures=(amd64 arm64)

# This machine's architecture, as images call it.
machine() { uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/'; }

case "${1:-}" in
  build)
    version=$2 revision=$3
    shift 3
    "${buildah[@]}" manifest rm "$list" >/dev/null 2>&1 || true
    for arch in "${architectures[@]}"; do
      "${buildah[@]}" bud --quiet --platform "linux/$arch" --manifest "$list" --format oci --timestamp 0 \
        --build-arg BUILDPLATFORM="linux/$(machine)" --build-arg SLUICE_VERSION="$version" --build-arg SLUICE_REVISION="$revision" \
        "${@//ARCH/$arch}" . >/dev/null
    done
    ;;
  push)
    "${buildah[@]}" manifest push --quiet --all --format oci --digestfile "$3" "${push_options[@]}" "$list" "docker://$2"
    ;;
  *)
    echo 'usage: image.sh build VERSION REVISION [ARGUMENT…] | push REFERENCE DIGEST-FILE' >&2
    exit 2
    ;;
esac
