#!/bin/bash
# Prints the path of a real Filebeat: the open-source edition (9.3, development version of 2025-10-31), built once from its
# Go modules into the cache. About 6 CPU-minutes the first time; a second run only prints the path. Needs Go 1.24.9 or later.
#
# Licence: Apache License 2.0 (only code outside of x-pack is built). The program is used to run the tests and never becomes
# part of this repository.
set -euo pipefail

out="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}/filebeat/filebeat"
module=github.com/elastic/beats/v7
version=v7.0.0-alpha2.0.20251031181001-be9871f5dab9

if [ -x "$out" ] && "$out" version >/dev/null 2>&1; then
  echo "$out"
  exit 0
fi
mkdir -p "$(dirname "$out")"
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# The checksum database has no record of this version: these are the sums that elastic/apm-server's go.sum has for it.
cat >sums <<'SUMS'
github.com/elastic/beats/v7 v7.0.0-alpha2.0.20251031181001-be9871f5dab9 h1:6bIs597CRPi8Kxa2orUqWT13NzGPsTWCr/8QkKAPV9o=
github.com/elastic/beats/v7 v7.0.0-alpha2.0.20251031181001-be9871f5dab9/go.mod h1:xQjaJwHDmleIzlAynr/yvjYyfHkMGLqD9SVTpJKX73g=
SUMS
mkdir get
(
  cd get
  go mod init local/get
  cp ../sums go.sum
  go mod edit -require "$module@$version"
  go mod download "$module@$version"
) >&2

# A main module of its own with Filebeat's requirements and replacements; `go install` refuses modules that have those.
source="$(go env GOMODCACHE)/$module@$version"
cp "$source/go.mod" "$source/go.sum" .
chmod u+w go.mod go.sum
cat sums >>go.sum
go mod edit -module local/filebeat -require "$module@$version"
cat >main.go <<'GO'
package main

import (
	"os"

	"github.com/elastic/beats/v7/filebeat/cmd"
	inputs "github.com/elastic/beats/v7/filebeat/input/default-inputs"
)

func main() {
	if err := cmd.Filebeat(inputs.Init, cmd.FilebeatSettings("")).Execute(); err != nil {
		os.Exit(1)
	}
}
GO
nice go build -mod=mod -trimpath -ldflags '-s -w' -o built . >&2
./built version >&2

# Moved in one step, so that an interrupted run leaves no half of it.
mv built "$out"
echo "$out"
