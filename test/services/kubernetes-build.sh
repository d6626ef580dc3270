#!/bin/bash
# Prints a folder with a real kube-apiserver 1.36.3, etcd, and kubeconform with the strict schemas of that version. It is made once,
# in the cache: kube-apiserver (6 minutes or more of CPU) and kubeconform from the Go module proxy, etcd from Debian's package
# etcd-server, unpacked, not installed. A second run only prints the folder. Needs go 1.26, python3, apt-get and dpkg.
#
# Licences: Kubernetes, etcd and kubeconform are Apache-2.0; they run the tests and never become part of this repository.
set -euo pipefail

version=1.36.3
kubeconform=v0.8.0
here=$(cd "$(dirname "$0")" && pwd)
home="${VIGIL_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vigil-test}/kubernetes"
mkdir -p "$home"
work=$(mktemp -d "$home/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

if ! [ -x "$home/etcd" ]; then
  (cd "$work" && apt-get download -qq etcd-server >&2) || {
    echo "etcd-server cannot be downloaded: run apt-get update first" >&2
    exit 1
  }
  dpkg -x "$work"/etcd-server_*.deb "$work/etcd"
  mv "$work/etcd/usr/bin/etcd" "$home/etcd"
fi

source_of_kubernetes() {
  mkdir -p "$work/get"
  (cd "$work/get" && { [ -f go.mod ] || go mod init local/get 2>/dev/null; } && go mod download "k8s.io/kubernetes@v$version" >&2)
  echo "$(go env GOMODCACHE)/k8s.io/kubernetes@v$version"
}

if ! [ -x "$home/kube-apiserver" ]; then
  from=$(source_of_kubernetes)
  mkdir "$work/apiserver"
  cd "$work/apiserver"
  # Upstream's go.mod takes its own parts from its staging folder; published, they are v0.36.3 for v1.36.3.
  sed -E "s#=> \./staging/src/(k8s\.io/[^ ]+)#=> \1 v0.${version#1.}#" "$from/go.mod" >go.mod
  cp "$from/go.sum" .
  cp "$from/cmd/kube-apiserver/apiserver.go" main.go
  chmod u+w ./*
  go mod edit -module local/apiserver -require "k8s.io/kubernetes@v$version"
  stamp=k8s.io/component-base/version
  nice go build -mod=mod -trimpath -o "$work/kube-apiserver" \
    -ldflags "-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=36" . >&2
  cd "$here"
  mv "$work/kube-apiserver" "$home/kube-apiserver"
fi
"$home/kube-apiserver" --version >&2

if ! [ -x "$home/kubeconform" ]; then
  GOBIN="$work" nice go install "github.com/yannh/kubeconform/cmd/kubeconform@$kubeconform" >&2
  mv "$work/kubeconform" "$home/kubeconform"
fi
if ! [ -d "$home/schemas/v$version-standalone-strict" ]; then
  swagger="$(source_of_kubernetes)/api/openapi-spec/swagger.json"
  python3 "$here/openapi-to-jsonschema.py" "$swagger" "$work/schemas" "$version" >&2
  rm -rf "$home/schemas"
  mv "$work/schemas" "$home/schemas"
fi
echo "$home"
