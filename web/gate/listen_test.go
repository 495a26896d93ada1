package gate_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/web/gate"
)

func none(string) string { return "" }

func TestListenRefusesOpenAddresses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		o    gate.ListenOptions
		want string // in the error; "" for none
	}{
		"Loopback": {gate.ListenOptions{Address: "127.0.0.1:0"}, ""}, "Localhost": {gate.ListenOptions{Address: "localhost:0"}, ""},
		"Open":      {gate.ListenOptions{Address: "0.0.0.0:0", HasToken: true}, "not encrypted"},
		"AllHosts":  {gate.ListenOptions{Address: ":0", HasToken: true}, "not encrypted"},
		"NoToken":   {gate.ListenOptions{Address: "0.0.0.0:0", TLS: true}, "no token"},
		"OpenProxy": {gate.ListenOptions{Address: "0.0.0.0:0", BehindProxy: true}, "no token"},
		"TLS":       {gate.ListenOptions{Address: "0.0.0.0:0", TLS: true, HasToken: true}, ""},
		"Proxy":     {gate.ListenOptions{Address: "[::]:0", BehindProxy: true, HasToken: true}, ""},
	} {
		tt.o.Getenv = none
		l, err := gate.Listen(t.Context(), tt.o)
		if err == nil {
			l.Close()
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestListenAtUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	o := gate.ListenOptions{Address: "unix:" + path, Getenv: none}
	l, err := gate.Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
	if _, err := gate.Listen(t.Context(), o); err == nil {
		t.Error("two servers listen at one socket")
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as after a kill
	l.Close()
	if l, err = gate.Listen(t.Context(), o); err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	l.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Listen(t.Context(), o); err == nil {
		t.Error("a file was taken for a socket")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file: got %q, %v", b, err)
	}
}
