# Sourced by the scripts that build tools: afterwards `go` is a Go that is new enough, whatever the machine had.
# Debian 12's own Go is too old for today's tools, yet it can fetch and verify the toolchain as a module.
go_wanted=1.26.8

# Go 1.26 or newer?
go_serves() {
  local version
  version="$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null)" || return 1
  [ "$(printf '%s\n' go1.26 "$version" | sort -V | head -1)" = go1.26 ]
}

# Puts a toolchain into .cache/go, next to the checkout's other downloads.
fetch_go() {
  local root=$1 old module directory
  old="$(command -v go || true)"
  if [ -z "$old" ]; then
    command -v apt-get >/dev/null || { echo 'tools: there is no Go, and no apt-get to install one with' >&2; return 1; }
    echo 'tools: installing golang-go, to fetch a newer Go with'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go ca-certificates >/dev/null
    old="$(command -v go)"
  fi
  module="golang.org/toolchain@v0.0.1-go$go_wanted.linux-$("$old" env GOARCH)"
  echo "tools: fetching $module"
  directory="$(cd / && GOFLAGS=-modcacherw GO111MODULE=on "$old" mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')"
  [ -n "$directory" ] || { echo "tools: $module cannot be fetched" >&2; return 1; }
  rm -rf "$root.new" "$root"
  cp -r "$directory" "$root.new"
  # The module cache keeps no execute bits.
  chmod -R u+w "$root.new"
  chmod -R a+x "$root.new/bin" "$root.new/pkg/tool"
  mv "$root.new" "$root"
}

use_go() {
  local root="$PWD/.cache/go"
  if command -v go >/dev/null && go_serves go; then return; fi
  [ -x "$root/bin/go" ] && go_serves "$root/bin/go" || fetch_go "$root" || return 1
  export PATH="$root/bin:$PATH" GOROOT="$root"
}
