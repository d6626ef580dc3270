// golang.org/x/crypto/ocsp: builds a request, parses and verifies an answer, for some seconds. Prints operations and CPU seconds.
// Usage: ocsp CERTIFICATE ISSUER ANSWER SECONDS, all files DER.
package main

import (
	"log"
	"os"

	"golang.org/x/crypto/ocsp"
	"pki-vigil.example/bench/peers/peer"
)

func main() {
	certificate, issuer := peer.Parse(peer.Read(os.Args[1])), peer.Parse(peer.Read(os.Args[2]))
	answer := peer.Read(os.Args[3])
	peer.Measure(os.Args[4], func() {
		_, err := ocsp.CreateRequest(certificate, issuer, nil)
		peer.Check(err)
		response, err := ocsp.ParseResponseForCert(answer, certificate, issuer)
		peer.Check(err)
		if response.Status != ocsp.Good {
			log.Fatalf("expected good, got %d", response.Status)
		}
	})
}
