// Reads the decision log of an Assay as somebody else's program would, with Go's own tlog and note packages:
//
//	tlog-go monitor URL VKEY [OLD-CHECKPOINT-FILE]    every entry, every tile, and that the log goes on from the old checkpoint
//	tlog-go proof FILE VKEY                          a file of `assay log prove`
//
// Prints one line and ends with 0 where all is proven, with 1 and the reason where it is not.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	args := os.Args[1:]
	var told string
	var err error
	switch {
	case len(args) >= 3 && args[0] == "monitor":
		told, err = monitor(args[1], args[2], args[3:])
	case len(args) == 3 && args[0] == "proof":
		told, err = proof(args[1], args[2])
	default:
		err = errors.New("usage: tlog-go monitor URL VKEY [OLD-CHECKPOINT] | tlog-go proof FILE VKEY")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(told)
}

func monitor(base, vkey string, old []string) (string, error) {
	signed, err := get(base + "/checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := openCheckpoint(signed, vkey)
	if err != nil {
		return "", err
	}
	reader := tlog.TileHashReader(tree, &tiles{base})
	for first := int64(0); first < tree.N; first += 1 << height {
		if err := checkBundle(base, first, min(1<<height, tree.N-first), tree, reader); err != nil {
			return "", err
		}
	}
	if len(old) == 1 {
		before, err := os.ReadFile(old[0])
		if err != nil {
			return "", err
		}
		earlier, err := openCheckpoint(before, vkey)
		if err != nil {
			return "", err
		}
		path, err := tlog.ProveTree(tree.N, earlier.N, reader)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckTree(path, tree.N, tree.Hash, earlier.N, earlier.Hash); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d entries", tree.N), nil
}

// checkBundle proves each entry of one bundle by itself against the signed root.
func checkBundle(base string, first, width int64, tree tlog.Tree, reader tlog.HashReader) error {
	bundle, err := get(base + "/tile/entries/" + number(first>>height, width))
	if err != nil {
		return err
	}
	for n := first; n < first+width; n++ {
		if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
			return fmt.Errorf("the bundle of entry %d is too short", n)
		}
		length := 2 + int(binary.BigEndian.Uint16(bundle))
		path, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(path, tree.N, tree.Hash, n, tlog.RecordHash(bundle[2:length])); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		bundle = bundle[length:]
	}
	if len(bundle) > 0 {
		return errors.New("a bundle has bytes after its last entry")
	}
	return nil
}

func proof(file, vkey string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var proven struct {
		Entries []struct{ Entry, Proof string }
	}
	if err := json.Unmarshal(text, &proven); err != nil {
		return "", err
	}
	for _, one := range proven.Entries {
		if err := checkProof(one.Entry, one.Proof, vkey); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d entries", len(proven.Entries)), nil
}

func checkProof(entry, text, vkey string) error {
	head, signed, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("this is no proof")
	}
	tree, err := openCheckpoint([]byte(signed), vkey)
	if err != nil {
		return err
	}
	position, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path = append(path, hash)
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, position, tlog.RecordHash([]byte(entry)))
}

func openCheckpoint(signed []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("this is no checkpoint of that log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("a checkpoint's root is no hash")
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

type tiles struct{ base string }

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := get(fmt.Sprintf("%s/tile/%d/%s", t.base, tile.L, number(tile.N, int64(tile.W))))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// number writes the number and width of a tile as addresses have them. Go's own paths also have the height.
func number(n, width int64) string {
	path := tlog.Tile{H: height, L: 0, N: n, W: int(width)}.Path()
	return strings.TrimPrefix(path, fmt.Sprintf("tile/%d/0/", height))
}

func get(url string) ([]byte, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}
