package host_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"firn/host"
)

func names(entries []fs.DirEntry) string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// TestReadFolder lists folders as the superuser, to which other users' links lead.
func TestReadFolder(t *testing.T) {
	t.Parallel()
	dir := lab(t,
		folder("d", 0o755, 0, 0), entry{name: "d/a", mode: 0o600}, entry{name: "d/b", mode: 0o600},
		entry{name: "l", link: "d"},
		folder("closed", 0o700, 0, 0), entry{name: "closed/secret", mode: 0o600},
		folder("passage", 0o711, 0, 0), entry{name: "passage/secret", mode: 0o600},
		folder("u", 0o700, app, app), entry{name: "u/c", mode: 0o600, uid: app}, entry{name: "u/l", link: "../d", uid: app},
		entry{name: "u/closed", link: "../closed", uid: app}, entry{name: "u/passage", link: "../passage", uid: app},
		folder("s", 0o1777|fs.ModeSticky, 0, 0), entry{name: "s/e", mode: 0o600, uid: other},
	)
	for name, c := range map[string]struct {
		path, real, want string
		err              error
	}{
		"Own":                 {"d", "d", "a b", nil},
		"RootsLink":           {"l", "d", "a b", nil},
		"Users":               {"u", "u", "c closed l passage", nil},
		"UsersLink":           {"u/l", "d", "a b", nil},
		"UsersLinkToClosed":   {"u/closed", "", "", fs.ErrPermission},
		"UsersLinkToUnlisted": {"u/passage", "", "", fs.ErrPermission},
		"Sticky":              {"s", "s", "e", nil},
		"Missing":             {"none", "", "", fs.ErrNotExist},
		"File":                {"d/a", "", "", errAny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			real, entries, err := host.ReadFolder(filepath.Join(dir, c.path))
			if c.err != nil {
				if err == nil || c.err != errAny && !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				return
			}
			if got := names(entries); err != nil || got != c.want || real != filepath.Join(dir, c.real) {
				t.Errorf("got %q in %s, %v, want %q in %s", got, real, err, c.want, c.real)
			}
		})
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	dir := lab(t,
		folder("d", 0o755, 0, 0), entry{name: "d/a", mode: 0o600}, entry{name: "l", link: "d/a"}, entry{name: "lost", link: "d/none"},
		folder("closed", 0o700, 0, 0), entry{name: "closed/secret", mode: 0o600},
		folder("u", 0o700, app, app), entry{name: "u/l", link: "../d/a", uid: app}, entry{name: "u/closed", link: "../closed/secret", uid: app}, entry{name: "u/loop", link: "loop", uid: app},
	)
	for name, c := range map[string]struct {
		path, real string
		err        error
	}{
		"File": {"d/a", "d/a", nil}, "Link": {"l", "d/a", nil}, "Folder": {"d", "d", nil}, "UsersLink": {"u/l", "d/a", nil},
		"Missing": {"d/none", "", fs.ErrNotExist}, "LinkToMissing": {"lost", "", fs.ErrNotExist}, "UsersLinkToClosed": {"u/closed", "", fs.ErrPermission},
		"Loop": {"u/loop", "", errAny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			real, info, err := host.Look(filepath.Join(dir, c.path))
			if c.err != nil {
				if err == nil || c.err != errAny && !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				return
			}
			if err != nil || real != filepath.Join(dir, c.real) || info.IsDir() != (name == "Folder") {
				t.Errorf("got %s, %v, want %s", real, err, c.real)
			}
		})
	}
}
