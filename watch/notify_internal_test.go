package watch

import (
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"firn/session"
)

// TestNotifier sends what systemd reads, to a socket with a path and to one without.
func TestNotifier(t *testing.T) {
	t.Parallel()
	sockets := []string{filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		sockets = append(sockets, "@firn-test-"+filepath.Base(t.TempDir())+time.Now().Format("150405.000000"))
	}
	for _, address := range sockets {
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		env := map[string]string{"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "120000000"}
		n := newNotifier(&session.Caller{Getenv: func(name string) string { return env[name] }})
		receive := func() string {
			b := make([]byte, 4096)
			k, err := l.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			return string(b[:k])
		}
		at := func(d time.Duration) instant { return instant{since: d} }
		n.turned(at(0), false, "2 databases")
		n.turned(at(time.Second), true, "2 databases")
		n.turned(at(2*time.Second), true, "2 databases") // no news
		n.turned(at(time.Minute), true, "2 databases")
		n.reloading()
		n.reloaded()
		n.waiting("not yet")
		n.stopping()
		for _, want := range []string{
			"STATUS=2 databases\nWATCHDOG=1", "READY=1", "WATCHDOG=1", "RELOADING=1\nMONOTONIC_USEC=", "READY=1",
			"STATUS=not yet\nEXTEND_TIMEOUT_USEC=120000000", "STOPPING=1\n",
		} {
			if got := receive(); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %q, want %q", address, got, want)
			}
		}
	}
}

// TestNoNotifier checks that nothing is told where systemd is not there, and that a socket that is gone stops nothing.
func TestNoNotifier(t *testing.T) {
	t.Parallel()
	n := newNotifier(&session.Caller{Getenv: func(string) string { return "" }})
	n.turned(instant{}, true, "text")
	n.stopping()
	n = &notifier{address: filepath.Join(t.TempDir(), "gone")}
	n.turned(instant{}, true, "text")
	if err := n.send("READY=1"); err == nil {
		t.Error("a socket that is gone: got no error")
	}
}
