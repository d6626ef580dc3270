// A TLS client as Go programs write it: crypto/tls with a root, a new connection for each look, several at once, for some seconds. Prints
// operations and CPU seconds.
// Usage: tlsprobe ROOT HOST:PORT NAME SECONDS CONCURRENCY, the root in DER.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net"
	"os"
	"time"

	"pki-vigil.example/bench/peers/peer"
)

func main() {
	roots := x509.NewCertPool()
	roots.AddCert(peer.Parse(peer.Read(os.Args[1])))
	address := os.Args[2]
	settings := &tls.Config{RootCAs: roots, ServerName: os.Args[3]}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	look := func() {
		connection, err := tls.DialWithDialer(dialer, "tcp", address, settings)
		peer.Check(err)
		state := connection.ConnectionState()
		if len(state.VerifiedChains) == 0 || state.CurveID != tls.X25519MLKEM768 {
			log.Fatalf("expected a verified chain and X25519MLKEM768, got %v", state.CurveID)
		}
		connection.Close()
	}
	peer.MeasureConcurrent(os.Args[4], os.Args[5], look)
}
