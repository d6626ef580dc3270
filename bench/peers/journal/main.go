// What an ordinary Go program does of a journal's work. Prints operations, CPU seconds and peak resident octets.
// Usage: journal ingest FILE RECORDS: records in JSON with a digest each, appended, an fsync for each 500 of them.
//
//	journal verify DIR: signature, digest of every record, every entry, tile and root; nothing is read in the records.
//	journal verify-json DIR: also that every record is canonical JSON.
//	journal proof FILE VKEY SECONDS: the same proof again and again.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"pki-vigil.example/bench/peers/peer"
)

const (
	batch       = 500
	tileWidth   = 256
	entryHeader = 31
)

func main() {
	switch os.Args[1] {
	case "ingest":
		records := number(os.Args[3])
		ingest(os.Args[2], records)
		report(records)
	case "verify":
		report(verify(os.Args[2], func([]byte) {}))
	case "verify-json":
		report(verify(os.Args[2], checkCanonical))
	case "proof":
		proof, vkey := peer.Read(os.Args[2]), peer.Read(os.Args[3])
		peer.Measure(os.Args[4], func() { checkProof(proof, vkey) })
	}
}

func report(operations int) {
	fmt.Printf("{\"operations\":%d,\"cpu\":%f,\"rss\":%d}\n", operations, peer.Seconds(peer.Usage()), peer.Peak())
}

type record struct {
	Body     event  `json:"body"`
	Kind     string `json:"kind"`
	Nonce    string `json:"nonce"`
	Recorded string `json:"recorded"`
	Time     string `json:"time"`
	V        int    `json:"v"`
}

type event struct {
	Timestamp string `json:"@timestamp"`
	Event     struct {
		Action   string   `json:"action"`
		Category []string `json:"category"`
		Dataset  string   `json:"dataset"`
		Module   string   `json:"module"`
		Original string   `json:"original"`
		Outcome  string   `json:"outcome"`
		Type     []string `json:"type"`
	} `json:"event"`
	PKI struct {
		CaID     string `json:"caId"`
		Serial   string `json:"serial"`
		Username string `json:"username"`
	} `json:"pki"`
	Position struct {
		End         int    `json:"end"`
		Fingerprint string `json:"fingerprint"`
		Offset      int    `json:"offset"`
		Source      string `json:"source"`
	} `json:"position"`
	User struct {
		Name string `json:"name"`
	} `json:"user"`
}

// The same event that bench/journalWorker.ts makes.
func auditEvent(i int) event {
	const layout = "2006-01-02T15:04:05.000Z"
	at := time.Date(2026, 11, 22, 0, 0, 0, i*int(time.Millisecond), time.UTC)
	digest := sha256.Sum256([]byte(strconv.Itoa(i)))
	serial, user, ca := hex.EncodeToString(digest[:16]), fmt.Sprintf("CN=ra-%d", i%17), strconv.Itoa(i%5*1234567)
	var e event
	e.Timestamp = at.Format(layout)
	e.Event.Action, e.Event.Outcome = "CERT_CREATION", "success"
	e.Event.Category, e.Event.Type = []string{"iam"}, []string{"creation"}
	e.Event.Module, e.Event.Dataset = "ejbca", "ejbca.audit"
	e.Event.Original = fmt.Sprintf("%s;CERT_CREATION;SUCCESS;CERTIFICATE;EJBCA;%s;%s;%s;device-%d;subjectdn=CN=device-%d,O=Example;certprofile=%d",
		at.Format("2006-01-02 15:04:05+00:00"), user, ca, serial, i, i, i%9)
	e.User.Name = user
	e.PKI.CaID, e.PKI.Serial, e.PKI.Username = ca, serial, fmt.Sprintf("device-%d", i)
	e.Position.Source, e.Position.Fingerprint = "ejbca-vm", strings.Repeat("a", 64)
	e.Position.Offset, e.Position.End = i*231, (i+1)*231
	return e
}

