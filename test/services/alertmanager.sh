#!/bin/sh
# Prints the path of a real Alertmanager that can be started: one that is installed, or Debian's package unpacked into
# the cache folder (apt-get download and dpkg -x; no root, nothing is installed). A second run only prints the path.
set -eu

for name in alertmanager prometheus-alertmanager; do
  if command -v "$name"; then exit 0; fi
done

cache="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}/alertmanager"
if [ -x "$cache/alertmanager" ]; then
  echo "$cache/alertmanager"
  exit 0
fi

mkdir -p "$(dirname "$cache")"
work=$(mktemp -d "$cache.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq prometheus-alertmanager >&2) || {
  echo "prometheus-alertmanager cannot be downloaded: run apt-get update first, or install it" >&2
  exit 1
}
dpkg -x "$work"/*.deb "$work/unpacked"

# Debian's build reads its templates from /usr/share: the wrapper shows it the unpacked ones there.
cat >"$work/unpacked/alertmanager" <<'WRAPPER'
#!/bin/sh
here=$(dirname "$0")
exec unshare --map-root-user --mount sh -c '
  mount --bind "$0/usr/share" /usr/share && exec "$0/usr/bin/prometheus-alertmanager" "$@"
' "$here" "$@"
WRAPPER
chmod +x "$work/unpacked/alertmanager"
"$work/unpacked/alertmanager" --version >&2 || {
  echo "the unpacked Alertmanager cannot be started: it needs unshare with user namespaces, or install the package" >&2
  exit 1
}

# Moved in one step, so that an interrupted run leaves no half of it.
rm -rf "$cache"
mv "$work/unpacked" "$cache"
echo "$cache/alertmanager"
