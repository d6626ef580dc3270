#!/bin/sh
# Prints the path of pint (Cloudflare's linter for Prometheus rules), built from the Go module proxy into the cache folder. A second run only
# prints it. The first takes a few minutes and needs Go.
set -eu

cache="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}"
pint="$cache/pint/pint"
if [ -x "$pint" ]; then
  echo "$pint"
  exit 0
fi

version=v0.87.0
module=github.com/cloudflare/pint
mkdir -p "$cache"
work=$(mktemp -d "$cache/pint.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# A module of our own with the versions that pint was released with: go install refuses what the proxy has no list of.
mkdir get
(cd get && go mod init local/get && go mod edit -require "$module@$version" && go mod download "$module@$version") >&2
source="$(cd get && go list -m -f '{{.Dir}}' "$module")"
cp "$source/go.mod" .
cp "$source/go.sum" .
cat get/go.sum >>go.sum
chmod u+w go.mod go.sum
go mod edit -module local/pint -require "$module@$version"
mkdir home
go build -mod=mod -trimpath -ldflags "-s -w -X main.version=$version" -o home/pint "$module/cmd/pint" >&2
cp "$source/LICENSE" home/
home/pint version >&2
# Moved in one step, so that an interrupted run leaves no half of it.
rm -rf "$cache/pint"
mv home "$cache/pint"
echo "$pint"
