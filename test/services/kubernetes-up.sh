#!/bin/bash
# kubernetes-up.sh BIN STATE PORT ETCD_PORT ETCD_PEER_PORT - runs etcd and kube-apiserver of the folder BIN on the loopback address,
# with everything they write in the folder STATE. Prints "ready" when STATE/kubeconfig can be used, and stops both when its standard
# input ends. No kubelet, no scheduler, no controllers: objects are admitted and stored, pods never run.
set -euo pipefail
bin=$1 port=$3
etcd=http://127.0.0.1:$4 peer=http://127.0.0.1:$5
mkdir -p "$2"
cd "$2"

key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" "${@:2}" 2>/dev/null; }
certificate() { # NAME SUBJECT EXTENSIONS
  key "$1" -out "$1.csr" -subj "$2"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out "$1.crt" -extfile <(printf %b "$3") 2>/dev/null
}
key ca -x509 -out ca.crt -days 2 -subj /CN=test-kubernetes
certificate server /CN=kube-apiserver 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth'
certificate admin /O=system:masters/CN=admin 'extendedKeyUsage=clientAuth'
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out account.key 2>/dev/null

# Not asked: kube-apiserver would wait for an etcd that is gone, and nothing of this is kept.
trap 'kill -9 $(jobs -p) 2>/dev/null; wait 2>/dev/null' EXIT
"$bin/etcd" --data-dir etcd --listen-client-urls "$etcd" --advertise-client-urls "$etcd" --listen-peer-urls "$peer" \
  --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" >etcd.log 2>&1 </dev/null &
"$bin/kube-apiserver" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$port" --etcd-servers="$etcd" \
  --tls-cert-file=server.crt --tls-private-key-file=server.key --client-ca-file=ca.crt --cert-dir=. \
  --service-account-issuer="https://127.0.0.1:$port" --service-account-key-file=account.key --service-account-signing-key-file=account.key \
  --service-cluster-ip-range=10.0.0.0/24 --authorization-mode=RBAC --allow-privileged=true \
  --enable-priority-and-fairness=false >apiserver.log 2>&1 </dev/null &
server=$!

data() { base64 -w0 "$1"; }
cat >kubeconfig <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "https://127.0.0.1:$port", certificate-authority-data: $(data ca.crt)}}]
users: [{name: admin, user: {client-certificate-data: $(data admin.crt), client-key-data: $(data admin.key)}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
KUBECONFIG
for _ in $(seq 240); do
  if kubectl --kubeconfig kubeconfig get --raw /readyz >/dev/null 2>&1; then
    echo ready
    cat >/dev/null
    exit 0
  fi
  kill -0 "$server" 2>/dev/null || break
  sleep 0.5
done
echo 'kube-apiserver did not become ready' >&2
tail -n 20 etcd.log apiserver.log >&2
exit 1
