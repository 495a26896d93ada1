package agent

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"firn/outcome"
	"firn/pull"
	"firn/site"
)

// pattern is one of the patterns of databases that an agent may touch.
type pattern struct {
	asked string // as it was given
	real  string // with the symbolic links of its folders resolved, as far as they have no wildcard
}

// newPattern reads a pattern. The folders before its first wildcard are those that they are now: their names are the
// administrator's, who may use links there.
func newPattern(text string) (pattern, error) {
	if _, err := path.Match(text, "/"); err != nil || !path.IsAbs(text) || path.Clean(text) != text {
		return pattern{}, outcome.Usage("An example: --allow '/srv/app/*.db'", "--allow %q: it is no absolute path with * and ? for parts of names", text)
	}
	folder, rest := path.Dir(text), path.Base(text)
	for strings.ContainsAny(folder, `*?[\`) {
		folder, rest = path.Dir(folder), path.Join(path.Base(folder), rest)
	}
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		real = folder // it is not there yet
	}
	return pattern{text, path.Join(escape(real), rest)}, nil
}

// escape returns a pattern that a path alone fits.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(text)
}

// fits reports whether a path fits the pattern, and its real path, too: a link in one of the folders may be another user's, and
// lead anywhere.
func (p pattern) fits(asked, real string) bool {
	byName, _ := path.Match(p.asked, asked)
	byPlace, _ := path.Match(p.real, asked)
	there, _ := path.Match(p.real, real)
	return (byName || byPlace) && there
}

// permit returns the path of a database that the agent may touch.
func (a *Agent) permit(asked string) (string, error) {
	full, err := absolute(asked)
	if err != nil || a.o.AllowAll {
		return full, err
	}
	real, err := realPath(full)
	if err != nil {
		real = full
	}
	for _, p := range a.allowed {
		if p.fits(full, real) {
			return full, err
		}
	}
	// Nothing is told of other paths, not even whether they are there.
	return "", refused(asked, "no --allow fits it")
}

// refused returns the error for a database that the agent may not touch.
func refused(asked, why string) error {
	return fmt.Errorf("database %s: %w: %s", asked, pull.ErrNotAllowed, why)
}

// absolute returns the path that is asked for. Paths with .. in them are not taken: they could be meant to mislead.
func absolute(asked string) (string, error) {
	full := asked
	if rest, ok := strings.CutPrefix(asked, "~/"); ok && path.Clean("/"+rest) == "/"+rest {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		full = path.Join(home, rest)
	}
	if !path.IsAbs(full) || path.Clean(full) != full || strings.ContainsRune(full, 0) {
		return "", fmt.Errorf("%w: %q is no absolute path, or has . or .. in it", pull.ErrRequest, asked)
	}
	return full, nil
}

// realPath returns a path without symbolic links. The file may be missing, its folder may not.
func realPath(full string) (string, error) {
	at, err := site.Reach(full)
	if err != nil {
		return "", err
	}
	return at.Path(), at.Close()
}
