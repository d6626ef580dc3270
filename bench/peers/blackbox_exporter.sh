#!/bin/sh
# Prints the path of blackbox_exporter 0.28.0 (Apache License 2.0), built from the Go module proxy into the cache folder. A second run only
# prints it. The first takes a few minutes and needs Go.
set -eu

cache="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}"
program="$cache/blackbox_exporter-0.28.0"
if [ -x "$program" ]; then
  echo "$program"
  exit 0
fi

version=v0.28.0
module=github.com/prometheus/blackbox_exporter
mkdir -p "$cache"
work=$(mktemp -d "$cache/blackbox.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# The program's own module, with the versions that it was released with: go install refuses what the proxy has no list of.
mkdir get
(cd get && go mod init local/get && go mod edit -require "$module@$version" && go mod download "$module@$version") >&2
source="$(cd get && go list -m -f '{{.Dir}}' "$module")"
cp "$source/go.mod" .
cp "$source/go.sum" .
cat get/go.sum >>go.sum
chmod u+w go.mod go.sum
go mod edit -module local/blackbox -require "$module@$version"
nice go build -mod=mod -trimpath -ldflags '-s -w' -o built "$module" >&2
# Moved in one step, so that an interrupted run leaves no half of it.
mv built "$program"
echo "$program"
