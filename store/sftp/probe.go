package sftp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"

	"firn/store"
)

// Probe finds out whether the server can create an object without replacing another one: by a hard link, or by a rename
// that refuses a name that is taken. It works on temporary files, which it removes. The error matches [store.ErrReplaces]
// for a server that can do neither.
func (s *Store) Probe(ctx context.Context) (conditional bool, err error) {
	err = s.call(ctx, func(n *session) error { return hidden(s.probe(n)) })
	if err != nil {
		return false, fmt.Errorf("probe %s: %w", s.opts.Location, explainAnswer(err))
	}
	return true, nil
}

// probe gives a file the name of another one.
func (s *Store) probe(n *session) error {
	if err := s.knowRoot(n); err != nil {
		return err
	}
	var names [3]string
	random := rand.Text()
	for i := range names {
		names[i] = path.Join(temporaryFolder, fmt.Sprintf("%s%s-%d", temporaryPrefix, random, i))
		defer func() { _ = n.client.Remove(s.path(names[i])) }() // Clean removes it, too
	}
	for _, name := range names[:2] {
		if err := s.probeFile(n, name); err != nil {
			return err
		}
	}
	return s.tryReplace(n, s.path(names[0]), s.path(names[1]), s.path(names[2]))
}

// tryReplace gives a file a name that is taken, by the way in which objects are published: by a hard link, if a free name
// shows that there are any, else by a rename.
func (s *Store) tryReplace(n *session, from, taken, free string) error {
	replace := n.client.Rename
	if n.hardlink {
		err := n.client.Link(from, free)
		if err == nil {
			replace = n.client.Link
		} else if !n.isAnswer(err) {
			return err
		}
	}
	err := replace(from, taken)
	switch {
	case err == nil:
		return store.ErrReplaces
	case n.isAnswer(err):
		return nil
	}
	return err
}

// probeFile makes a file with a byte in it.
func (s *Store) probeFile(n *session, name string) error {
	f, err := s.create(n, name)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("x"))
	if err = errors.Join(err, f.Close()); n.isAnswer(err) {
		return s.explainWrite(n, hidden(err), 1)
	}
	return err
}
