#!/usr/bin/env bash
# Installs the proxies that `npm run bench` compares with and that are not npm packages. For Debian and Ubuntu.
set -euo pipefail

packages=(gcc libc6-dev nginx-light haproxy)

run=()
if [ "$(id -u)" -ne 0 ]; then run=(sudo); fi

# RUNLEVEL=1 keeps the packages from starting their services: the benchmark starts its own, on loopback.
"${run[@]}" apt-get update
"${run[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
  apt-get install --yes --no-install-recommends "${packages[@]}"

nginx -v
haproxy -v | head -n 1
