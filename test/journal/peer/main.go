// Reads a journal directory as any client of a C2SP tlog-tiles log would, with golang.org/x/mod/sumdb: verifies the checkpoint's
// signature, recomputes the root from the hash tiles, checks that every entry hashes to its leaf, and proves one entry.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// dirTiles reads tiles from the directory of a journal.
type dirTiles struct{ dir string }

func (d dirTiles) Height() int { return tileHeight }

func (d dirTiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (d dirTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		data, err := d.read(tile)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

// read returns the tile's octets; the sumdb path has the height in it, the C2SP path has not.
func (d dirTiles) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
	if tile.L == -1 {
		path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	}
	data, err := os.ReadFile(filepath.Join(d.dir, path))
	if err != nil && tile.W < 1<<tileHeight {
		tile.W = 1 << tileHeight
		return d.read(tile)
	}
	return data, err
}

func main() {
	log.SetFlags(0)
	if os.Args[1] == "proof" {
		checkProof(os.Args[2], os.Args[3])
		return
	}
	dir, vkeyFile, index := os.Args[1], os.Args[2], parseInt(os.Args[3])

	history, err := filepath.Glob(filepath.Join(dir, "checkpoints/*/*Z"))
	check(err)
	for _, file := range history {
		signed, err := os.ReadFile(file)
		check(err)
		openCheckpoint(signed, vkeyFile)
	}
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	check(err)
	origin, size, root := openCheckpoint(signed, vkeyFile)

	// TileHashReader checks every tile that it reads against the root.
	tree := tlog.Tree{N: size, Hash: root}
	tiles := dirTiles{dir}
	hashes := tlog.TileHashReader(tree, tiles)
	computed, err := tlog.TreeHash(size, hashes)
	check(err)
	if computed != root {
		log.Fatalf("root %v, checkpoint says %v", computed, root)
	}

	entries := readEntries(tiles, size)
	for i, entry := range entries {
		stored, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		check(err)
		if stored[0] != tlog.RecordHash(entry) {
			log.Fatalf("entry %d does not hash to its leaf", i)
		}
	}

	proof, err := tlog.ProveRecord(size, index, hashes)
	check(err)
	check(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entries[index])))
	if size > 1 {
		proof, err := tlog.ProveTree(size, size/2+1, hashes)
		check(err)
		old, err := tlog.TreeHash(size/2+1, hashes)
		check(err)
		check(tlog.CheckTree(proof, size, root, size/2+1, old))
	}
	fmt.Printf("%s %d %x %d\n", origin, size, root[:], len(entries))
}

// openCheckpoint verifies the signatures and prints the ids of their keys; returns origin, size and root.
func openCheckpoint(signed []byte, vkeyFile string) (string, int64, tlog.Hash) {
	vkeys, err := os.ReadFile(vkeyFile)
	check(err)
	vkey, postQuantum, _ := strings.Cut(strings.TrimSpace(string(vkeys)), "\n")
	verifier, err := formats.NewVerifier(vkey)
	check(err)
	cosigner, err := formats.NewVerifier(postQuantum)
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier, cosigner))
	check(err)
	for _, signature := range opened.Sigs {
		fmt.Printf("%08x ", signature.Hash)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		log.Fatalf("unexpected checkpoint %q", opened.Text)
	}
	return lines[0], parseInt(lines[1]), hash(lines[2])
}

// checkProof verifies a C2SP tlog-proof with the entry that its extra data holds, and prints the record that the entry has the digest of.
func checkProof(file, vkeyFile string) {
	text, err := os.ReadFile(file)
	check(err)
	head, checkpoint, _ := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		log.Fatalf("unexpected first line %q", lines[0])
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	check(err)
	var extra struct {
		Entry  []byte
		N      int
		Record string
	}
	check(json.Unmarshal(decoded, &extra))
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		proof = append(proof, hash(line))
	}
	_, size, root := openCheckpoint([]byte(checkpoint), vkeyFile)
	index := parseInt(strings.TrimPrefix(lines[2], "index "))
	check(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(extra.Entry)))
	const header = 31
	digest := sha256.Sum256([]byte(extra.Record))
	if !bytes.Equal(extra.Entry[header+32*extra.N:][:32], digest[:]) {
		log.Fatal("the entry has another digest")
	}
	fmt.Println(extra.Record)
}

func hash(text string) tlog.Hash {
	decoded, err := base64.StdEncoding.DecodeString(text)
	check(err)
	var hash tlog.Hash
	copy(hash[:], decoded)
	return hash
}

func readEntries(tiles dirTiles, size int64) [][]byte {
	var entries [][]byte
	const width = 1 << tileHeight
	for n := int64(0); n*width < size; n++ {
		tile := tlog.Tile{H: tileHeight, L: -1, N: n, W: width}
		if size-n*width < width {
			tile.W = int(size - n*width)
		}
		data, err := tiles.read(tile)
		check(err)
		for reader := bytes.NewReader(data); reader.Len() > 0 && int64(len(entries)) < size; {
			var length uint16
			check(binary.Read(reader, binary.BigEndian, &length))
			entry := make([]byte, length)
			_, err := reader.Read(entry)
			check(err)
			entries = append(entries, entry)
		}
	}
	if int64(len(entries)) != size {
		log.Fatalf("%d entries, checkpoint says %d", len(entries), size)
	}
	return entries
}

func parseInt(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
