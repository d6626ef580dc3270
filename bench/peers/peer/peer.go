// Package peer holds what the programs beside it share. Any error ends the program.
package peer

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Measure runs something for some seconds, after a warm-up. Prints operations and CPU seconds.
func Measure(seconds string, run func()) {
	duration, err := strconv.ParseFloat(seconds, 64)
	Check(err)
	for i := 0; i < 1000; i++ {
		run()
	}
	start, end := cpu(), time.Now().Add(time.Duration(duration*1e9))
	operations := 0
	for time.Now().Before(end) {
		for i := 0; i < 100; i++ {
			run()
		}
		operations += 100
	}
	fmt.Printf("{\"operations\":%d,\"cpu\":%f}\n", operations, cpu()-start)
}

// MeasureConcurrent runs something, as many at once as told, for some seconds, after a warm-up. Prints operations and CPU seconds.
func MeasureConcurrent(seconds, concurrency string, run func()) {
	duration, err := strconv.ParseFloat(seconds, 64)
	Check(err)
	workers, err := strconv.Atoi(concurrency)
	Check(err)
	runAll := func(duration time.Duration) int64 {
		end := time.Now().Add(duration)
		var operations atomic.Int64
		var group sync.WaitGroup
		for i := 0; i < workers; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for time.Now().Before(end) {
					run()
					operations.Add(1)
				}
			}()
		}
		group.Wait()
		return operations.Load()
	}
	runAll(500 * time.Millisecond)
	start := cpu()
	operations := runAll(time.Duration(duration * 1e9))
	fmt.Printf("{\"operations\":%d,\"cpu\":%f}\n", operations, cpu()-start)
}

func cpu() float64 {
	return Seconds(Usage())
}

// Usage of all threads of this program.
func Usage() syscall.Rusage {
	var usage syscall.Rusage
	Check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage
}

// Peak resident octets. Not of rusage, which remembers the program that started this one.
func Peak() int64 {
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(Read("/proc/self/status"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(match[1])), 10, 64)
	Check(err)
	return kilobytes * 1024
}

// Seconds of user and system time.
func Seconds(usage syscall.Rusage) float64 {
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// Parse reads a certificate in DER.
func Parse(der []byte) *x509.Certificate {
	certificate, err := x509.ParseCertificate(der)
	Check(err)
	return certificate
}

// Read reads a file.
func Read(file string) []byte {
	octets, err := os.ReadFile(file)
	Check(err)
	return octets
}

// Check ends the program when there is an error.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
