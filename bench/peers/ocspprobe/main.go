// An OCSP client as Go programs write it: net/http and golang.org/x/crypto/ocsp, a new connection for each question, several at once, for some
// seconds. Prints operations and CPU seconds.
// Usage: ocspprobe CERTIFICATE ISSUER URL SECONDS CONCURRENCY, files DER.
package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/ocsp"
	"pki-vigil.example/bench/peers/peer"
)

// Octets of an answer, as vigil bounds them.
const maxAnswer = 1 << 20

func main() {
	certificate, issuer := peer.Parse(peer.Read(os.Args[1])), peer.Parse(peer.Read(os.Args[2]))
	url := os.Args[3]
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	ask := func() {
		request, err := ocsp.CreateRequest(certificate, issuer, nil)
		peer.Check(err)
		answer, err := client.Post(url, "application/ocsp-request", bytes.NewReader(request))
		peer.Check(err)
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		peer.Check(err)
		answer.Body.Close()
		response, err := ocsp.ParseResponseForCert(body, certificate, issuer)
		peer.Check(err)
		if response.Status != ocsp.Good {
			log.Fatalf("expected good, got %d", response.Status)
		}
	}
	peer.MeasureConcurrent(os.Args[4], os.Args[5], ask)
}
