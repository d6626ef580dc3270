#!/bin/bash
# Prints the folder of a Python environment with a real Dagster 1.13.27 (dagster-webserver, dagster-daemon), made once in the cache. A second run only
# prints the path. Needs python3 with venv and pip. Licence: Apache-2.0.
set -euo pipefail

version=1.13.27
home="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}/dagster"

# Written last, so that an interrupted run leaves nothing that looks finished. An environment cannot be moved.
if [ -f "$home/complete-$version" ]; then
  echo "$home"
  exit 0
fi
rm -rf "$home"
mkdir -p "$(dirname "$home")"
python3 -m venv "$home" >&2
"$home/bin/pip" install --quiet --disable-pip-version-check "dagster==$version" "dagster-webserver==$version" >&2
touch "$home/complete-$version"
echo "$home"
