// crypto/x509 does with a CRL what the product does in bench/crl.ts. Prints CPU seconds and peak resident octets.
// Usage: crl FILE ISSUER SERIALS, the first two DER, the third hexadecimal numbers, one a line;
// or: crl -run COMMAND ARGUMENTS, which measures another program.
package main

import (
	"crypto/x509"
	"fmt"
	"log"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"pki-vigil.example/bench/peers/peer"
)

func main() {
	if os.Args[1] == "-run" {
		command := exec.Command(os.Args[2], os.Args[3:]...)
		output, err := command.CombinedOutput()
		if err != nil {
			log.Fatalf("%v: %s", err, output)
		}
		usage := command.ProcessState.SysUsage().(*syscall.Rusage)
		report(*usage, usage.Maxrss*1024)
		return
	}
	issuer := peer.Parse(peer.Read(os.Args[2]))
	crl, err := x509.ParseRevocationList(peer.Read(os.Args[1]))
	peer.Check(err)
	peer.Check(crl.CheckSignatureFrom(issuer))
	reasons := map[int]int{}
	entries := make(map[string]*x509.RevocationListEntry, len(crl.RevokedCertificateEntries))
	for i := range crl.RevokedCertificateEntries {
		entry := &crl.RevokedCertificateEntries[i]
		reasons[entry.ReasonCode]++
		entries[string(entry.SerialNumber.Bytes())] = entry
	}
	found := 0
	for _, line := range strings.Fields(string(peer.Read(os.Args[3]))) {
		serial, _ := new(big.Int).SetString(line, 16)
		if _, ok := entries[string(serial.Bytes())]; ok {
			found++
		}
	}
	if found == 0 || len(reasons) < 2 {
		log.Fatalf("expected serials of the list and some reasons, got %d and %d", found, len(reasons))
	}
	report(peer.Usage(), peer.Peak())
}

func report(usage syscall.Rusage, rss int64) {
	fmt.Printf("{\"cpu\":%f,\"rss\":%d}\n", peer.Seconds(usage), rss)
}
