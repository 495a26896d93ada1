package crypt_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/crypt"
)

func TestSlot(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		slot       *crypt.Slot
		credential crypt.Credential
	}{
		{"KeyFile", keyFileSlot(t), testKeyFile().Credential()},
		{"Password", passwordSlot(t), crypt.Password("correct horse")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := crypt.ParseSlot(marshal(t, test.slot))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Open(testRepo(), test.credential); err != nil || !got.Equal(testSecret()) {
				t.Errorf("Open: got %v, %v", got, err)
			}
			if s.KDF != test.credential.KDF() || s.Label != test.slot.Label || !s.Created.Equal(testCreated) {
				t.Errorf("listing: got %s, %q, %s", s.KDF, s.Label, s.Created)
			}
			other := crypt.RepositoryID{1}
			if _, err := s.Open(other, test.credential); !errors.Is(err, crypt.ErrAuth) {
				t.Errorf("Open for another repository: got %v, want ErrAuth", err)
			}
		})
	}
}

func TestNewSlot(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 1, 2, 4, 4, 5, 999, time.FixedZone("CET", 3600))
	s, err := crypt.NewSlot(testSecret(), testRepo(), crypt.Password("correct horse"), "", created)
	if err != nil {
		t.Fatal(err)
	}
	if s.Time != 3 || s.MemoryKiB != 64<<10 || s.Threads != 4 {
		t.Errorf("cost: got t=%d m_kib=%d p=%d", s.Time, s.MemoryKiB, s.Threads)
	}
	if s.Created != testCreated {
		t.Errorf("created: got %s, want %s", s.Created, testCreated)
	}
	if got, err := s.Open(testRepo(), crypt.Password("correct horse")); err != nil || !got.Equal(testSecret()) {
		t.Errorf("Open: got %v, %v", got, err)
	}
}

func TestNewSlotRefuses(t *testing.T) {
	t.Parallel()
	key := testKeyFile().Credential()
	tests := []struct {
		name       string
		credential crypt.Credential
		label      string
		created    time.Time
	}{
		{"NoCredential", crypt.Credential{}, "", testCreated},
		{"EmptyPassword", crypt.Password(""), "", testCreated},
		{"EmptyKeyFile", crypt.KeyFile{}.Credential(), "", testCreated},
		{"LongLabel", key, strings.Repeat("x", 129), testCreated},
		{"LabelNotUTF8", key, "\xff", testCreated},
		{"LabelWithEscape", key, "\x1b[2J", testCreated},
		{"LabelWithNewline", key, "a\nb", testCreated},
		{"LabelTurnedAround", key, "a\u202eb", testCreated},
		{"YearTooLate", key, "", testCreated.AddDate(8000, 0, 0)},
		{"YearTooEarly", key, "", testCreated.AddDate(-2100, 0, 0)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := crypt.NewSlot(testSecret(), testRepo(), test.credential, test.label, test.created)
			if err == nil || s != nil {
				t.Errorf("got %v, %v, want an error", s, err)
			}
		})
	}
}

func TestSlotWrongKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		slot       *crypt.Slot
		credential crypt.Credential
	}{
		{"Password", passwordSlot(t), crypt.Password("correct horsf")},
		{"PasswordWithBlank", passwordSlot(t), crypt.Password("correct horse ")},
		{"EmptyPassword", passwordSlot(t), crypt.Password("")},
		{"KeyFileForPassword", passwordSlot(t), testKeyFile().Credential()},
		{"KeyFile", keyFileSlot(t), crypt.KeyFileOf([]byte{1}).Credential()},
		{"EmptyKeyFile", keyFileSlot(t), crypt.KeyFile{}.Credential()},
		{"PasswordForKeyFile", keyFileSlot(t), crypt.Password("correct horse")},
		{"None", keyFileSlot(t), crypt.Credential{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.slot.Open(testRepo(), test.credential)
			if !errors.Is(err, crypt.ErrWrongKey) || !got.Equal(crypt.Secret{}) {
				t.Errorf("got %x, %v, want ErrWrongKey", got, err)
			}
		})
	}
}

// TestSlotAltered flips every bit of a slot's stored text. A slot that still
// parses must not open.
func TestSlotAltered(t *testing.T) {
	t.Parallel()
	parsed := 0
	eachAlteration(marshal(t, keyFileSlot(t)), func(altered []byte) {
		s, err := crypt.ParseSlot(altered)
		if err != nil {
			if !errors.Is(err, crypt.ErrSlot) && !errors.Is(err, crypt.ErrVersion) {
				t.Errorf("ParseSlot(%s): got %v", altered, err)
			}
			return
		}
		parsed++
		got, err := s.Open(testRepo(), testKeyFile().Credential())
		if !errors.Is(err, crypt.ErrAuth) && !errors.Is(err, crypt.ErrWrongKey) || !got.Equal(crypt.Secret{}) {
			t.Errorf("Open of %s: got %x, %v", altered, got, err)
		}
	})
	if parsed < 100 {
		t.Errorf("only %d alterations got as far as Open", parsed)
	}
}

