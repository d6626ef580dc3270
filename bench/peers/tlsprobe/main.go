// A TLS client as Go programs write it: crypto/tls with a root, a new connection for each look, several at once, for some seconds. Prints
// operations and CPU seconds.
// Usage: tlsprobe ROOT HOST:PORT NAME SECONDS CONCURRENCY, the root in DER.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"pki-vigil.example/bench/peers/peer"
)

func main() {
	roots := x509.NewCertPool()
	roots.AddCert(peer.Parse(peer.Read(os.Args[1])))
	address := os.Args[2]
	settings := &tls.Config{RootCAs: roots, ServerName: os.Args[3]}
	seconds, err := strconv.ParseFloat(os.Args[4], 64)
	peer.Check(err)
	concurrency, err := strconv.Atoi(os.Args[5])
	peer.Check(err)
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
	run := func(duration time.Duration) int64 {
		end := time.Now().Add(duration)
		var operations atomic.Int64
		var group sync.WaitGroup
		for i := 0; i < concurrency; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for time.Now().Before(end) {
					look()
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
