#!/bin/sh
# Prints a folder with a real prometheus, promtool and amtool: Debian's packages prometheus and prometheus-alertmanager unpacked
# into the cache (apt-get download and dpkg -x; no root, nothing is installed, no service is started). A second run only prints it.
# The Alertmanager itself comes from alertmanager.sh.
set -eu

home="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}/prometheus"
programs='prometheus promtool amtool'

complete() {
  for program in $programs; do [ -x "$1/$program" ] || return 1; done
}

if complete "$home"; then
  echo "$home"
  exit 0
fi

mkdir -p "$(dirname "$home")"
work=$(mktemp -d "$home.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq prometheus prometheus-alertmanager >&2) || {
  echo "prometheus and prometheus-alertmanager cannot be downloaded: run apt-get update first" >&2
  exit 1
}
for package in "$work"/*.deb; do dpkg -x "$package" "$work/unpacked"; done

mkdir "$work/home"
for program in $programs; do
  mv "$work/unpacked/usr/bin/$program" "$work/home/"
  "$work/home/$program" --version >&2
done
for package in prometheus prometheus-alertmanager; do
  cp "$work/unpacked/usr/share/doc/$package/copyright" "$work/home/copyright.$package"
done

# Moved in one step, so that an interrupted run leaves no half of it.
rm -rf "$home"
mv "$work/home" "$home"
echo "$home"
