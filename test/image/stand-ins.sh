# Stand-ins for the bases of the Dockerfile, made from Debian's packages and npm: sourced by run.sh. A registry is not
# needed; what differs from the real bases is said in docs/image.md. Expects: buildah_, fail, $cache.

npm_version=11.19.1
debian_packages=(base-files netbase tzdata ca-certificates libc6 libgcc-s1 libstdc++6 busybox-static)

# Makes both, unless they are there already, from these packages, this Node and this script.
make_stand_ins() {
  local stamp
  stamp="$(sha256sum <test/image/stand-ins.sh) $(node --version) $(registry) $driver"
  if [ "$(cat "$cache/bases.stamp" 2>/dev/null)" = "$stamp" ] && buildah_ inspect --type image localhost/stand-in:runtime-arm64 >/dev/null 2>&1; then
    return
  fi
  echo 'test:image: making the stand-in bases'
  download_packages
  import_base build "$(build_base)" \
    --user root --env NPM_CONFIG_UPDATE_NOTIFIER=false --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --env "NPM_CONFIG_REGISTRY=$(registry)" \
    --env PATH=/usr/local/bin:/usr/bin:/bin
  local arch runtime=(--user 65532 --workingdir /home/nonroot --entrypoint '["/nodejs/bin/node"]'
    --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt)
  # Both say that they are for this machine: buildah 1.28 looks for build contexts of no other. The image that is built
  # of them says what it is for.
  for arch in amd64 arm64; do
    import_base "runtime-$arch" "$(runtime_base "$arch")" "${runtime[@]}"
  done
  echo "$stamp" >"$cache/bases.stamp"
}

# What Dockerfile calls them, digest included.
stand_in_arguments() {
  local reference
  while read -r reference; do
    case "$reference" in
      */node:*) echo "--build-context=$reference=container-image://localhost/stand-in:build" ;;
      */distroless/nodejs*-debian*:nonroot@*) echo "--build-context=$reference=container-image://localhost/stand-in:runtime-ARCH" ;;
      */distroless/nodejs*-debian*@*) echo "--build-context=$reference=container-image://localhost/stand-in:runtime-$(dpkg --print-architecture)" ;;
      *) fail "there is no stand-in for $reference" ;;
    esac
  done < <(sed -n 's/^FROM \(--platform=[^ ]* \)*\([^ ]*@sha256:[0-9a-f]\{64\}\).*/\2/p' Dockerfile | sort -u)
}

registry() {
  npm config get registry 2>/dev/null
}

download_packages() {
  rm -rf "$cache/debs"
  mkdir -p "$cache/debs"
  local get=(apt-get -qq -o APT::Sandbox::User=root download "${debian_packages[@]}")
  (cd "$cache/debs" && { "${get[@]}" 2>/dev/null || { apt-get update -qq && "${get[@]}"; }; }) ||
    fail "cannot download ${debian_packages[*]}"
}

# Unpacks a package, and leaves what a scanner of distroless images looks for.
unpack() {
  local package=$1 root=$2
  dpkg-deb --extract "$cache"/debs/"$package"_*.deb "$root"
  mkdir -p "$root/var/lib/dpkg/status.d"
  dpkg-deb --field "$cache"/debs/"$package"_*.deb >"$root/var/lib/dpkg/status.d/$package"
}

# Prints the root file system of the build base: busybox for the shell, Node and npm where the official image has them.
build_base() {
  local root="$work/build-base" applet
  unpack libc6 "$root" && unpack libgcc-s1 "$root" && unpack libstdc++6 "$root" && unpack base-files "$root"
  unpack busybox-static "$root"
  for applet in $("$root/bin/busybox" --list); do
    [ -e "$root/bin/$applet" ] || ln -s /bin/busybox "$root/bin/$applet"
  done
  ln -sf /bin/env "$root/usr/bin/env"
  users "$root"
  authorities "$root"
  mkdir -p "$root/root" "$root/usr/local/bin" "$root/usr/local/lib"
  install_node "$root/usr/local/bin"
  npm install --silent --ignore-scripts --no-save --prefix "$work/npm" "npm@$npm_version"
  mv "$work/npm/node_modules" "$root/usr/local/lib/node_modules"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  echo "$root"
}

# Prints the root file system of the runtime base: no shell, a user 65532, Node in /nodejs. Node is of the architecture
# that is asked for; the libraries are always this machine's, because another's base is only looked at and never run.
runtime_base() {
  local arch=$1 root="$work/runtime-base-$1" package
  for package in base-files netbase tzdata ca-certificates libc6 libgcc-s1 libstdc++6; do unpack "$package" "$root"; done
  authorities "$root"
  mkdir -p "$root/nodejs/bin" "$root/home" "$root/proc" "$root/dev"
  if [ "$arch" = "$(dpkg --print-architecture)" ]; then install_node "$root/nodejs/bin"; else foreign_node "$arch" "$root/nodejs/bin"; fi
  users "$root"
  install -d -m 700 -o 65532 -g 65532 "$root/home/nonroot"
  install -d -m 1777 "$root/tmp"
  echo "$root"
}

users() {
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$1/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$1/etc/group"
}

# The machine's own authorities, where it has any: a private one may stand between it and the registry of npm.
authorities() {
  local bundle="${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}"
  mkdir -p "$1/etc/ssl/certs"
  { [ -r "$bundle" ] && cat "$bundle"; } >"$1/etc/ssl/certs/ca-certificates.crt" || true
}

install_node() {
  install -m 755 "$(node --print process.execPath)" "$1/node"
}

# Node for another architecture, of npm's packages.
foreign_node() {
  local version package
  version="$(node --version)"
  package="node-linux-${1/amd64/x64}"
  npm install --silent --ignore-scripts --no-save --force --prefix "$work/node-$1" "$package@${version#v}"
  install -m 755 "$work/node-$1/node_modules/$package/bin/node" "$2/node"
}

import_base() {
  local name=$1 root=$2 container
  shift 2
  container="$(buildah_ from --pull-never scratch)"
  buildah_ copy --quiet "$container" "$root" / >/dev/null
  buildah_ config "$@" "$container"
  buildah_ commit --quiet --rm --format docker --timestamp 0 "$container" "localhost/stand-in:$name" >/dev/null
  rm -rf "$root"
}
