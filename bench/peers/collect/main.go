// What an ordinary Go program does of a collector's work: reads an audit log of EJBCA to its end, makes the same fields of every record, appends them
// as JSON and calls fsync after each batch. Prints operations, CPU seconds and peak resident octets.
// Usage: collect LOG FILE
package main

import (
	"bufio"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"pki-vigil.example/bench/peers/peer"
)

const (
	batch    = 1000
	headSize = 128
)

type event struct {
	Timestamp string            `json:"@timestamp"`
	Event     eventFields       `json:"event"`
	User      *user             `json:"user,omitempty"`
	Source    *source           `json:"source,omitempty"`
	X509      *certificate      `json:"x509,omitempty"`
	PKI       map[string]string `json:"pki"`
	Details   map[string]string `json:"details"`
	Message   string            `json:"message,omitempty"`
	Position  position          `json:"position"`
}

type eventFields struct {
	ID       string   `json:"id"`
	Action   string   `json:"action"`
	Outcome  string   `json:"outcome"`
	Category []string `json:"category,omitempty"`
	Module   string   `json:"module"`
	Dataset  string   `json:"dataset"`
	Original string   `json:"original"`
}

type user struct {
	Name string `json:"name"`
}

type source struct {
	IP string `json:"ip"`
}

type certificate struct {
	Serial    string `json:"serial_number"`
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
	Subject   string `json:"subject"`
	Issuer    string `json:"issuer"`
}

type position struct {
	Source      string `json:"source"`
	Fingerprint string `json:"fingerprint"`
	Offset      int64  `json:"offset"`
	End         int64  `json:"end"`
}

var (
	start  = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d,\d{3} |^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d;`)
	prefix = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d,\d{3} [A-Z]+ +\[[^\]]+\] \(.+?\) `)
	key    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:\- ]*=`)
	number = regexp.MustCompile(`^[0-9A-F]{1,80}$`)

	outcomes   = map[string]string{"SUCCESS": "success", "FAILURE": "failure", "VOID": "unknown"}
	categories = map[string][]string{
		"ACCESS_CONTROL": {"authentication"}, "CERT_CREATION": {"iam"}, "CERT_REVOKED": {"iam"}, "CERT_STORED": {"iam"},
		"CRL_CREATION": {"configuration"}, "CRL_STORED": {"configuration"}, "RA_ADDENDENTITY": {"iam"}, "RA_EDITENDENTITY": {"iam"},
	}
)

func main() {
	log, err := os.Open(os.Args[1])
	peer.Check(err)
	head := make([]byte, headSize)
	_, err = io.ReadFull(log, head)
	peer.Check(err)
	_, err = log.Seek(0, io.SeekStart)
	peer.Check(err)
	digest := sha256.Sum256(head)
	out, err := os.Create(os.Args[2])
	peer.Check(err)
	records := &writer{file: out, buffer: bufio.NewWriterSize(out, 1<<20)}
	tail(bufio.NewReaderSize(log, 1<<18), hex.EncodeToString(digest[:]), records)
	records.sync()
	peer.Check(out.Close())
	fmt.Printf("{\"operations\":%d,\"cpu\":%f,\"rss\":%d}\n", records.count, peer.Seconds(peer.Usage()), peer.Peak())
}

// tail joins lines into records: one that does not begin a record belongs to the one before.
func tail(lines *bufio.Reader, file string, out *writer) {
	var held string
	var begin, at int64
	for {
		line, err := lines.ReadString('\n')
		if line != "" && (held == "" || start.MatchString(line)) {
			if held != "" {
				out.write(parse(strings.TrimSuffix(held, "\n"), position{"bench", file, begin, at}))
			}
			held, begin = line, at
		} else {
			held += line
		}
		at += int64(len(line))
		if errors.Is(err, io.EOF) {
			break
		}
		peer.Check(err)
	}
	if held != "" {
		out.write(parse(strings.TrimSuffix(held, "\n"), position{"bench", file, begin, at}))
	}
}

func parse(text string, at position) event {
	message := text[len(prefix.FindString(text)):]
	id := sha256.Sum256([]byte(fmt.Sprintf("%s|%d|%s", at.Fingerprint, at.Offset, text)))
	e := event{Position: at, PKI: map[string]string{}, Details: map[string]string{}}
	e.Event = eventFields{ID: hex.EncodeToString(id[:]), Module: "ejbca", Dataset: "ejbca.audit", Original: text, Action: "unparsed"}
	fields := strings.SplitN(message, ";", 10)
	if len(fields) < 9 {
		return e
	}
	when, err := time.Parse("2006-01-02 15:04:05Z07:00", fields[0])
	if err != nil {
		return e
	}
	e.Timestamp = when.UTC().Format("2006-01-02T15:04:05.000Z")
	e.Event.Action, e.Event.Outcome, e.Event.Category = fields[1], outcomes[fields[2]], categories[fields[1]]
	e.Details["module"], e.Details["service"] = fields[3], fields[4]
	if fields[5] != "" {
		e.User = &user{fields[5]}
	}
	set(e.PKI, "caId", fields[6])
	if number.MatchString(fields[7]) {
		e.PKI["serial"] = strings.TrimLeft(strings.ToLower(fields[7]), "0")
	}
	set(e.PKI, "username", fields[8])
	if len(fields) == 10 {
		splitDetails(fields[9], e.Details)
	}
	e.Message = e.Details["msg"]
	delete(e.Details, "msg")
	set(e.PKI, "profile", e.Details["certprofile"])
	set(e.PKI, "subject", e.Details["subjectdn"])
	if ip := net.ParseIP(e.Details["remoteip"]); ip != nil {
		e.Source = &source{ip.String()}
	}
	if text, ok := e.Details["cert"]; ok {
		addCertificate(&e, text)
	}
	return e
}

// splitDetails: nothing is escaped, so a piece without a key belongs to the value before.
func splitDetails(text string, details map[string]string) {
	last := ""
	for _, piece := range strings.Split(text, ";") {
		if found := key.FindString(piece); found != "" {
			last = strings.TrimSuffix(found, "=")
			details[last] = decode(piece[len(found):])
		} else if last != "" {
			details[last] += ";" + piece
		}
	}
}

func decode(value string) string {
	encoded, ok := strings.CutPrefix(value, "B64:")
	if !ok {
		return value
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return value
	}
	return string(decoded)
}

func addCertificate(e *event, text string) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return
	}
	digest := sha256.Sum256(der)
	e.PKI["sha256"] = hex.EncodeToString(digest[:])
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return
	}
	e.X509 = &certificate{
		strings.ToUpper(parsed.SerialNumber.Text(16)), parsed.NotBefore.Format(time.RFC3339), parsed.NotAfter.Format(time.RFC3339),
		parsed.Subject.String(), parsed.Issuer.String(),
	}
}

func set(fields map[string]string, name, value string) {
	if value != "" {
		fields[name] = value
	}
}

type writer struct {
	file   *os.File
	buffer *bufio.Writer
	count  int
}

func (w *writer) write(e event) {
	text, err := json.Marshal(e)
	peer.Check(err)
	_, err = w.buffer.Write(append(text, '\n'))
	peer.Check(err)
	w.count++
	if w.count%batch == 0 {
		w.sync()
	}
}

func (w *writer) sync() {
	peer.Check(w.buffer.Flush())
	peer.Check(w.file.Sync())
}
