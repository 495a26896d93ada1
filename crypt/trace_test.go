package crypt_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"firn/crypt"
)

// TestPanicHidesSecrets runs child processes that panic in functions with a secret as an
// argument, and searches the trace for its bytes.
func TestPanicHidesSecrets(t *testing.T) {
	t.Parallel()
	const child = "FIRN_TEST_PANIC"
	secret, key := crypt.SecretOf(sequence(0xb0, 32)), crypt.KeyFileOf(sequence(0xb0, 32))
	password := crypt.Password(string(sequence(0xb0, 32)))
	faults := map[string]func(){
		"Seal": func() {
			broken := iotest.ErrReader(errors.New("no random bytes"))
			_ = (&crypt.Slot{KDF: crypt.KDFKeyFile}).Seal(broken, secret, testRepo(), key.Credential())
		},
		"Secret":     func() { fall(secret, crypt.Derive(secret, testRepo())) },
		"KeyFile":    func() { fall(key, key.Credential()) },
		"Credential": func() { fall(password, password) },
	}
	if fault := faults[os.Getenv(child)]; fault != nil {
		fault()
	}
	for name := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestPanicHidesSecrets$")
			cmd.Env = append(os.Environ(), child+"="+name, "GOTRACEBACK=all")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "goroutine ") {
				t.Fatalf("the process did not panic: %v\n%s", err, out)
			}
			for _, spelled := range []string{"0xb1, 0xb2", "b3b2b1b0", "b0b1b2b3", string(sequence(0xb0, 4)), "176 177"} {
				if strings.Contains(string(out), spelled) {
					t.Errorf("the trace has %q:\n%s", spelled, out)
				}
			}
		})
	}
}

// fall panics with the secrets that are its arguments.
//
//go:noinline
func fall[T, U any](a T, b U) {
	panic(fmt.Sprintf("%v %+v %#v", a, b, a))
}

func TestWeakPasswords(t *testing.T) {
	t.Parallel()
	for password, weak := range map[string]bool{
		"a": true, "secret": true, "12345678": true, "correct h": true, "aaaaaaaaaaaaaaaa": true, "ababababababcd": true,
		"\u00e4\u00f6\u00fc\u00df\u00e9": true, // 10 bytes
		"correct horse":                  false, "tr0ub4dor&": false, "\u00e4\u00f6\u00fc\u00df\u00e9\u00e8\u00ea\u00eb\u00ed\u00ec": false,
	} {
		_, err := crypt.NewSlot(testSecret(), testRepo(), crypt.Password(password), "", testCreated)
		if errors.Is(err, crypt.ErrWeak) != weak || err != nil && !weak {
			t.Errorf("%q: got %v, want it refused: %t", password, err, weak)
		}
	}
}
