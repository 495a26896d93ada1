package host_test

import (
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"

	"firn/host"
)

// While another user swaps a name in a shared folder between a file and a link, Open returns the caller's file that
// had the name, or an error, and never a file that a link led to.
func TestOpenWhileSwapped(t *testing.T) {
	t.Parallel()
	for name, swapped := range map[string]string{"File": "conf", "Folder": "conf/conf"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.file("tmp/"+swapped, 0o644)
			p.file("other/"+swapped, 0o644) // a file of the caller that is not meant to be read under this name
			p.link("../other/conf", "tmp/link")
			p.give("tmp/link")
			p.folder("tmp", 0o777|fs.ModeSticky)
			done := make(chan error)
			go func() {
				var err error
				for range 8001 { // an odd number, which leaves the link there
					err = unix.Renameat2(unix.AT_FDCWD, p.path("tmp/conf"), unix.AT_FDCWD, p.path("tmp/link"), unix.RENAME_EXCHANGE)
				}
				done <- err
			}()
			for {
				b, err := host.ReadFile(p.path("tmp/" + swapped))
				if err == nil && string(b) != "tmp/"+swapped {
					p.ok(<-done)
					t.Fatalf("read %q", b)
				}
				select {
				case err := <-done:
					p.ok(err)
					return
				default:
				}
			}
		})
	}
}