// TestSlotFieldAltered alters each field by itself.
func TestSlotFieldAltered(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		alter func(s *crypt.Slot)
		want  error
	}{
		{"Time", func(s *crypt.Slot) { s.Time++ }, crypt.ErrWrongKey},
		{"Memory", func(s *crypt.Slot) { s.MemoryKiB++ }, crypt.ErrWrongKey},
		{"Threads", func(s *crypt.Slot) { s.Threads++ }, crypt.ErrWrongKey},
		{"Salt", func(s *crypt.Slot) { s.Salt[31] ^= 1 }, crypt.ErrWrongKey},
		{"Commit", func(s *crypt.Slot) { s.Commit[31] ^= 1 }, crypt.ErrWrongKey},
		{"Nonce", func(s *crypt.Slot) { s.Nonce[23] ^= 1 }, crypt.ErrAuth},
		{"Label", func(s *crypt.Slot) { s.Label += "!" }, crypt.ErrAuth},
		{"Created", func(s *crypt.Slot) { s.Created = s.Created.Add(time.Second) }, crypt.ErrAuth},
		{"Ciphertext", func(s *crypt.Slot) { s.Ciphertext[0] ^= 1 }, crypt.ErrAuth},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := passwordSlot(t)
			test.alter(s)
			if _, err := s.Open(testRepo(), crypt.Password("correct horse")); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// TestSlotHostile opens hostile slots with another kind of credential. An error
// other than ErrWrongKey shows that Open refused the slot before it compared or
// derived anything.
func TestSlotHostile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		alter func(s *crypt.Slot)
		want  error
	}{
		{"OK", func(*crypt.Slot) {}, crypt.ErrWrongKey},
		{"AtTheCaps", func(s *crypt.Slot) { s.Time, s.MemoryKiB, s.Threads = 4, 256<<10, 16 }, crypt.ErrWrongKey},
		{"ManyPasses", func(s *crypt.Slot) { s.Time, s.MemoryKiB = 16, 64<<10 }, crypt.ErrWrongKey},
		{"MuchWork", func(s *crypt.Slot) { s.Time, s.MemoryKiB = 16, 64<<10+1 }, crypt.ErrSlot},
		{"NoTime", func(s *crypt.Slot) { s.Time = 0 }, crypt.ErrSlot},
		{"LongTime", func(s *crypt.Slot) { s.Time = 17 }, crypt.ErrSlot},
		{"EndlessTime", func(s *crypt.Slot) { s.Time = 1<<32 - 1 }, crypt.ErrSlot},
		{"LittleMemory", func(s *crypt.Slot) { s.MemoryKiB = 19<<10 - 1 }, crypt.ErrSlot},
		{"NoMemory", func(s *crypt.Slot) { s.MemoryKiB = 0 }, crypt.ErrSlot},
		{"MuchMemory", func(s *crypt.Slot) { s.MemoryKiB = 256<<10 + 1 }, crypt.ErrSlot},
		{"NoThreads", func(s *crypt.Slot) { s.Threads = 0 }, crypt.ErrSlot},
		{"ManyThreads", func(s *crypt.Slot) { s.Threads = 17 }, crypt.ErrSlot},
		{"NoKDF", func(s *crypt.Slot) { s.KDF = "" }, crypt.ErrSlot},
		{"UnknownKDF", func(s *crypt.Slot) { s.KDF = "md5" }, crypt.ErrSlot},
		{"CostOfKeyFile", func(s *crypt.Slot) { s.KDF = crypt.KDFKeyFile }, crypt.ErrSlot},
		{"ShortSalt", func(s *crypt.Slot) { s.Salt = s.Salt[1:] }, crypt.ErrSlot},
		{"NoCommit", func(s *crypt.Slot) { s.Commit = nil }, crypt.ErrSlot},
		{"LongNonce", func(s *crypt.Slot) { s.Nonce = append(s.Nonce, 0) }, crypt.ErrSlot},
		{"LongCiphertext", func(s *crypt.Slot) { s.Ciphertext = append(s.Ciphertext, 0) }, crypt.ErrSlot},
		{"Label", func(s *crypt.Slot) { s.Label = "\x1b[2J" }, crypt.ErrSlot},
		{"Fraction", func(s *crypt.Slot) { s.Created = s.Created.Add(1) }, crypt.ErrSlot},
		{"NoVersion", func(s *crypt.Slot) { s.Version = 0 }, crypt.ErrSlot},
		{"LaterVersion", func(s *crypt.Slot) { s.Version = 2 }, crypt.ErrVersion},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := passwordSlot(t)
			test.alter(s)
			if _, err := s.Open(testRepo(), testKeyFile().Credential()); !errors.Is(err, test.want) {
				t.Errorf("Open: got %v, want %v", err, test.want)
			}
			if _, err := s.Marshal(); test.want != crypt.ErrWrongKey && !errors.Is(err, test.want) {
				t.Errorf("Marshal: got %v, want %v", err, test.want)
			}
		})
	}
}

