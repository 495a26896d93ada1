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

// MaxSlot is how many bytes of JSON a slot has at most.
const MaxSlot = 64 << 10

// The bounds of [cost]. The upper ones keep the storage, which can write a slot
// of its own, from exhausting the reader: 256 MiB, and a second or so. The floor,
// OWASP's minimum, keeps anybody from making a slot that is cheap to guess.
const (
	maxTime      = 16
	minMemoryKiB = 19 << 10
	maxMemoryKiB = 256 << 10
	maxThreads   = 16
	maxWork      = 1 << 20 // KiB times passes
)

// What [NewSlot] takes for a password: the second recommendation of RFC 9106,
// section 4. 64 MiB is what a small server can spare.
const (
	usualTime      = 3
	usualMemoryKiB = 64 << 10
	usualThreads   = 4
)

// SlotWork is the [Slot.Work] of the password slots that [NewSlot] makes.
const SlotWork = usualTime * usualMemoryKiB

// Slot is a repository's [Secret] sealed under one [Credential]. A repository
// can have any number of them. A slot is stored as one line of JSON, see
// [Slot.Marshal]. Its fields are for listing; until [Slot.Open] succeeds, any of
// them can be a lie of the storage.
type Slot struct {
	Version    int       `json:"v"`
	KDF        string    `json:"kdf"`             // KDFPassword or KDFKeyFile
	Time       uint32    `json:"t,omitempty"`     // Argon2id passes; none for KDFKeyFile
	MemoryKiB  uint32    `json:"m_kib,omitempty"` // likewise
	Threads    uint8     `json:"p,omitempty"`     // likewise
	Salt       []byte    `json:"salt"`            // 32 random bytes
	Commit     []byte    `json:"commit"`          // 32 bytes derived with the key
	Nonce      []byte    `json:"nonce"`           // 24 random bytes
	Label      string    `json:"label"`           // for people: whose credential it is
	Created    time.Time `json:"created"`         // UTC, whole seconds
	Ciphertext []byte    `json:"ct"`              // the sealed secret, 48 bytes
}

// NewSlot seals secret under c. The label is at most 128 bytes of printable
// UTF-8, since it will be shown to people who did not write it. Empty
// credentials are refused, and passwords that are guessed at once are [ErrWeak].
//
// From c and a random salt, 64 bytes are derived: by Argon2id from a password,
// by HKDF-SHA-256 with info "firn/1/slot" from a key file. The first half is the
// key to secret, the other half the commitment.
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

// seal fills in the fields that follow from the others, the secret and c.
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
// [ErrVersion] or [ErrSlot] if the slot's parameters are not acceptable, which
// is seen before any work is done with them, [ErrWrongKey] if c is not the
// slot's credential, or [ErrAuth] if it is but another field was altered or the
// slot belongs to another repository.
func (s *Slot) Open(repo RepositoryID, c Credential) (Secret, error) {
	if err := s.check(); err != nil {
		return Secret{}, err
	}
	if c.kdf != s.KDF {
		return Secret{}, ErrWrongKey
	}
	key, commit := c.derive(s)
	// A ciphertext can be made to open under many keys at once. Without the
	// commitment, the storage could plant such a slot and learn from whether it
	// opened which of many passwords the user has. In constant time, for the
	// same reason.
	if subtle.ConstantTimeCompare(commit, s.Commit) != 1 {
		return Secret{}, ErrWrongKey
	}
	plaintext, err := newAEAD(key).Open(nil, s.Nonce, s.Ciphertext, s.aad(repo))
	if err != nil {
		return Secret{}, ErrAuth
	}
	return SecretOf(plaintext), nil
}

// aad binds to the ciphertext what could be altered around it:
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

// ParseSlot reads what [Slot.Marshal] writes, and only that: a slot has one
// spelling, so nobody can alter a stored one unnoticed. It returns [ErrSlot] if
// b is malformed or the slot's parameters are outside of their bounds, and
// [ErrVersion] if its version is later than 1.
func ParseSlot(b []byte) (*Slot, error) {
	if len(b) > MaxSlot {
		return nil, fmt.Errorf("%w: %d bytes", ErrSlot, len(b))
	}
	var head struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSlot, err) // %v: the cause is of no use to code
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

// Marshal returns the slot as one line of JSON and a newline: the fields in the
// order of [Slot], those that are none left out, no blanks, binary fields in
// padded standard base64, created as "2006-01-02T15:04:05Z", and in the label no
// escapes but \" and \\. It returns [ErrSlot] or [ErrVersion] for a slot that
// [Slot.Open] would refuse.
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

// checkText checks what a listing shows: a label with control characters could
// rewrite the reader's screen.
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

// cost is how expensive Argon2id is made.
type cost struct {
	time      uint32 // passes
	memoryKiB uint32
	threads   uint8
}

// work is what one guess costs: KiB of memory times passes.
func (c cost) work() int64 { return int64(c.time) * int64(c.memoryKiB) }

// Work returns what it costs to try a credential of the slot's kind on it, in KiB of
// memory times passes of Argon2id; 0 for a key file.
func (s *Slot) Work() int64 { return s.cost().work() }

func (s *Slot) cost() cost { return cost{s.Time, s.MemoryKiB, s.Threads} }

func versionError(v int) error { return fmt.Errorf("%w: version %d", ErrVersion, v) }
