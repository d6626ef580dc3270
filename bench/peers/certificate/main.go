// Parses a certificate and verifies its signature with crypto/x509, for some seconds. Prints operations and CPU seconds.
// Usage: certificate CERTIFICATE ISSUER SECONDS parse|verify, files DER.
package main

import (
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	der, issuer := read(os.Args[1]), parse(read(os.Args[2]))
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	check(err)
	run := func() {
		certificate := parse(der)
		if os.Args[4] == "verify" {
			check(certificate.CheckSignatureFrom(issuer))
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

func parse(der []byte) *x509.Certificate {
	certificate, err := x509.ParseCertificate(der)
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
