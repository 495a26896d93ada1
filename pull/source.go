package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"firn/repo"
	"firn/sqlite"
	"firn/ssh"
)

// Scheme is the scheme of the locations of databases on other hosts.
const Scheme = "ssh"

// Database is a database on another host.
type Database struct {
	Host ssh.Host
	Path string // absolute, or with ~/ at its beginning
}

// Parse reads a location ssh://user@host:port/path. A path that begins with /~/ is below the home folder of the user there.
func Parse(location string) (Database, error) {
	host, path, err := ssh.ParseURL(Scheme, location)
	if err != nil {
		return Database{}, fmt.Errorf("database %s: %w", location, err)
	}
	if !strings.HasPrefix(path, "~/") {
		path = "/" + strings.TrimPrefix(path, "/")
	}
	return Database{host, path}, nil
}

// Source returns the database at a path as a source of backups. Of the options, it takes Compact, HoldWriters and BusyTimeout.
// StatePath is a file that keeps what is known of each page, so that only changes need be sent; "" for none.
func (h *Host) Source(path string, o sqlite.Options) repo.Source {
	return h.source(requestOf(path, o), tablePath(o), new(atomic.Bool))
}

// requestOf returns the request for an image. The file of the table stands for the puller.
func requestOf(path string, o sqlite.Options) OpenRequest {
	r := OpenRequest{Database: path, Compact: o.Compact, HoldWriters: o.HoldWriters, Timeout: o.BusyTimeout}
	if o.StatePath != "" {
		host, _ := os.Hostname()
		sum := sha256.Sum256([]byte(host + "\x00" + o.StatePath))
		r.State = hex.EncodeToString(sum[:8])
	}
	return r
}

// tablePath returns the file of the table, beside the file of a database of this host.
func tablePath(o sqlite.Options) string {
	if o.StatePath == "" {
		return ""
	}
	return o.StatePath + ".pages"
}

// source returns a source of images. If the bytes that the repository has of an image could not be read, the next image comes
// from the other host as a whole: distrust is set in between.
func (h *Host) source(request OpenRequest, tablePath string, distrust *atomic.Bool) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		i, err := h.open(ctx, request, tablePath)
		if err != nil {
			return nil, h.about("open", request.Database, err)
		}
		i.distrust = distrust
		return i, nil
	}
}

// Size returns the size of the database in bytes. The error is that of opening the database.
func (h *Host) Size(ctx context.Context, path string) (int64, error) {
	var described Described
	if err := h.ask(ctx, PathDescribe, OpenRequest{Database: path}, &described); err != nil {
		return 0, h.about("open", path, err)
	}
	return described.Size, described.check(false)
}
