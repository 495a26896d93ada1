package gate

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"sync"
	"time"

	"firn/access"
)

// People are the browsers that have signed in. They are kept in memory: a restart signs all of them out.
type People struct {
	now func() time.Time

	mu     sync.Mutex
	links  map[[sha256.Size]byte]time.Time // when each one-time link ends
	signed map[[sha256.Size]byte]*Person
}

// Person is a browser that has signed in.
type Person struct {
	ID    string // says nothing about the cookie
	Token string // which the person has signed in with; "" for a link
	Grant *access.Grant
	From  string // the address of the sign-in
	Since time.Time
	Ends  time.Time
}

// Name returns the name of the person's turns.
func (p *Person) Name() string { return "person " + p.ID }

// The lives of links and of sign-ins.
const (
	LinkLife    = 10 * time.Minute
	SignInLife  = 12 * time.Hour
	mostPeople  = 1000
	linkPerson  = "sign-in link"
	secretBytes = 32
)

// NewPeople returns nobody yet.
func NewPeople(now func() time.Time) *People {
	return &People{now: now, links: make(map[[sha256.Size]byte]time.Time), signed: make(map[[sha256.Size]byte]*Person)}
}

// newSecret returns 256 random bits as text.
func newSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// NewLink returns the secret of a new one-time link.
func (p *People) NewLink() string {
	secret := newSecret()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[sha256.Sum256([]byte(secret))] = p.now().Add(LinkLife)
	return secret
}

// UseLink signs in with the secret of a link, which is of no use afterwards. It compares hashes: their order in the map says
// nothing about a secret.
func (p *People) UseLink(secret, from string) (cookie string, ok bool) {
	sum := sha256.Sum256([]byte(secret))
	p.mu.Lock()
	ends, ok := p.links[sum]
	delete(p.links, sum)
	p.mu.Unlock()
	if !ok || !p.now().Before(ends) {
		return "", false
	}
	return p.Add(&Person{Grant: &access.Grant{Name: linkPerson, Scopes: []access.Scope{access.Admin}, Environment: "*"}, From: from}), true
}

// Add signs a person in and returns the value of the cookie.
func (p *People) Add(who *Person) (cookie string) {
	cookie = newSecret()
	sum := sha256.Sum256([]byte(cookie))
	who.ID, who.Since = hex.EncodeToString(sum[:8]), p.now()
	who.Ends = who.Since.Add(SignInLife)
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.signed, func(_ [sha256.Size]byte, other *Person) bool { return !p.now().Before(other.Ends) })
	if len(p.signed) >= mostPeople {
		clear(p.signed)
	}
	p.signed[sum] = who
	return cookie
}

// Find returns the person of a cookie, nil for none.
func (p *People) Find(cookie string) *Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.signed[sha256.Sum256([]byte(cookie))]
	if who == nil || !p.now().Before(who.Ends) {
		return nil
	}
	return who
}

// Remove signs a person out.
func (p *People) Remove(cookie string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.signed, sha256.Sum256([]byte(cookie)))
}

// List returns the persons that are signed in, in the order in which they have signed in.
func (p *People) List() []*Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := slices.Collect(maps.Values(p.signed))
	list = slices.DeleteFunc(list, func(who *Person) bool { return !p.now().Before(who.Ends) })
	slices.SortFunc(list, func(a, b *Person) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return list
}

// FindID returns the person of an ID, nil for none.
func (p *People) FindID(id string) *Person {
	for _, who := range p.List() {
		if who.ID == id {
			return who
		}
	}
	return nil
}

// RemoveID signs the person of an ID out.
func (p *People) RemoveID(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.signed, func(_ [sha256.Size]byte, who *Person) bool { return who.ID == id })
}
