package crypt

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	slotVersion = 1
	saltLen     = 32
	commitLen   = 32
	sealedLen   = hiddenLen + tagLen

	maxLabel = 128 // bytes
)

// MaxSlot is the largest size of a slot's JSON, in bytes.
const MaxSlot = 64 << 10

// The bounds of [cost]. The storage can write a slot of its own. The upper bounds
// keep such a slot from exhausting the reader: they allow 256 MiB, and a second or
// so. The lower bound, OWASP's minimum, prevents slots whose password is cheap to
// guess.
const (
	maxTime      = 16
	minMemoryKiB = 19 << 10
	maxMemoryKiB = 256 << 10
	maxThreads   = 16
	maxWork      = 1 << 20 // KiB times passes
)

// The cost that [NewSlot] chooses for a password: the second recommendation of RFC
// 9106, section 4. A small server can spare 64 MiB.
const (
	usualTime      = 3
	usualMemoryKiB = 64 << 10
	usualThreads   = 4
)

// SlotWork is the [Slot.Work] of the password slots that [NewSlot] makes.
const SlotWork = usualTime * usualMemoryKiB

// Slot is a repository's [Secret] sealed under one [Credential]. A repository can
// have any number of them. A slot is stored as one line of JSON, see [Slot.Marshal].
// Its fields are for listings. The storage may have forged any of them, until
// [Slot.Open] succeeds.
type Slot struct {
	Version    int       `json:"v"`
	KDF        string    `json:"kdf"`             // KDFPassword or KDFKeyFile
	Time       uint32    `json:"t,omitempty"`     // Argon2id passes; none for KDFKeyFile
	MemoryKiB  uint32    `json:"m_kib,omitempty"` // likewise
	Threads    uint8     `json:"p,omitempty"`     // likewise
	Salt       []byte    `json:"salt"`            // 32 random bytes
	Commit     []byte    `json:"commit"`          // 32 bytes derived with the key
	Nonce      []byte    `json:"nonce"`           // 24 random bytes
	Label      string    `json:"label"`           // for people: the owner of the credential
	Created    time.Time `json:"created"`         // UTC, whole seconds
	Ciphertext []byte    `json:"ct"`              // the sealed secret, 48 bytes
}

// NewSlot seals secret under c. The label is at most 128 bytes of printable UTF-8,
// since it will be shown to people other than its author. NewSlot refuses empty
// credentials, and returns [ErrWeak] for passwords that are guessed at once.
//
// NewSlot derives 64 bytes from c and a random salt: by Argon2id from a password, or
// by HKDF-SHA-256 with info "firn/1/slot" from a key file. The first half is the key
// that seals secret, the other half is the commitment.
func NewSlot(secret Secret, repo RepositoryID, c Credential, label string, created time.Time) (*Slot, error) {
	s := &Slot{KDF: c.kdf, Label: label, Created: created.UTC().Truncate(time.Second)}
	if c.kdf == KDFPassword {
		s.Time, s.MemoryKiB, s.Threads = usualTime, usualMemoryKiB, usualThreads
	}
	if err := c.CheckStrength(); err != nil {
		return nil, err
	}
	if err := s.seal(rand.Reader, secret, repo, c); err != nil {
		return nil, fmt.Errorf("make key slot: %w", err)
	}
	return s, nil
}

// seal computes the remaining fields from the fields that are set, the secret and c.
func (s *Slot) seal(random io.Reader, secret Secret, repo RepositoryID, c Credential) error {
	if c.kdf == "" {
		return errNoCredential
	}
	s.Version = slotVersion
	if err := s.checkParameters(); err != nil {
		return err
	}
	s.Salt, s.Nonce = make([]byte, saltLen), make([]byte, nonceLen)
	fill(random, s.Salt)
	fill(random, s.Nonce)
	var key []byte
	key, s.Commit = c.derive(s)
	s.Ciphertext = newAEAD(key).Seal(nil, s.Nonce, secret.reveal(), s.aad(repo))
	return nil
}

// Open returns the secret that the slot holds for repository repo. The error is
// [ErrVersion] or [ErrSlot] if the slot's parameters are not acceptable; Open checks
// this before it does any work with them. The error is [ErrWrongKey] if c is not the
// slot's credential. It is [ErrAuth] if c is right, but another field was altered or
// the slot belongs to another repository.
func (s *Slot) Open(repo RepositoryID, c Credential) (Secret, error) {
	if err := s.check(); err != nil {
		return Secret{}, err
	}
	if c.kdf != s.KDF {
		return Secret{}, ErrWrongKey
	}
	key, commit := c.derive(s)
	// An attacker can make a ciphertext that opens under many keys at once. Without
	// the commitment, the storage could plant such a slot, see whether it opened,
	// and so learn which of many passwords the user may have. The comparison takes
	// constant time for the same reason.
	if subtle.ConstantTimeCompare(commit, s.Commit) != 1 {
		return Secret{}, ErrWrongKey
	}
	plaintext, err := newAEAD(key).Open(nil, s.Nonce, s.Ciphertext, s.aad(repo))
	if err != nil {
		return Secret{}, ErrAuth
	}
	return SecretOf(plaintext), nil
}