func ingest(path string, records int) {
	file, err := os.Create(path)
	peer.Check(err)
	out := bufio.NewWriterSize(file, 1<<20)
	for i := 0; i < records; i++ {
		writeRecord(out, auditEvent(i))
		if i%batch == batch-1 || i == records-1 {
			peer.Check(out.Flush())
			peer.Check(file.Sync())
		}
	}
	peer.Check(file.Close())
}

func writeRecord(out io.Writer, e event) {
	var nonce [16]byte
	_, err := rand.Read(nonce[:])
	peer.Check(err)
	text, err := json.Marshal(record{
		Body: e, Kind: "audit", Nonce: hex.EncodeToString(nonce[:]),
		Recorded: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), Time: e.Timestamp, V: 1,
	})
	peer.Check(err)
	digest := sha256.Sum256(text)
	_, err = fmt.Fprintf(out, "%x %s\n", digest, text)
	peer.Check(err)
}

// verify returns how many records there are.
func verify(dir string, check func(record []byte)) int {
	origin, size, root := openCheckpoint(peer.Read(filepath.Join(dir, "checkpoint")), peer.Read(filepath.Join(dir, "vkey")))
	tree := &tree{dir: dir}
	files, err := filepath.Glob(filepath.Join(dir, "segments/*.zst"))
	peer.Check(err)
	epoch := number(origin[strings.LastIndexByte(origin, '/')+1:])
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	peer.Check(err)
	records := 0
	for segment, file := range files {
		text, err := decoder.DecodeAll(peer.Read(file), nil)
		peer.Check(err)
		records += readSegment(text, epoch, segment, tree, check)
	}
	pending, _ := filepath.Glob(filepath.Join(dir, "segments/*.pending"))
	for _, file := range pending {
		records += readSegment(payloads(peer.Read(file)), epoch, len(files), tree, check)
	}
	if tree.size() != size {
		log.Fatalf("%d entries, the checkpoint says %d", tree.size(), size)
	}
	got, err := tlog.TreeHash(size, tree)
	peer.Check(err)
	if got != root {
		log.Fatalf("root %v, the checkpoint says %v", got, root)
	}
	tree.finish()
	return records
}

// readSegment adds the entries of all blocks in the text.
func readSegment(text []byte, epoch, segment int, tree *tree, check func(record []byte)) int {
	records := 0
	for len(text) > 0 {
		var head []byte
		head, text, _ = bytes.Cut(text, []byte("\n"))
		fields := strings.Fields(string(head))
		if int64(number(fields[1])) != tree.size() {
			log.Fatalf("entry %s in place of %d", fields[1], tree.size())
		}
		count := number(fields[2])
		entry := make([]byte, entryHeader, entryHeader+count*sha256.Size)
		first, last := int64(1<<62), int64(0)
		for n := 0; n < count; n++ {
			var line []byte
			line, text, _ = bytes.Cut(text, []byte("\n"))
			digest := sha256.Sum256(line)
			entry = append(entry, digest[:]...)
			at := recorded(line)
			first, last = min(first, at), max(last, at)
			check(line)
		}
		entry[0] = 1
		binary.BigEndian.PutUint64(entry[1:], uint64(epoch))
		binary.BigEndian.PutUint64(entry[9:], uint64(first))
		binary.BigEndian.PutUint64(entry[17:], uint64(last))
		binary.BigEndian.PutUint32(entry[25:], uint32(segment))
		binary.BigEndian.PutUint16(entry[29:], uint16(count))
		tree.add(entry)
		records += count
	}
	return records
}

// Members are in order, so `recorded` and all after it stand at the end.
func recorded(record []byte) int64 {
	const member = `"recorded":"`
	at := bytes.LastIndex(record, []byte(member)) + len(member)
	when, err := time.Parse("2006-01-02T15:04:05.000Z", string(record[at:at+24]))
	peer.Check(err)
	return when.UnixMilli()
}

