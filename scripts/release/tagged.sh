#!/usr/bin/env bash
# Whether everything is ready for a tag: tagged.sh v1.2.3. The version is the checkout's, the changelog has its section,
# and the repository has a name.
set -euo pipefail
cd "$(dirname "$0")/../.."
version="${1#v}"
fail() {
  echo "release: $*" >&2
  exit 1
}
grep -qF "\"version\": \"$version\"" package.json || fail "package.json has another version than $1; run node scripts/release/version.ts $version"
grep -qF "## [$version] - " CHANGELOG.md || fail "CHANGELOG.md has no section [$version]; run node scripts/release/version.ts $version"
grep -qxF "appVersion: $version" helm/sluice/Chart.yaml || fail "Chart.yaml has another version than $1"
if grep -q 'github.com/OWNER/' package.json; then fail 'repository.url in package.json still says OWNER; write whose it is, and run npm run docs'; fi
if grep -q 'github.com/OWNER/' helm/sluice/Chart.yaml; then fail 'helm/sluice/Chart.yaml still says OWNER; run npm run docs'; fi
