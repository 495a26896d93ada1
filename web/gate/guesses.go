package gate

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Guesses limits how often an address may fail to sign in. An address that has failed too often is not heard for a moment, not
// even with the right token: otherwise guesses would go on at full speed.
type Guesses struct {
	now func() time.Time

	mu    sync.Mutex
	rates map[string]*rate.Limiter
}

// The limits of failures. No lockout follows: a secret has 256 bits, and a client that shares an address with an attacker must get in.
const (
	guessesPerSecond = 5
	guessesAtOnce    = 10
	guessAddresses   = 10_000 // that are remembered; then all are forgotten
)

// NewGuesses returns a limit that nobody has met.
func NewGuesses(now func() time.Time) *Guesses {
	return &Guesses{now: now, rates: make(map[string]*rate.Limiter)}
}

// Allowed reports whether an address is heard.
func (g *Guesses) Allowed(address string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.rates[network(address)]
	return l == nil || l.TokensAt(g.now()) >= 1
}

// Failed counts a failure of an address.
func (g *Guesses) Failed(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := network(address)
	if g.rates[key] == nil {
		if len(g.rates) >= guessAddresses {
			clear(g.rates)
		}
		g.rates[key] = rate.NewLimiter(guessesPerSecond, guessesAtOnce)
	}
	g.rates[key].AllowN(g.now(), 1)
}

// network returns the part of an address that one attacker has for itself: 64 bits of IPv6.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Is4() {
		return address
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
