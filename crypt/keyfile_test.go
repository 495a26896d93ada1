package crypt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"firn/crypt"
)

func TestParseKeyFile(t *testing.T) {
	t.Parallel()
	line := testKeyFile().String()
	tests := []struct{ name, text string }{
		{"Line", line},
		{"Newline", line + "\n"},
		{"CarriageReturn", line + "\r\n"},
		{"Blanks", "\t" + line + " \n\n"},
		{"Comments", "# for cron on db1\n#\n\n" + line + "\n# " + line + "\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := crypt.ParseKeyFile([]byte(test.text))
			if err != nil || got != testKeyFile() {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestParseKeyFileRefuses(t *testing.T) {
	t.Parallel()
	line := testKeyFile().String()
	encoded := strings.TrimPrefix(line, "firn-key-1:")
	tests := []struct{ name, text string }{
		{"Empty", ""},
		{"OnlyComment", "#" + line},
		{"NoPrefix", encoded},
		{"Prefix", "firn-key-1:"},
		{"UpperCasePrefix", "FIRN-KEY-1:" + encoded},
		{"VersionZero", "firn-key-0:" + encoded},
		{"OtherSecret", "AGE-SECRET-KEY-1" + encoded},
		{"Twice", line + "\n" + line},
		{"TwoKeys", line + "\n" + crypt.NewKeyFile().String()},
		{"CommentBehind", line + " # cron"},
		{"BlankInside", line[:20] + " " + line[20:]},
		{"BreakInside", line[:20] + "\n" + line[20:]},
		{"ReturnInside", line[:20] + "\r" + line[20:]},
		{"NoPadding", strings.TrimRight(line, "=")},
		{"MorePadding", line + "="},
		{"LooseBits", line[:len(line)-2] + "9="}, // decodes, loosely, to the same key
		{"URLAlphabet", "firn-key-1:" + strings.Repeat("_", 42) + "8="},
		{"Short", "firn-key-1:" + encoded[4:]},
		{"Long", "firn-key-1:" + encoded[:4] + encoded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := crypt.ParseKeyFile([]byte(test.text))
			if err == nil || got != (crypt.KeyFile{}) {
				t.Fatalf("got %v, %v, want an error", got, err)
			}
			if strings.Contains(err.Error(), encoded[:4]) {
				t.Errorf("the error holds a part of the key: %v", err)
			}
		})
	}
}

func TestParseKeyFileOfLaterVersion(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"firn-key-2:anything", "firn-key-10:", "# new\nfirn-key-2\n"} {
		if _, err := crypt.ParseKeyFile([]byte(text)); !errors.Is(err, crypt.ErrVersion) {
			t.Errorf("ParseKeyFile(%q): got %v, want ErrVersion", text, err)
		}
	}
}

func TestKeyFileText(t *testing.T) {
	t.Parallel()
	k := crypt.NewKeyFile()
	text, err := k.MarshalText()
	if err != nil || string(text) != k.String() {
		t.Errorf("MarshalText: got %q, %v, want %q", text, err, k)
	}
	if got, err := crypt.ParseKeyFile(text); err != nil || got != k {
		t.Errorf("ParseKeyFile: got %v, %v, want %v", got, err, k)
	}
}

// TestSecretsDoNotPrint covers the ways secrets get into logs by mistake.
func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	for _, v := range []any{testSecret(), crypt.Password("correct horse"), testKeyFile().Credential()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(verb, v); !strings.Contains(got, "secret)") || len(got) > 40 {
				t.Errorf("%s of %T: %s", verb, v, got)
			}
		}
	}
}

func TestRepositoryID(t *testing.T) {
	t.Parallel()
	id := crypt.NewRepositoryID()
	text, err := id.MarshalText()
	if err != nil || string(text) != id.String() || len(text) != 32 {
		t.Errorf("MarshalText: got %q, %v", text, err)
	}
	if got, err := crypt.ParseRepositoryID(id.String()); err != nil || got != id {
		t.Errorf("ParseRepositoryID(%q): got %v, %v", id, got, err)
	}
	hex := testRepo().String()
	for _, s := range []string{"", hex[2:], hex + "00", strings.ToUpper(hex), "g" + hex[1:], " " + hex[1:]} {
		if got, err := crypt.ParseRepositoryID(s); err == nil || got != (crypt.RepositoryID{}) {
			t.Errorf("ParseRepositoryID(%q): got %v, %v, want an error", s, got, err)
		}
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	seen := map[any]bool{crypt.Secret{}: true, crypt.RepositoryID{}: true, crypt.KeyFile{}: true}
	for range 2 {
		for _, v := range []any{crypt.NewSecret(), crypt.NewRepositoryID(), crypt.NewKeyFile()} {
			if seen[v] {
				t.Errorf("the same %T twice", v)
			}
			seen[v] = true
		}
	}
}

// FuzzParseKeyFile: what is accepted holds the key's one spelling.
func FuzzParseKeyFile(f *testing.F) {
	line := testKeyFile().String()
	f.Add([]byte(line))
	f.Add([]byte("# comment\r\n\n " + line + "\n"))
	f.Add([]byte("firn-key-2:x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := crypt.ParseKeyFile(text)
		if err == nil && !strings.Contains(string(text), k.String()) {
			t.Errorf("ParseKeyFile(%q) = %v", text, k)
		}
	})
}