// aad returns the data that binds the slot's other fields to the ciphertext:
//
//	"slot" || repository id || v u32 || kdf || t u32 || m_kib u32 || p u32 ||
//	salt || commit || nonce || label || created i64
//
// where created is in Unix seconds, and kdf, salt, commit, nonce and label each
// follow their length as a u32, so that no two slots make the same bytes.
func (s *Slot) aad(repo RepositoryID) []byte {
	le := binary.LittleEndian
	b := append([]byte("slot"), repo[:]...)
	field := func(f []byte) { b = append(le.AppendUint32(b, uint32(len(f))), f...) }
	b = le.AppendUint32(b, uint32(s.Version))
	field([]byte(s.KDF))
	b = le.AppendUint32(b, s.Time)
	b = le.AppendUint32(b, s.MemoryKiB)
	b = le.AppendUint32(b, uint32(s.Threads))
	field(s.Salt)
	field(s.Commit)
	field(s.Nonce)
	field([]byte(s.Label))
	return le.AppendUint64(b, uint64(s.Created.Unix()))
}

// ParseSlot reads only the form that [Slot.Marshal] writes. A slot has only one
// spelling, so no alteration of a stored slot goes unnoticed. It returns [ErrSlot]
// if b is malformed or the slot's parameters are outside of their bounds, and
// [ErrVersion] if its version is later than 1.
func ParseSlot(b []byte) (*Slot, error) {
	if len(b) > MaxSlot {
		return nil, fmt.Errorf("%w: %d bytes", ErrSlot, len(b))
	}
	var head struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSlot, err) // %v: no caller needs to match the cause
	}
	if head.Version > slotVersion {
		return nil, versionError(head.Version) // its fields may have other types
	}
	s := new(Slot)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSlot, err)
	}
	again, err := s.Marshal()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b, again) {
		return nil, fmt.Errorf("%w: not in its canonical form", ErrSlot)
	}
	return s, nil
}

// Marshal returns the slot as one line of JSON and a newline. The fields are in the
// order of [Slot], without the parameters that do not apply, and without blanks.
// Binary fields are in padded standard base64, created is in the form
// "2006-01-02T15:04:05Z", and the label has no escapes but \" and \\. It returns
// [ErrSlot] or [ErrVersion] for a slot that [Slot.Open] would refuse.
func (s *Slot) Marshal() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSlot, err)
	}
	return b.Bytes(), nil
}

// check refuses slots that are malformed, weak, or too costly to try.
func (s *Slot) check() error {
	if err := s.checkParameters(); err != nil {
		return err
	}
	if len(s.Salt) != saltLen || len(s.Commit) != commitLen || len(s.Nonce) != nonceLen || len(s.Ciphertext) != sealedLen {
		return fmt.Errorf("%w: salt, commit, nonce or ct of a wrong length", ErrSlot)
	}
	return nil
}

func (s *Slot) checkParameters() error {
	if s.Version > slotVersion {
		return versionError(s.Version)
	}
	if s.Version < slotVersion {
		return fmt.Errorf("%w: version %d", ErrSlot, s.Version)
	}
	if err := s.checkKDF(); err != nil {
		return err
	}
	return s.checkText()
}

func (s *Slot) checkKDF() error {
	c := s.cost()
	switch s.KDF {
	case KDFKeyFile:
		if c == (cost{}) {
			return nil
		}
	case KDFPassword:
		if 1 <= c.time && c.time <= maxTime && minMemoryKiB <= c.memoryKiB && c.memoryKiB <= maxMemoryKiB &&
			1 <= c.threads && c.threads <= maxThreads && c.work() <= maxWork {
			return nil
		}
	}
	return fmt.Errorf("%w: kdf %.20q with t=%d m_kib=%d p=%d", ErrSlot, s.KDF, c.time, c.memoryKiB, c.threads)
}

// checkText checks the fields that a listing shows: a label with control characters
// could rewrite the user's screen.
func (s *Slot) checkText() error {
	printable := utf8.ValidString(s.Label)
	for _, r := range s.Label {
		printable = printable && unicode.IsPrint(r)
	}
	if !printable || len(s.Label) > maxLabel {
		return fmt.Errorf("%w: label %.40q", ErrSlot, s.Label)
	}
	// A fraction, an offset or a fifth digit of the year would be longer.
	if created := s.Created.Format(time.RFC3339Nano); len(created) != len("2006-01-02T15:04:05Z") {
		return fmt.Errorf("%w: created %s", ErrSlot, created)
	}
	return nil
}

// cost holds the parameters that set the cost of Argon2id.
type cost struct {
	time      uint32 // passes
	memoryKiB uint32
	threads   uint8
}

// work is the cost of one guess, in KiB of memory times passes.
func (c cost) work() int64 { return int64(c.time) * int64(c.memoryKiB) }

// Work returns the cost of trying a credential on the slot, in KiB of memory times
// passes of Argon2id. It is 0 for a key file.
func (s *Slot) Work() int64 { return s.cost().work() }

func (s *Slot) cost() cost { return cost{s.Time, s.MemoryKiB, s.Threads} }

func versionError(v int) error { return fmt.Errorf("%w: version %d", ErrVersion, v) }
