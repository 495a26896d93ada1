// Package gate decides which requests a server hears, from whom, and for how long: it knows names, addresses, origins, secrets and
// speed, and nothing of what is served.
package gate

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"firn/outcome"
)

// Gate is in front of a server. Make one with [New].
type Gate struct {
	o      Options
	origin *http.CrossOriginProtection
}

// Options say what a gate knows of its server.
type Options struct {
	Hosts       []string      // names by which browsers reach the server, beside localhost and its own addresses
	BehindProxy bool          // the client's address is the last entry of X-Forwarded-For, which the proxy has added
	Stall       time.Duration // for how long a client may send nothing of a request, or take nothing of an answer
	MaxBody     int64         // the size of a request's body in bytes
}

// New returns a gate.
func New(o Options) *Gate { return &Gate{o, http.NewCrossOriginProtection()} }

// Errors of requests that are not heard.
var (
	ErrHost   = errors.New("the server does not go by this name")
	ErrOrigin = errors.New("the request comes from a page of another site")
)

// contentPolicy lets a page load nothing but our own styles, scripts and pictures, ask nobody else, be in no frame, and send forms
// only here.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Enter puts the defences before a request that hold whatever it asks for. The error is [ErrHost] or [ErrOrigin]; its answer goes
// through the pacer, too.
func (g *Gate) Enter(w http.ResponseWriter, r *http.Request) (*Pacer, error) {
	setHeaders(w.Header())
	p := newPacer(w, g.o.Stall)
	p.limitBody(r, g.o.MaxBody)
	if !g.knowsHost(r) {
		return p, outcome.Failed("Use localhost, or start firn serve with --host NAME.", "%w: %q", ErrHost, r.Host)
	}
	// A page of another site must not act in the name of a person who has signed in here.
	if err := g.origin.Check(r); err != nil {
		return p, ErrOrigin
	}
	return p, nil
}

// Sandbox has a browser save an answer, and never run it.
func Sandbox(h http.Header) { h.Set("Content-Security-Policy", "sandbox; "+contentPolicy) }

// setHeaders sets the headers that every answer has, errors too.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// knowsHost reports whether the Host header names this server. A page of an attacker whose name suddenly has the address of this
// server (DNS rebinding) sends the attacker's name.
func (g *Gate) knowsHost(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || slices.ContainsFunc(g.o.Hosts, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip == localAddress(r))
}

// localAddress returns the address at which a connection has reached this host.
func localAddress(r *http.Request) netip.Addr {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if at, err := netip.ParseAddrPort(local.String()); err == nil {
			return at.Addr().Unmap()
		}
	}
	return netip.Addr{}
}

// Address returns the address of the client for limits and the log.
func (g *Gate) Address(r *http.Request) string {
	if g.o.BehindProxy {
		all := r.Header.Values("X-Forwarded-For")
		if len(all) > 0 {
			entries := strings.Split(all[len(all)-1], ",")
			if ip, err := netip.ParseAddr(strings.TrimSpace(entries[len(entries)-1])); err == nil { // others are the client's own words
				return ip.String()
			}
		}
	}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return at.Addr().Unmap().String()
	}
	return "local" // a unix socket
}
