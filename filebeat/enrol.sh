#!/bin/sh
# enrol.sh request DIR SUBJECT     makes a new key and a request for a certificate (DIR/client.csr) with it
# enrol.sh install DIR CERT CA     takes the certificate (PEM, and those between it and the root) that CA issued for it into use
# enrol.sh check DIR [DAYS]        ends with 1 when the certificate in use ends within DAYS (30): for a daily timer
#
# The key never leaves this host. DIR (/etc/filebeat/tls) is where FILEBEAT_CERTIFICATE (client.pem) and FILEBEAT_KEY (client.key) are. The new pair replaces the old one in
# one step each, the old one stays as client.pem.old and client.key.old. Filebeat reads them at its start: systemctl restart filebeat. SUBJECT reads /O=Example/CN=ca1.
set -eu
umask 077

usage() {
  sed -n 's/^# \{0,1\}//; 2,4p' "$0" >&2
  exit 2
}

fail() {
  printf 'enrol.sh: %s\n' "$1" >&2
  exit 1
}

# The public key of a certificate or of a private key.
of_certificate() { openssl x509 -in "$1" -noout -pubkey; }
of_key() { openssl pkey -in "$1" -pubout; }

request() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1/client.key.new"
  openssl req -new -key "$1/client.key.new" -subj "$2" -out "$1/client.csr"
  echo "have $1/client.csr signed (extended key usage clientAuth), then: enrol.sh install $1 CERT CA"
}

install_pair() {
  [ -f "$1/client.key.new" ] || fail "no request is open: enrol.sh request first"
  [ "$(of_certificate "$2")" = "$(of_key "$1/client.key.new")" ] || fail "$2: not for the key of the open request"
  openssl verify -purpose sslclient -CAfile "$3" -untrusted "$2" "$2" >/dev/null || fail "$2: not a client certificate of $3"
  cp "$2" "$1/client.pem.new"
  for name in client.pem client.key; do
    if [ -f "$1/$name" ]; then cp -p "$1/$name" "$1/$name.old"; fi
    # The group that may read the old one may read the new one.
    if [ -f "$1/$name" ]; then chmod --reference="$1/$name" "$1/$name.new" && chgrp --reference="$1/$name" "$1/$name.new"; fi
  done
  mv "$1/client.key.new" "$1/client.key"
  mv "$1/client.pem.new" "$1/client.pem"
  rm -f "$1/client.csr"
  openssl x509 -in "$1/client.pem" -noout -subject -enddate
}

case "${1:-}:$#" in
  request:3) request "$2" "$3" ;;
  install:4) install_pair "$2" "$3" "$4" ;;
  check:2 | check:3)
    openssl x509 -in "$2/client.pem" -noout -checkend $((${3:-30} * 86400)) >/dev/null ||
      fail "$2/client.pem ends within ${3:-30} days: enrol.sh request"
    ;;
  *) usage ;;
esac
