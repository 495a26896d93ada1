package web

import (
	"net/http"
	"os"
	"strconv"
	"strings"

	"firn/site"
	"firn/web/livecopy"
)

// live sends a fresh copy of a live database.
func (c *call) live() error {
	if c.r.Method == http.MethodHead {
		c.w.Header().Set("Allow", http.MethodGet)
		return refuse(http.StatusMethodNotAllowed, "", "a live copy is asked for by GET")
	}
	env, err := c.environment()
	if err != nil {
		return err
	}
	configured, err := c.v.s.Conf.Environment(env)
	if err != nil {
		return err
	}
	giveBack, err := c.copyTurn()
	if err != nil {
		return err
	}
	defer giveBack()
	name := configured.DatabaseName + "-" + c.v.s.Now().UTC().Format("20060102T150405Z") + ".db"
	c.w.Header().Set("Content-Disposition", attachment(name))
	return c.sendLive(configured.Database)
}

// sendLive copies a live database to the disk, and sends it from there.
func (c *call) sendLive(database string) (err error) {
	giveBack, err := c.streamTurn()
	if err != nil {
		return err
	}
	defer giveBack()
	ctx := c.r.Context()
	size, err := c.v.s.SizeOf(ctx, database)
	if err != nil {
		return err
	}
	if err := site.NeedSpace(os.TempDir(), size); err != nil {
		return err
	}
	f, err := livecopy.New(os.TempDir())
	if err != nil {
		return err
	}
	defer f.Close() // nothing can be left
	if _, err := c.v.s.CopyLive(ctx, database, f); err != nil {
		return err
	}
	if size, err = f.Finish(); err != nil {
		return err
	}
	c.w.Header().Set("Vary", "Accept-Encoding")
	if !c.takesZstd() {
		return f.Send(ctx, &stream{c, "application/vnd.sqlite3", size})
	}
	c.w.Header().Set("Content-Encoding", "zstd")
	return f.SendFrames(ctx, &stream{c, "application/vnd.sqlite3", -1})
}

// takesZstd reports whether the client can unpack zstd, and can tell the end of an answer of unknown length.
func (c *call) takesZstd() bool {
	if !c.r.ProtoAtLeast(1, 1) {
		return false
	}
	for _, entry := range strings.Split(strings.Join(c.r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, parameter, _ := strings.Cut(entry, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "zstd") {
			continue
		}
		weight, given := strings.CutPrefix(strings.ReplaceAll(parameter, " ", ""), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !given || err == nil && q > 0
	}
	return false
}
