package repo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"firn/crypt"
)

// This host keeps facts about the repository that no store may make it forget in files of
// [Options.StateDir], which is no cache. One file has the repository's ID. Each other one has a
// fact, sealed, and is named by its entry. A fact that cannot be written there is in the cache,
// and goes when the store shows other key slots.

// identityFile holds the ID of the repository that was at this place.
const identityFile = "repository"

// recognize refuses another repository than the one that was at this place before. A file that
// cannot be read or written is as good as none.
func (r *Repo) recognize() error {
	if r.opts.StateDir == "" {
		return nil
	}
	path := filepath.Join(r.opts.StateDir, identityFile)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	known, err := crypt.ParseRepositoryID(strings.TrimSpace(string(b)))
	if err == nil && known == r.id {
		return nil
	}
	if err == nil && !r.opts.AcceptOther {
		return &OtherError{Known: known, Found: r.id}
	}
	for _, entry := range r.durableFiles("") {
		_ = os.Remove(r.durablePath(entry)) // it was sealed for the other one, and opens for none
	}
	_ = replace(path, []byte(r.id.String()+"\n"))
	return nil
}

// durablePath returns the file of an entry.
func (r *Repo) durablePath(entry string) string {
	return filepath.Join(r.opts.StateDir, strings.ReplaceAll(strings.TrimPrefix(entry, statePrefix), "/", "-"))
}

// putDurable remembers a fact that must outlive the cache. If that fails, the older fact
// counts, on which no backup depends.
func (r *Repo) putDurable(entry string, state any) {
	sealed := r.sealState(entry, state)
	if sealed == nil {
		return
	}
	written := r.opts.StateDir != "" && replace(r.durablePath(entry), sealed) == nil
	if _, cached := r.cache.Get(entry); cached || !written { // an older one in the cache must not come back
		r.cache.Put(entry, sealed)
	}
}

// sealedDurable returns such an entry's content in the folder and that in the cache: one of
// them may have been out of reach when the other was written.
func (r *Repo) sealedDurable(entry string) [][]byte {
	var found [][]byte
	if r.opts.StateDir != "" {
		if sealed, err := os.ReadFile(r.durablePath(entry)); err == nil {
			found = append(found, sealed)
		}
	}
	if sealed, ok := r.cache.Get(entry); ok {
		found = append(found, sealed)
	}
	return found
}

// durable returns the names of such entries of one kind.
func (r *Repo) durable(what string) []string {
	entries := r.durableFiles(what)
	r.cache.Each(func(name string, _ []byte) {
		if strings.HasPrefix(name, statePrefix+what+"/") && !slices.Contains(entries, name) {
			entries = append(entries, name)
		}
	})
	return entries
}

// durableFiles is durable for the folder only, and for all kinds if what is "".
func (r *Repo) durableFiles(what string) []string {
	if r.opts.StateDir == "" {
		return nil
	}
	var entries []string
	files, _ := os.ReadDir(r.opts.StateDir) // none yet
	for _, f := range files {
		kind, id, ok := strings.Cut(f.Name(), "-")
		if ok && (what == "" || kind == what) && len(id) == stateIDLen {
			entries = append(entries, statePrefix+kind+"/"+id)
		}
	}
	return entries
}

// replace puts a file in the place of another at once. A power cut may leave the old one.
func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "tmp*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