// payloads of the frames of a pending segment.
func payloads(frames []byte) []byte {
	var text []byte
	for len(frames) > 0 {
		length := int(binary.BigEndian.Uint32(frames[4:]))
		end := (24+length+7)&^7 + sha256.Size
		text = append(text, frames[24:24+length]...)
		frames = frames[end+8:]
	}
	return text
}

// tree keeps all hashes in memory, as tlog lays them out, and compares tiles and bundles with the files as they fill.
type tree struct {
	dir    string
	hashes []tlog.Hash
	leaves int64
	bundle []byte
}

func (t *tree) size() int64 { return t.leaves }

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		list[i] = t.hashes[index]
	}
	return list, nil
}

func (t *tree) add(entry []byte) {
	hashes, err := tlog.StoredHashes(t.leaves, entry, t)
	peer.Check(err)
	t.hashes = append(t.hashes, hashes...)
	t.leaves++
	t.bundle = append(binary.BigEndian.AppendUint16(t.bundle, uint16(len(entry))), entry...)
	if t.leaves%tileWidth == 0 {
		t.compareBundle(t.leaves/tileWidth-1, tileWidth)
	}
}

func (t *tree) compareBundle(index int64, width int) {
	t.compare(tlog.Tile{H: 8, L: -1, N: index, W: width}, t.bundle)
	t.bundle = t.bundle[:0]
}

func (t *tree) compare(tile tlog.Tile, octets []byte) {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	if !bytes.Equal(peer.Read(filepath.Join(t.dir, path)), octets) {
		log.Fatalf("%s: other octets", path)
	}
}

func (t *tree) finish() {
	if width := int(t.leaves % tileWidth); width > 0 {
		t.compareBundle(t.leaves/tileWidth, width)
	}
	for _, tile := range tlog.NewTiles(8, 0, t.leaves) {
		data, err := tlog.ReadTileData(tile, t)
		peer.Check(err)
		t.compare(tile, data)
	}
}

// encoding/json sorts members; what it writes of what it read is the canonical form but for two characters that it escapes.
func checkCanonical(record []byte) {
	decoder := json.NewDecoder(bytes.NewReader(record))
	decoder.UseNumber()
	var value map[string]any
	peer.Check(decoder.Decode(&value))
	var again bytes.Buffer
	encoder := json.NewEncoder(&again)
	encoder.SetEscapeHTML(false)
	peer.Check(encoder.Encode(value))
	if !bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte("\n")), record) {
		log.Fatalf("not canonical: %s", record)
	}
}

// openCheckpoint verifies the signature; returns origin, size and root.
func openCheckpoint(signed, vkeys []byte) (string, int64, tlog.Hash) {
	vkey, _, _ := strings.Cut(string(vkeys), "\n")
	verifier, err := formats.NewVerifier(vkey)
	peer.Check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	peer.Check(err)
	lines := strings.Split(opened.Text, "\n")
	return lines[0], int64(number(lines[1])), hash(lines[2])
}

func checkProof(text, vkey []byte) {
	head, checkpoint, _ := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	peer.Check(err)
	var extra struct {
		Entry  []byte
		N      int
		Record string
	}
	peer.Check(json.Unmarshal(decoded, &extra))
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		proof = append(proof, hash(line))
	}
	_, size, root := openCheckpoint([]byte(checkpoint), vkey)
	index := int64(number(strings.TrimPrefix(lines[2], "index ")))
	peer.Check(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(extra.Entry)))
	digest := sha256.Sum256([]byte(extra.Record))
	if !bytes.Equal(extra.Entry[entryHeader+sha256.Size*extra.N:][:sha256.Size], digest[:]) {
		log.Fatal("the entry has another digest")
	}
	checkCanonical([]byte(extra.Record))
}

func hash(text string) tlog.Hash {
	decoded, err := base64.StdEncoding.DecodeString(text)
	peer.Check(err)
	return tlog.Hash(decoded)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	peer.Check(err)
	return n
}
