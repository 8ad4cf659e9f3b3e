// Says what sigstore-go makes of a bundle.
//
// Reads one request a line and answers one line, both JSON, as oracle.ts describes them. Asks no network: the trust root comes with each request.
package main

import (
	"bufio"
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

type request struct {
	ID int `json:"id"`
	// Bundles that must all verify.
	Bundles [][]byte          `json:"bundles"`
	Root    string            `json:"root"`
	Digests map[string]string `json:"digests"`
	Keys    []key             `json:"keys"`
}

// A key for bundles without a certificate. Times in milliseconds since the epoch.
type key struct {
	Hint       string `json:"hint"`
	Pem        string `json:"pem"`
	ValidFrom  *int64 `json:"validFrom"`
	ValidUntil *int64 `json:"validUntil"`
}

type answer struct {
	ID      int    `json:"id"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
}

const longestLine = 64 << 20

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestLine)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(answerTo(asked)); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

func answerTo(asked request) (given answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			given = answer{asked.ID, "refuse", fmt.Sprint("panic: ", panicked)}
		}
	}()
	if len(asked.Bundles) == 0 {
		return answer{asked.ID, "inapplicable", "the document stands for no bundle"}
	}
	for _, document := range asked.Bundles {
		if err := judge(document, asked); err != nil {
			return answer{asked.ID, "refuse", err.Error()}
		}
	}
	return answer{asked.ID, "accept", ""}
}

var roots = map[string]*root.TrustedRoot{}

func rootOf(path string) (*root.TrustedRoot, error) {
	if known, ok := roots[path]; ok {
		return known, nil
	}
	read, err := root.NewTrustedRootFromPath(path)
	roots[path] = read
	return read, err
}

func judge(document []byte, asked request) error {
	trusted, err := rootOf(asked.Root)
	if err != nil {
		return err
	}
	var read bundle.Bundle
	if err := read.UnmarshalJSON(document); err != nil {
		return err
	}
	material := root.TrustedMaterialCollection{trusted, root.NewTrustedPublicKeyMaterial(func(hint string) (root.TimeConstrainedVerifier, error) {
		return verifierOf(hint, asked.Keys)
	})}
	options := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	policy := verify.WithKey()
	if content, err := read.VerificationContent(); err == nil && content.Certificate() != nil {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
		policy = verify.WithoutIdentitiesUnsafe()
	}
	verifier, err := verify.NewVerifier(material, options...)
	if err != nil {
		return err
	}
	// The strongest digest that is at hand: npm names archives by sha512 only, everybody else by sha256.
	algorithm := "sha256"
	if asked.Digests[algorithm] == "" {
		algorithm = "sha512"
	}
	digest, err := hex.DecodeString(asked.Digests[algorithm])
	if err != nil {
		return err
	}
	_, err = verifier.Verify(&read, verify.NewPolicy(verify.WithArtifactDigest(algorithm, digest), policy))
	return err
}

func verifierOf(hint string, keys []key) (root.TimeConstrainedVerifier, error) {
	for _, known := range keys {
		if known.Hint != hint {
			continue
		}
		block, _ := pem.Decode([]byte(known.Pem))
		if block == nil {
			return nil, errors.New("a key is not PEM")
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		verifier, err := signature.LoadVerifier(public, crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return root.NewExpiringKey(verifier, timeOf(known.ValidFrom), timeOf(known.ValidUntil)), nil
	}
	return nil, fmt.Errorf("no key answers to the hint %q", hint)
}

func timeOf(milliseconds *int64) time.Time {
	if milliseconds == nil {
		return time.Time{}
	}
	return time.UnixMilli(*milliseconds)
}
