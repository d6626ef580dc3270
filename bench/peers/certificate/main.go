// Parses a certificate and verifies its signature with crypto/x509, for some seconds. Prints operations and CPU seconds.
// Usage: certificate CERTIFICATE ISSUER SECONDS parse|verify, files DER.
package main

import (
	"os"

	"pki-vigil.example/bench/peers/peer"
)

func main() {
	der, issuer := peer.Read(os.Args[1]), peer.Parse(peer.Read(os.Args[2]))
	peer.Measure(os.Args[3], func() {
		certificate := peer.Parse(der)
		if os.Args[4] == "verify" {
			peer.Check(certificate.CheckSignatureFrom(issuer))
		}
	})
}