func TestParseSlotRefuses(t *testing.T) {
	t.Parallel()
	good := string(marshal(t, keyFileSlot(t)))
	replaced := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	tests := []struct {
		name, text string
		want       error
	}{
		{"Empty", "", crypt.ErrSlot},
		{"Null", "null", crypt.ErrSlot},
		{"Array", "[]", crypt.ErrSlot},
		{"NoFields", "{}", crypt.ErrSlot},
		{"Blank", " " + good, crypt.ErrSlot},
		{"NoNewline", good[:len(good)-1], crypt.ErrSlot},
		{"Twice", good + good, crypt.ErrSlot},
		{"UnknownField", replaced(`"v":1,`, `"v":1,"x":1,`), crypt.ErrSlot},
		{"FieldTwice", replaced(`"v":1,`, `"v":1,"kdf":"argon2id",`), crypt.ErrSlot},
		{"FieldInCapitals", replaced(`"label"`, `"Label"`), crypt.ErrSlot},
		{"EscapedLetter", replaced(`ops`, `\u006fps`), crypt.ErrSlot},
		{"BreakInBase64", replaced(`"salt":"QEF`, `"salt":"QE\nF`), crypt.ErrSlot},
		{"OtherOffset", replaced(`T03:04:05Z`, `T04:04:05+01:00`), crypt.ErrSlot},
		{"ZeroOffset", replaced(`T03:04:05Z`, `T03:04:05+00:00`), crypt.ErrSlot},
		{"ZeroCost", replaced(`"salt"`, `"t":0,"salt"`), crypt.ErrSlot},
		{"NegativeCost", replaced(`"salt"`, `"t":-1,"salt"`), crypt.ErrSlot},
		{"CostBeyondType", replaced(`"salt"`, `"p":260,"salt"`), crypt.ErrSlot},
		{"NegativeVersion", replaced(`"v":1`, `"v":-1`), crypt.ErrSlot},
		{"LaterVersion", `{"v":2,"kdf":7}`, crypt.ErrVersion},
		{"Long", good + strings.Repeat(" ", 64<<10), crypt.ErrSlot},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if s, err := crypt.ParseSlot([]byte(test.text)); s != nil || !errors.Is(err, test.want) {
				t.Errorf("got %v, %v, want %v", s, err, test.want)
			}
		})
	}
}

// TestSlotsDiffer makes two slots under one password. Equal slots would show
// that two repositories or hosts share a password.
func TestSlotsDiffer(t *testing.T) {
	t.Parallel()
	var slots []*crypt.Slot
	for range 2 {
		s, err := crypt.NewSlot(testSecret(), testRepo(), testKeyFile().Credential(), "", testCreated)
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, s)
	}
	for _, field := range []func(s *crypt.Slot) []byte{
		func(s *crypt.Slot) []byte { return s.Salt },
		func(s *crypt.Slot) []byte { return s.Commit },
		func(s *crypt.Slot) []byte { return s.Nonce },
		func(s *crypt.Slot) []byte { return s.Ciphertext },
	} {
		if bytes.Equal(field(slots[0]), field(slots[1])) {
			t.Errorf("the slots share the bytes %x", field(slots[0]))
		}
	}
	secret := sequence(0, 32) // the bytes of testSecret
	if both := slices.Concat(marshal(t, slots[0]), slots[0].Ciphertext); bytes.Contains(both, secret[:8]) {
		t.Error("the slot holds the secret in clear")
	}
}

// FuzzParseSlot checks that an accepted slot has only one spelling, and that
// only the original slot opens.
func FuzzParseSlot(f *testing.F) {
	good := marshal(f, keyFileSlot(f))
	f.Add(good)
	f.Add(marshal(f, passwordSlot(f)))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := crypt.ParseSlot(b)
		if err != nil {
			return
		}
		if again := marshal(t, s); !bytes.Equal(again, b) {
			t.Errorf("%q became %q", b, again)
		}
		_, err = s.Open(testRepo(), testKeyFile().Credential())
		if (err == nil) != bytes.Equal(b, good) {
			t.Errorf("Open of %s: %v", b, err)
		}
	})
}
