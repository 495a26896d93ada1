package crypt_test

import (
	"bytes"
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
		{"UpperCase", strings.ToUpper(line)},
		{"Blanks", "\t" + line + " \n\n"},
		{"Comments", "# for cron on db1\n#\n\n" + line + "\n# " + line + "\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := crypt.ParseKeyFile([]byte(test.text))
			if err != nil || !got.Equal(testKeyFile()) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestParseKeyFileRefuses(t *testing.T) {
	t.Parallel()
	line := testKeyFile().String()
	encoded := strings.TrimPrefix(line, "firn-key-1")
	tests := []struct{ name, text string }{
		{"Empty", ""},
		{"OnlyComment", "#" + line},
		{"NoPrefix", encoded},
		{"Prefix", "firn-key-1"},
		{"OldForm", "firn-key-1:gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8="},
		{"VersionZero", "firn-key-0" + encoded},
		{"OtherSecret", "AGE-SECRET-KEY-1" + strings.ToUpper(encoded)},
		{"OtherPrefix", "firn-kez-1" + encoded},
		{"Twice", line + "\n" + line},
		{"TwoKeys", line + "\n" + crypt.NewKeyFile().String()},
		{"CommentBehind", line + " # cron"},
		{"BlankInside", line[:20] + " " + line[20:]},
		{"BreakInside", line[:20] + "\n" + line[20:]},
		{"ReturnInside", line[:20] + "\r" + line[20:]},
		{"MixedCase", "FIRN-KEY-1" + encoded},
		{"OneUpper", line[:40] + strings.ToUpper(line[40:])},
		{"Short", line[:len(line)-1]},
		{"Long", line + "q"},
		{"NotASCII", line[:40] + "\u017f" + line[41:]}, // this letter becomes an s in lower case
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := crypt.ParseKeyFile([]byte(test.text))
			if err == nil || !got.Equal(crypt.KeyFile{}) {
				t.Fatalf("got %v, %v, want an error", got, err)
			}
			if strings.Contains(err.Error(), encoded[:4]) {
				t.Errorf("the error holds a part of the key: %v", err)
			}
		})
	}
}

// TestTypingErrors changes characters of a key. The error must give the positions of
// one or two, and up to four must always be detected.
func TestTypingErrors(t *testing.T) {
	t.Parallel()
	line := testKeyFile().String()
	const characters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	other := func(b []byte, at, by int) {
		b[at] = characters[(strings.IndexByte(characters, b[at])+by)%32]
	}
	for at := len("firn-key-1"); at < len(line); at++ {
		one := []byte(line)
		other(one, at, 1+at%31)
		wantError(t, string(one), fmt.Sprintf("most likely in character %d", at+1))
		wantError(t, strings.ToUpper(string(one)), fmt.Sprintf("most likely in character %d", at+1))
		for _, unlike := range []string{"1", "b", "i", "o", "-", "=", "O"} {
			bad := line[:at] + unlike + line[at+1:]
			if unlike == "O" {
				bad = strings.ToUpper(bad)
			}
			wantError(t, bad, fmt.Sprintf("character %d of the key cannot occur in a key", at+1))
		}
		if second := at + 7; second < len(line) {
			two := bytes.Clone(one)
			other(two, second, 3)
			wantError(t, string(two), fmt.Sprintf("most likely in character %d and %d", at+1, second+1))
			if fourth := at + 9; fourth < len(line) {
				other(two, at+8, 5)
				other(two, fourth, 11)
				if _, err := crypt.ParseKeyFile(two); err == nil {
					t.Errorf("%s: four wrong characters were taken", two)
				}
			}
		}
		if at+1 < len(line) && line[at] != line[at+1] {
			swapped := []byte(line)
			swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
			wantError(t, string(swapped), fmt.Sprintf("most likely in character %d and %d", at+1, at+2))
		}
	}
	wantError(t, line[:30]+line[31:], "the key has 67 characters, want 68")
	wantError(t, line[:30]+line[29:], "the key has 69 characters, want 68")
}

func wantError(t *testing.T, text, want string) {
	t.Helper()
	if _, err := crypt.ParseKeyFile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", text, err, want)
	}
}

func TestParseKeyFileOfLaterVersion(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"firn-key-2anything", "firn-key-9", "FIRN-KEY-2", "# new\nfirn-key-2\n"} {
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
	if got, err := crypt.ParseKeyFile(text); err != nil || !got.Equal(k) {
		t.Errorf("ParseKeyFile: got %v, %v, want %v", got, err, k)
	}
}

// TestSecretsDoNotPrint tries the ways in which secrets get into logs by mistake.
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
	if a, b := crypt.NewSecret(), crypt.NewSecret(); a.Equal(b) || a.Equal(crypt.Secret{}) || !a.Equal(a) {
		t.Error("two new secrets are the same, or one is empty")
	}
	if a, b := crypt.NewKeyFile(), crypt.NewKeyFile(); a.Equal(b) || a.Equal(crypt.KeyFile{}) || !a.Equal(a) {
		t.Error("two new keys are the same, or one is empty")
	}
	if a, b := crypt.NewRepositoryID(), crypt.NewRepositoryID(); a == b || a == (crypt.RepositoryID{}) {
		t.Errorf("new IDs %s and %s", a, b)
	}
}

// FuzzParseKeyFile checks that an accepted text contains the key's one spelling.
func FuzzParseKeyFile(f *testing.F) {
	line := testKeyFile().String()
	f.Add([]byte(line))
	f.Add([]byte("# comment\r\n\n " + line + "\n"))
	f.Add([]byte(strings.ToUpper(line)))
	f.Add([]byte(line[:30] + "qq" + line[32:]))
	f.Add([]byte("firn-key-2x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := crypt.ParseKeyFile(text)
		if err == nil && !strings.Contains(strings.ToLower(string(text)), k.String()) {
			t.Errorf("ParseKeyFile(%q) = %v", text, k)
		}
	})
}
