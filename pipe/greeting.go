package pipe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"firn/ssh"
)

// These errors say that the other side is not the one that is wanted. A person has to repair something.
var (
	// ErrProtocol is returned when firn on the other side speaks another version of the protocol.
	ErrProtocol = errors.New("firn there and firn here do not speak the same version")
	// ErrService is returned when firn on the other side offers another service.
	ErrService = errors.New("firn there offers another service")
)

// Greeting is the first line that a server writes: "firn store 1 0.9.0". It says which service follows.
type Greeting struct {
	Service  string // one word, such as "store"
	Protocol int    // the version of the service's protocol
	Firn     string // the version of the program, for messages; the one of this side in a greeting that is wanted
}

// mostGreeting is how many bytes a greeting may have. A greeting is short, and the other side may be any program.
const mostGreeting = 200

// String returns the line without its end.
func (g Greeting) String() string {
	version := strings.Join(strings.Fields(g.Firn), "-")
	if version == "" {
		version = "unknown"
	}
	return fmt.Sprintf("firn %s %d %.100s", g.Service, g.Protocol, version)
}

// parseGreeting reads a line. It reports whether the line is a greeting.
func parseGreeting(line string) (g Greeting, ok bool) {
	words := strings.Split(line, " ")
	if len(words) != 4 || words[0] != "firn" {
		return Greeting{}, false
	}
	protocol, err := strconv.Atoi(words[2])
	return Greeting{Service: words[1], Protocol: protocol, Firn: words[3]}, err == nil && protocol > 0
}

// check returns an error unless the other side's greeting names the wanted service and version.
func (g Greeting) check(got Greeting) error {
	switch {
	case got.Service != g.Service:
		return fmt.Errorf("%w: %q, and not %q", ErrService, got.Service, g.Service)
	case got.Protocol < g.Protocol:
		return fmt.Errorf("%w: the other host has %s, this one has %s: update firn on the other host", ErrProtocol, got.Firn, g.Firn)
	case got.Protocol > g.Protocol:
		return fmt.Errorf("%w: the other host has %s, this one has %s: update firn on this host", ErrProtocol, got.Firn, g.Firn)
	}
	return nil
}

// readGreeting reads the first line and checks it.
func readGreeting(r *bufio.Reader, want Greeting) error {
	var line []byte
	for len(line) < mostGreeting {
		b, err := r.ReadByte()
		if err != nil && !want.mayBegin(string(line)) {
			return chatter(line)
		}
		if err != nil {
			return err // the connection broke off
		}
		if b == '\n' {
			break
		}
		line = append(line, b)
	}
	got, ok := parseGreeting(string(line))
	if !ok {
		return chatter(line)
	}
	return want.check(got)
}

// mayBegin reports whether a greeting of the service may begin with a text.
func (g Greeting) mayBegin(text string) bool {
	begin := "firn " + g.Service + " "
	return strings.HasPrefix(begin, text) || strings.HasPrefix(text, begin)
}

func chatter(line []byte) error {
	return fmt.Errorf("%w: %q", ssh.ErrChatter, strings.TrimSpace(string(line)))
}

// writeGreeting writes the line.
func writeGreeting(w io.Writer, g Greeting) error {
	_, err := io.WriteString(w, g.String()+"\n")
	return err
}
