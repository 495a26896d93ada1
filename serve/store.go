// Package serve offers what this host has to firn on other hosts.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"firn/pipe"
	"firn/site"
	"firn/spool"
	"firn/store"
	"firn/store/remote"
	"firn/store/wire"
)

// StoreOptions say which folder is offered, and by which rules.
type StoreOptions struct {
	Dir        string // absolute; clients may use it and the folders below it
	Home       string // stands for ~ in the places that clients name
	AppendOnly bool
	Quota      int64  // bytes that may be in Dir; 0 for no limit
	Tool       string // the version of this program
	// Refused is told what was refused. Several goroutines may call it at once. It may be nil.
	Refused func(wire.Refusal)
}

// Store answers one client over a pair of pipes until the client ends its side. The error is nil then. Store closes in and out.
func Store(ctx context.Context, in io.Reader, out io.WriteCloser, o StoreOptions) error {
	s := &places{opts: o, rules: wire.Rules{AppendOnly: o.AppendOnly, Refused: o.Refused, Space: space(o.Dir)}}
	if o.Quota > 0 {
		s.rules.Quota = wire.NewQuota(o.Quota, func(ctx context.Context) (int64, error) { return usage(ctx, o.Dir) })
	}
	err := pipe.Serve(ctx, in, out, remote.Greeting(o.Tool), s)
	return errors.Join(err, s.close())
}

// space tells the room of the disk.
func space(dir string) func(context.Context) (store.Space, error) {
	return func(context.Context) (store.Space, error) {
		free, known := spool.FreeSpace(dir)
		if !known {
			return store.Space{}, fmt.Errorf("the room of the disk: %w", errors.ErrUnsupported)
		}
		return store.Space{Free: free}, nil
	}
}

// usage counts the bytes below a folder. Each file and folder counts as a block at least, so that their number is limited, too.
func usage(ctx context.Context, dir string) (n int64, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer root.Close() // it was only read
	err = fs.WalkDir(root.FS(), ".", func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed since
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += wire.Charge(info.Size())
		} else {
			n += wire.Charge(0)
		}
		return nil
	})
	return n, err
}

// places is the handler of one connection. The first request says which folder it is about, and the others must agree.
type places struct {
	opts  StoreOptions
	rules wire.Rules

	mu      sync.Mutex
	folder  string // that is open; "" for none
	store   store.Store
	handler http.Handler
}

// ServeHTTP passes a request to the store of the place that it names.
func (p *places) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, err := p.at(r)
	if err != nil {
		p.report(r, err)
		wire.Fail(w, err)
		return
	}
	handler.ServeHTTP(w, r)
}

func (p *places) report(r *http.Request, err error) {
	if p.opts.Refused != nil && (errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrNoSpace)) {
		p.opts.Refused(wire.Refusal{Request: fmt.Sprintf("open %.300s", r.Header.Get(wire.HeaderPlace)), Err: err})
	}
}

// at returns the handler for the place of a request. The request that makes the place makes it.
func (p *places) at(r *http.Request) (http.Handler, error) {
	wanted, err := url.PathUnescape(r.Header.Get(wire.HeaderPlace))
	if err != nil {
		return nil, fmt.Errorf("%w: place %.100q", wire.ErrRequest, r.Header.Get(wire.HeaderPlace))
	}
	below, err := p.opts.locate(wanted)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handler != nil && p.folder == below {
		return p.handler, nil
	}
	if p.handler != nil {
		return nil, fmt.Errorf("%w: this connection is about another folder", store.ErrDenied)
	}
	if r.Method == http.MethodPost && r.URL.Path == wire.PathCreate {
		if err := p.opts.create(r.Context(), below, p.rules.Quota); err != nil {
			return nil, err
		}
	}
	err = p.open(below)
	return p.handler, err
}

// locate returns the path below Dir of a place that a client names, "." for Dir itself.
func (o *StoreOptions) locate(wanted string) (string, error) {
	if wanted == "" {
		return ".", nil
	}
	if wanted == "~" || strings.HasPrefix(wanted, "~/") {
		wanted = filepath.Join(o.Home, filepath.FromSlash(wanted[1:]))
	}
	if slices.Contains(strings.Split(filepath.ToSlash(wanted), "/"), "..") || strings.ContainsRune(wanted, 0) || !filepath.IsAbs(wanted) {
		return "", fmt.Errorf("%w: %.200q is no absolute path, or has .. in it", store.ErrDenied, wanted)
	}
	real, err := filepath.EvalSymlinks(o.Dir)
	if err != nil {
		real = o.Dir // it may have to be made
	}
	for _, dir := range []string{o.Dir, real} {
		if below, err := filepath.Rel(dir, wanted); err == nil && filepath.IsLocal(below) {
			return below, nil
		}
	}
	return "", fmt.Errorf("%w: this key is for %s and the folders below it, and not for %.200q", store.ErrDenied, o.Dir, wanted)
}

// check returns the error of a path that leads out of Dir by a symbolic link, and [wire.ErrNoPlace] for a missing folder.
func (o *StoreOptions) check(below string) error {
	root, err := os.OpenRoot(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return wire.ErrNoPlace
	}
	if err != nil {
		return err
	}
	defer root.Close() // it was only read
	switch info, err := root.Stat(below); {
	case errors.Is(err, fs.ErrNotExist):
		return wire.ErrNoPlace
	case err != nil:
		return fmt.Errorf("%w: %v", store.ErrDenied, err)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is no folder", store.ErrDenied, below)
	}
	return nil
}

// create makes a folder in Dir, and Dir itself.
func (o *StoreOptions) create(ctx context.Context, below string, quota *wire.Quota) error {
	for nearest := below; ; nearest = filepath.Dir(nearest) {
		err := o.check(nearest)
		if err == nil && nearest == below {
			return nil // it is there
		}
		if err == nil || nearest == "." && errors.Is(err, wire.ErrNoPlace) {
			break
		}
		if !errors.Is(err, wire.ErrNoPlace) {
			return err
		}
	}
	if err := quota.Allow(ctx, int64(1+strings.Count(filepath.ToSlash(below), "/"))); err != nil {
		return err
	}
	return site.MakeFolder(filepath.Join(o.Dir, below))
}

// open opens the store of a folder.
func (p *places) open(below string) error {
	if err := p.opts.check(below); err != nil {
		return err
	}
	st, err := site.OpenStore(filepath.Join(p.opts.Dir, below))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %v", wire.ErrNoPlace, err)
	}
	if err != nil {
		return err
	}
	p.folder, p.store, p.handler = below, st, wire.NewHandler(st, p.rules)
	return nil
}

// close closes the store.
func (p *places) close() error {
	if closer, ok := p.store.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}
