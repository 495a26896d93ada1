package web

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"firn/snapshot"
	"firn/web/picture"
	"firn/web/trial"
)

// zoom is the part of a history that a page shows.
type zoom struct {
	picture.Span            // zero for all
	Last         string     // the name of the part; "" for all, and for one that has no name
	base         url.Values // parameters that all links keep
}

// zoomLink is a link to another part.
type zoomLink struct {
	Name, Link string
	On         bool
}

// namedSpans are the parts of a history that have a name.
func namedSpans() []struct {
	name   string
	length time.Duration
} {
	const day = 24 * time.Hour
	return []struct {
		name   string
		length time.Duration
	}{{"hour", time.Hour}, {"day", day}, {"week", 7 * day}, {"month", 31 * day}, {"year", 366 * day}}
}

// longestZoom is the length of the longest part.
const longestZoom = 100 * 366 * 24 * time.Hour

// readZoom reads the part from the URL.
func (c *call) readZoom() (z zoom, err error) {
	z.base, z.Last = url.Values{}, c.query.Get("last")
	for name, values := range c.query {
		if name == "all" || name == trial.Goes || strings.HasPrefix(name, trial.Prefix) {
			z.base[name] = values[:1]
		}
	}
	now := c.v.s.Now()
	for _, n := range namedSpans() {
		if n.name == z.Last {
			z.Span = picture.Span{From: now.Add(-n.length), To: now}
			return z, nil
		}
	}
	if z.Last = ""; !c.query.Has("from") && !c.query.Has("to") {
		return z, nil
	}
	if z.From, err = c.moment("from", time.Time{}); err != nil {
		return z, err
	}
	if z.To, err = c.moment("to", now); err != nil {
		return z, err
	}
	if length := z.To.Sub(z.From); length <= 0 || length > longestZoom {
		return z, badRequest("from=%q is not before to=%q, or more than a century", c.query.Get("from"), c.query.Get("to"))
	}
	return z, nil
}

// moment reads a time of the URL, in the form of RFC 3339.
func (c *call) moment(name string, otherwise time.Time) (time.Time, error) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, badRequest("%s=%q: it is a time like 2026-03-15T03:12:00Z", name, text)
	}
	return t, nil
}

// values returns the parameters of the part that is shown.
func (z zoom) values() url.Values {
	v := url.Values{}
	if z.Last != "" {
		v.Set("last", z.Last)
	} else if !z.IsZero() {
		v = z.Span.Values()
	}
	for name, values := range z.base {
		v[name] = values
	}
	return v
}

// with returns the link to the same part with parameters more, pairs of names and values.
func (z zoom) with(pairs ...string) string {
	v := z.values()
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}

// to returns the link to another part.
func (z zoom) to(s picture.Span) string {
	other := zoom{Span: s, base: z.base}
	return other.with()
}

// Links returns links to the parts with names, and to the neighbours of one without.
func (z zoom) Links(oldest, now time.Time) []zoomLink {
	links := []zoomLink{{"All", zoom{base: z.base}.with(), z.IsZero()}}
	named := namedSpans()
	slices.Reverse(named)
	for _, n := range named {
		if now.Sub(oldest) > n.length || z.Last == n.name {
			links = append(links, zoomLink{"Last " + n.name, zoom{Last: n.name, base: z.base}.with(), z.Last == n.name})
		}
	}
	if z.IsZero() {
		return links
	}
	length := z.To.Sub(z.From)
	links = append(links, zoomLink{"\u2190 Earlier", z.to(picture.Span{From: z.From.Add(-length), To: z.From}), false})
	if z.To.Before(now) {
		links = append(links, zoomLink{"Later \u2192", z.to(picture.Span{From: z.To, To: z.To.Add(length)}), false})
	}
	if length < longestZoom/3 {
		links = append(links, zoomLink{"Wider", z.to(picture.Span{From: z.From.Add(-length / 2), To: z.To.Add(length / 2)}), false})
	}
	return links
}

// cut returns the snapshots of the part.
func (z zoom) cut(history []*snapshot.Snapshot) (part []*snapshot.Snapshot) {
	for _, s := range history {
		if z.Has(s.Time) {
			part = append(part, s)
		}
	}
	return part
}
