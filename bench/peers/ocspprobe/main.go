// An OCSP client as Go programs write it: net/http and golang.org/x/crypto/ocsp, a new connection for each question, several at once, for some
// seconds. Prints operations and CPU seconds.
// Usage: ocspprobe CERTIFICATE ISSUER URL SECONDS CONCURRENCY, files DER.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ocsp"
	"pki-vigil.example/bench/peers/peer"
)

// Octets of an answer, as vigil bounds them.
const maxAnswer = 1 << 20

func main() {
	certificate, issuer := peer.Parse(peer.Read(os.Args[1])), peer.Parse(peer.Read(os.Args[2]))
	url := os.Args[3]
	seconds, err := strconv.ParseFloat(os.Args[4], 64)
	peer.Check(err)
	concurrency, err := strconv.Atoi(os.Args[5])
	peer.Check(err)
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
	run := func(duration time.Duration) int64 {
		end := time.Now().Add(duration)
		var operations atomic.Int64
		var group sync.WaitGroup
		for i := 0; i < concurrency; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for time.Now().Before(end) {
					ask()
					operations.Add(1)
				}
			}()
		}
		group.Wait()
		return operations.Load()
	}
	run(500 * time.Millisecond)
	start := peer.Seconds(peer.Usage())
	operations := run(time.Duration(seconds * 1e9))
	fmt.Printf("{\"operations\":%d,\"cpu\":%f}\n", operations, peer.Seconds(peer.Usage())-start)
}
