// golang.org/x/crypto/ocsp: builds a request, parses and verifies an answer, for some seconds. Prints operations and CPU seconds.
// Usage: ocsp CERTIFICATE ISSUER ANSWER SECONDS, all files DER.
package main

import (
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/crypto/ocsp"
)

func main() {
	certificate, issuer, answer := parse(os.Args[1]), parse(os.Args[2]), read(os.Args[3])
	seconds, err := strconv.ParseFloat(os.Args[4], 64)
	check(err)
	run := func() {
		_, err := ocsp.CreateRequest(certificate, issuer, nil)
		check(err)
		response, err := ocsp.ParseResponseForCert(answer, certificate, issuer)
		check(err)
		if response.Status != ocsp.Good {
			log.Fatalf("expected good, got %d", response.Status)
		}
	}
	for i := 0; i < 1000; i++ {
		run()
	}
	start, end := cpu(), time.Now().Add(time.Duration(seconds*1e9))
	operations := 0
	for time.Now().Before(end) {
		for i := 0; i < 100; i++ {
			run()
		}
		operations += 100
	}
	fmt.Printf("{\"operations\":%d,\"cpu\":%f}\n", operations, cpu()-start)
}

// User and system time of all threads.
func cpu() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func parse(file string) *x509.Certificate {
	certificate, err := x509.ParseCertificate(read(file))
	check(err)
	return certificate
}

func read(file string) []byte {
	octets, err := os.ReadFile(file)
	check(err)
	return octets
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
