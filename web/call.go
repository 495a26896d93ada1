package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"firn/access"
	"firn/answer"
	"firn/outcome"
	"firn/snapshot"
	"firn/web/gate"
)

// call is one request and its answer.
type call struct {
	w     *gate.Pacer
	r     *http.Request
	v     *Server
	api   bool
	grant *access.Grant // of the client; nil for what is open to all
	who   string        // whose turns it takes
	query url.Values    // of the URL
}

// maxBody is the size of a request's body in bytes.
const maxBody = 1 << 20

// authenticate finds out who the client is.
func (c *call) authenticate() error {
	address := c.v.gate.Address(c.r)
	header, cookie := c.r.Header.Get("Authorization"), c.cookie()
	if header == "" && cookie == "" {
		return fmt.Errorf("%w: there is none", access.ErrRefused)
	}
	if !c.v.guesses.Allowed(address) {
		return refuse(http.StatusTooManyRequests, "Wait a moment.", "there were too many wrong tokens from %s", address)
	}
	err := c.identify(header, cookie)
	if errors.Is(err, access.ErrRefused) {
		c.v.guesses.Failed(address)
	}
	return err
}

// identify finds the grant of a token or of a cookie.
func (c *call) identify(header, cookie string) (err error) {
	if header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return fmt.Errorf("%w: it is sent as Authorization: Bearer", access.ErrRefused)
		}
		if c.grant, err = c.v.o.Tokens.Find(c.r.Context(), strings.TrimSpace(token)); err != nil {
			return err
		}
		c.who = "token " + c.grant.Name
		return nil
	}
	who := c.v.people.Find(cookie)
	if who == nil {
		return fmt.Errorf("%w: sign in again", access.ErrRefused)
	}
	c.grant, c.who = who.Grant, who.Name()
	if who.Token != "" { // which may have been removed, or have expired
		c.grant, err = c.v.o.Tokens.Find(c.r.Context(), who.Token)
	}
	return err
}

// send sends an answer whose length is known.
func (c *call) send(status int, kind string, body []byte) {
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // a client that has gone away needs no answer
	}
}

// sendJSON sends a value.
func (c *call) sendJSON(value any) error {
	text, err := answer.Encode(value)
	if err != nil {
		return err
	}
	c.send(http.StatusOK, "application/json", text)
	return nil
}

// readJSON reads the body of a change. A form of another site cannot send this type.
func (c *call) readJSON(into any) error {
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "", "the body is not of the type application/json")
	}
	d := json.NewDecoder(c.r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return badRequest("read body: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badRequest("read body: there is more than one value")
	}
	c.w.BodyRead()
	return nil
}

// readForm reads a form of a page.
func (c *call) readForm() error {
	if err := c.r.ParseForm(); err != nil {
		return badRequest("read form: %w", err)
	}
	c.w.BodyRead()
	return nil
}

// badRequest is an error in what the client has sent.
func badRequest(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if errTooLarge(err) {
		return err
	}
	return outcome.Usage("", "%w", err)
}

// number reads a parameter of the URL, within limits.
func (c *call) number(name string, otherwise, most int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, badRequest("%s=%q: it is a number from 0 to %d", name, text, most)
	}
	return n, nil
}

// environment returns the environment that the path names, if the client may see it.
func (c *call) environment() (string, error) {
	name := c.r.PathValue("env")
	if !c.grant.Sees(name) {
		return "", unknownEnvironment(name)
	}
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return "", err
	}
	if c.v.s.KnownEnvironment(known.All, name) != nil {
		return "", unknownEnvironment(name)
	}
	return name, nil
}

// unknownEnvironment is the same error for an environment that is not there and for one that the client may not see. Its text
// names no others.
func unknownEnvironment(name string) error {
	return fmt.Errorf("environment %q: %w", name, snapshot.ErrNotFound)
}

// snapshot returns the snapshot that the path names, among those that the client may see.
func (c *call) snapshot() (*snapshot.Snapshot, error) { return c.find(c.r.PathValue("ref")) }

// find finds a snapshot among those that the client may see.
func (c *call) find(ref string) (*snapshot.Snapshot, error) {
	known, err := c.v.lists.Catalog(c.r.Context())
	if err != nil {
		return nil, err
	}
	return known.Find(c.visible(known.All), ref, true)
}

// visible returns the snapshots of a list that the client may see.
func (c *call) visible(list []*snapshot.Snapshot) []*snapshot.Snapshot {
	if c.grant.Everything() {
		return list
	}
	var seen []*snapshot.Snapshot
	for _, s := range list {
		if c.grant.Sees(s.Environment) {
			seen = append(seen, s)
		}
	}
	return seen
}
