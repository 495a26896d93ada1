package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"firn/store"
)

// markKey is the metadata entry that holds a random text for each [Store.Put]. After a
// lost answer it distinguishes the object of this Put from that of another writer.
const markKey = "Firn-Put"

// Put creates the object with a single request that fails if the name exists. It does
// not upload in parts, because servers check the condition of such an upload at another
// time, or never.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	if err := s.check(ctx, name); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	u := &upload{store: s, name: name, data: data, mark: rand.Text()}
	_, err := retry(ctx, s, func() (none, error) { return none{}, u.try(ctx) })
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", name, s.name(), err)
	}
	return nil
}

// upload is one Put, which may take several requests.
type upload struct {
	store *Store
	name  string
	data  []byte
	mark  string
	tries int
	ghost int // how often the name was refused though the object is missing
}

// maxGhost is the limit for ghost. It is more than 1, because another host may have
// deleted the object just then.
const maxGhost = 3

// errGhost is returned for the name of a deleted object that the server remembers, as
// some do. Only a new repository at the location of an old one uses a name twice.
var errGhost = errors.New("the bucket refuses the name though the object is missing, because it keeps versions and remembers that the object was deleted: use another prefix")

// try writes the object once. After a request without an answer, try first checks
// whether that request has succeeded. A second write could otherwise find its own
// object and fail, or replace it where the server ignores conditions.
func (u *upload) try(ctx context.Context) error {
	u.tries++
	if u.tries > 1 || u.store.unconditional.Load() {
		if err := u.check(ctx); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := u.send(ctx)
	switch {
	case isStatus(err, http.StatusPreconditionFailed): // the name is taken
		// The object may be this Put's own, if a proxy has repeated the request.
		if err := u.check(ctx); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if u.ghost++; u.ghost == maxGhost {
			return errGhost
		}
		return retryable{errors.New("it existed a moment ago")}
	case isStatus(err, http.StatusNotImplemented) && u.store.unconditional.CompareAndSwap(false, true):
		return retryable{err} // without the condition
	}
	return err
}

// check returns nil if this upload has written the object, fs.ErrExist if another
// writer has, and fs.ErrNotExist if the object is missing.
func (u *upload) check(ctx context.Context) error {
	info, err := u.store.stat(ctx, u.name)
	switch {
	case isMissing(err):
		return fs.ErrNotExist
	case err != nil:
		return err
	case mark(info) == u.mark:
		return nil
	case mark(info) == "" && u.store.opts.Forgets && u.tries > 1:
		return u.compare(ctx)
	}
	return fs.ErrExist
}

// compare returns nil if the object has the bytes of this upload, and fs.ErrExist if it has others.
func (u *upload) compare(ctx context.Context) error {
	there, err := u.store.get(ctx, u.name, 0, store.AtMost(int64(len(u.data))+1))
	switch {
	case errors.Is(err, store.ErrTooLarge), err == nil && !bytes.Equal(there, u.data):
		return fs.ErrExist
	}
	return err
}

// mark returns the random text that the writer of an object has left. Servers differ in
// the case of metadata keys.
func mark(info minio.ObjectInfo) string {
	for key, value := range info.UserMetadata {
		if strings.EqualFold(key, markKey) {
			return value
		}
	}
	return info.Metadata.Get("X-Amz-Meta-" + markKey)
}

// send makes the request. The hash lets the server refuse bytes that were changed on
// the way.
func (u *upload) send(ctx context.Context) error {
	s := u.store
	opts := minio.PutObjectOptions{
		ContentType:  "application/octet-stream",
		UserMetadata: map[string]string{markKey: u.mark},
	}
	if !s.unconditional.Load() {
		opts.SetMatchETagExcept("*")
	}
	var md5Sum string
	if s.opts.Lock > 0 {
		opts.Mode, opts.RetainUntilDate = s.lockMode(), s.lockedUntil()
		sum := md5.Sum(u.data) // Amazon demands it with a lock; firn does not rely on it
		md5Sum = base64.StdEncoding.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(u.data)
	_, err := s.core.PutObject(ctx, s.bucket, s.key(u.name), bytes.NewReader(u.data), int64(len(u.data)),
		md5Sum, hex.EncodeToString(sum[:]), opts)
	return err
}

// Probe finds out whether the server honours the condition that an object must not
// exist yet. It writes an object twice, and removes it if it may.
func (s *Store) Probe(ctx context.Context) (conditional bool, err error) {
	if s.unconditional.Load() {
		return false, nil
	}
	probe := &Store{core: s.core, bucket: s.bucket, prefix: s.prefix, opts: s.opts, traffic: s.traffic}
	probe.opts.Lock = 0
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	name := "meta/probe-" + hex.EncodeToString(random[:])
	data := []byte("probe") // not empty: "rclone serve s3" takes no empty object
	if err := probe.Put(ctx, name, data); err != nil {
		return false, fmt.Errorf("probe: %w", err)
	}
	// Put would find the object itself after a lost answer. Here the server must report
	// it, so send the request directly.
	again := &upload{store: probe, name: name, data: data, mark: rand.Text()}
	taken, err := retry(ctx, probe, func() (bool, error) {
		err := again.send(ctx)
		if taken := isStatus(err, http.StatusPreconditionFailed); taken || isStatus(err, http.StatusNotImplemented) {
			return taken, nil
		}
		return false, err
	})
	// An object left behind does no harm: repositories ignore its name.
	if gone := s.Delete(ctx, name); gone != nil && !errors.Is(gone, fs.ErrPermission) {
		return false, fmt.Errorf("probe: %w", gone)
	}
	if err != nil {
		return false, fmt.Errorf("probe: %w", err)
	}
	conditional = taken && !probe.unconditional.Load()
	s.unconditional.Store(!conditional)
	return conditional, nil
}
