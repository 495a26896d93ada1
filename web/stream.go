package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"firn/outcome"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
	"firn/sqlite/browse"
	"firn/web/gate"
)

// stream is a file on its way to a client. Nothing is sent before the first byte is there: an error until then is an answer of its
// own. An error after it breaks the connection, so that no client takes a part for the whole.
type stream struct {
	c    *call
	kind string
	size int64 // -1 if it is not known
}

// Write sends bytes, after the header.
func (s *stream) Write(b []byte) (int, error) {
	if !s.c.w.Begun {
		s.begin()
	}
	return s.c.w.Write(b)
}

// begin sends the header.
func (s *stream) begin() {
	h := s.c.w.Header()
	h.Set("Content-Type", s.kind)
	if s.size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(s.size, 10))
	}
	s.c.w.WriteHeader(http.StatusOK)
}

// sendFile sends what a function writes. The size is -1 if it is not known: then the client must know chunks, since it could not
// tell the end of the file from the end of the connection.
func (c *call) sendFile(kind string, size int64, write func(io.Writer) error) error {
	if size < 0 && !c.r.ProtoAtLeast(1, 1) {
		return refuse(http.StatusHTTPVersionNotSupported, "Let the proxy speak HTTP/1.1 to this server: docs/serve.md.",
			"a file of unknown length is sent by HTTP/1.1 or later")
	}
	s := &stream{c, kind, size}
	if c.r.Method == http.MethodHead {
		s.begin()
		return nil
	}
	giveBack, err := c.streamTurn()
	if err != nil {
		return err
	}
	defer giveBack()
	if err := write(s); err != nil {
		return err
	}
	if !c.w.Begun { // an empty file
		s.begin()
	}
	return nil
}

// streamPatience is how long a file waits for the one before it. A client may have all of a file a moment before the server knows.
const streamPatience = 2 * time.Second

// streamTurn takes the turn of a client for a file.
func (c *call) streamTurn() (giveBack func(), err error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), streamPatience)
	defer cancel()
	giveBack, err = c.v.streams.Wait(ctx, c.who)
	if errors.Is(err, context.DeadlineExceeded) {
		err = refuse(http.StatusTooManyRequests, "Wait until it has ended, or use another token.", "another file is being sent to %q", c.grant.Name)
	}
	return giveBack, err
}

// file sends the database of a snapshot.
func (c *call) file() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	format, ctx := c.query.Get("format"), c.r.Context()
	switch format {
	case "", "db":
		if c.has(snap, "db") {
			return nil
		}
		setFileName(c.w.Header(), snap, "db")
		return c.sendFile("application/vnd.sqlite3", snap.Image().Size, func(w io.Writer) error { return c.v.s.CopyImage(ctx, snap, w) })
	case "zst":
		if c.has(snap, format) {
			return nil
		}
		setFileName(c.w.Header(), snap, "db.zst")
		return c.sendFile("application/zstd", -1, func(w io.Writer) error { return c.v.s.CopyFrames(ctx, snap, w) })
	case "sql":
		if snap.IsStream() {
			return session.RefuseStream(snap)
		}
		if c.has(snap, format) {
			return nil
		}
		setFileName(c.w.Header(), snap, "sql")
		return c.sendFile("application/sql", -1, func(w io.Writer) error { return c.v.s.CopySQL(ctx, snap, w) })
	}
	return outcome.Usage("", "format %q: it is db, zst or sql", format)
}

// has sets the name of a file's content. It answers if the client says that it has this content already, and reports that. The other
// formats than db are made anew each time, by this version of firn: the name says what is in them, not each of their bytes.
func (c *call) has(snap *snapshot.Snapshot, format string) bool {
	tag := strconv.Quote(snap.Image().Root.String())
	if format != "db" {
		tag = "W/" + strconv.Quote(snap.Image().Root.String()+"-"+format)
	}
	c.w.Header().Set("ETag", tag)
	for _, known := range strings.Split(c.r.Header.Get("If-None-Match"), ",") {
		known = strings.TrimSpace(known)
		if known == "*" || strings.TrimPrefix(known, "W/") == strings.TrimPrefix(tag, "W/") {
			c.w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// setFileName has a browser save the answer under a name, never show it.
func setFileName(h http.Header, snap *snapshot.Snapshot, extension string) {
	name := snap.Database + "-" + snap.Time.UTC().Format("20060102T150405Z") + "." + extension
	h.Set("Content-Disposition", attachment(name))
	gate.Sandbox(h)
}

// attachment returns a header for a file's name. The name may come from a hostile database: letters, digits and some marks stay.
func attachment(name string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, name)
	return mime.FormatMediaType("attachment", map[string]string{"filename": strings.TrimLeft(plain, ".")})
}

// copyTurn takes one of the few places for what takes much room.
func (c *call) copyTurn() (giveBack func(), err error) {
	select {
	case c.v.copies <- struct{}{}:
		return func() { <-c.v.copies }, nil
	default:
		return nil, refuse(http.StatusServiceUnavailable, "Try again in a minute.", "%d large copies are being sent", mostCopies)
	}
}

// longestDownload is the length in bytes of a value that a browser can save. It is in memory as a whole.
const longestDownload = 256 << 20

// value sends one value of a table as a file, which no browser shows.
func (c *call) value() error {
	snap, err := c.snapshot()
	if err != nil {
		return err
	}
	value, err := c.readValue(snap, longestValue)
	if errors.Is(err, sqlite.ErrSQL) { // it may be so long that few clients can have one at once
		giveBack, refused := c.copyTurn()
		if refused != nil {
			return refused
		}
		defer giveBack()
		value, err = c.readValue(snap, longestDownload)
	}
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Disposition", attachment(c.query.Get("column")+".bin"))
	gate.Sandbox(h)
	c.send(http.StatusOK, octets, value)
	return nil
}

// readValue reads the value that the URL names as bytes.
func (c *call) readValue(snap *snapshot.Snapshot, longest int32) (value []byte, err error) {
	err = c.withView(snap, longest, func(_ context.Context, v *sqlite.View) error {
		found, err := browse.Value(v, c.query.Get("table"), c.query.Get("key"), c.query.Get("column"))
		switch x := found.(type) {
		case []byte:
			value = x
		case string:
			value = []byte(x)
		case nil:
		default:
			value = fmt.Append(nil, x)
		}
		return err
	})
	return value, err
}
