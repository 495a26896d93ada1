// Package access says which programs and people may ask the server for what: tokens with scopes, environments and an end, kept in
// a private file as hashes, and the log of what was changed by whom.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
)

// Token is the secret that a program sends. Its text is the prefix, 256 random bits in 43 digits of base 62, and their CRC-32 in 6
// digits. By the prefix a scanner of source code finds tokens that were published by mistake; by the checksum it is sure, and a
// server refuses mistyped tokens without a look at its file.
type Token string

const (
	tokenPrefix  = "firn_"
	secretBits   = 256
	secretDigits = 43 // 62^43 > 2^256
	sumDigits    = 6  // 62^6 > 2^32
)

// NewToken returns a new token.
func NewToken() Token {
	limit := new(big.Int).Lsh(big.NewInt(1), secretBits)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic("access: internal error: " + err.Error()) // crypto/rand never fails
	}
	secret := padded(n, secretDigits)
	return Token(tokenPrefix + secret + checksum(secret))
}

// ParseToken reads a token. The error does not repeat the text, which may be a secret.
func ParseToken(text string) (Token, error) {
	rest, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(rest) != secretDigits+sumDigits {
		return "", fmt.Errorf("%w: it is no token of firn's", ErrRefused)
	}
	if subtle.ConstantTimeCompare([]byte(checksum(rest[:secretDigits])), []byte(rest[secretDigits:])) == 0 {
		return "", fmt.Errorf("%w: the token is mistyped or cut short", ErrRefused)
	}
	return Token(text), nil
}

// hash returns what is stored of a token. A token has 256 random bits, so that a slow hash would protect nothing.
func (t Token) hash() [sha256.Size]byte { return sha256.Sum256([]byte(t)) }

// String hides the secret from logs and messages. [Token.Reveal] returns it.
func (t Token) String() string { return tokenPrefix + "..." }

// Reveal returns the text of the token, which is shown once.
func (t Token) Reveal() string { return string(t) }

// checksum returns the digits of a text's CRC-32.
func checksum(text string) string {
	return padded(big.NewInt(int64(crc32.ChecksumIEEE([]byte(text)))), sumDigits)
}

// padded returns a number in base 62 with leading zeros.
func padded(n *big.Int, digits int) string {
	text := n.Text(62)
	return strings.Repeat("0", digits-len(text)) + text
}

// equal compares a stored hash with a token's in a time that does not depend on where they differ.
func equal(stored string, sum [sha256.Size]byte) bool {
	known, err := hex.DecodeString(stored)
	return err == nil && subtle.ConstantTimeCompare(known, sum[:]) == 1
}
