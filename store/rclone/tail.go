package rclone

import (
	"regexp"
	"strings"
	"sync"
)

// tail keeps the last bytes that are written to it.
type tail struct {
	noise string // is left out of what was said

	mu sync.Mutex
	b  []byte
}

// mostTail is the number of bytes that are kept, enough for some lines with long locations.
const mostTail = 8 << 10

// Write keeps the bytes in place of older ones.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = append([]byte{}, t.b[max(0, len(t.b)-mostTail):]...)
	return len(p), nil
}

// stamp is the beginning of a line of rclone's log: "2026/11/30 16:48:30 CRITICAL: ".
var stamp = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ([A-Z]+) *: `)

// essence returns the last lines of what was said that tell of an error, or the last lines if none does. Lines of the log that
// tell of an error begin with its level; other programs' lines have none.
func (t *tail) essence() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all, errors []string
	for line := range strings.Lines(string(t.b)) {
		level := stamp.FindStringSubmatch(line)
		text := strings.TrimSpace(strings.ReplaceAll(stamp.ReplaceAllString(line, ""), t.noise, ""))
		if text == "" || strings.HasPrefix(text, "Usage:") {
			continue
		}
		all = append(all, text)
		if level != nil && level[1] != "NOTICE" && level[1] != "INFO" && level[1] != "DEBUG" || strings.HasPrefix(text, "Failed to ") {
			errors = append(errors, text)
		}
	}
	if len(errors) > 0 {
		all = errors
	}
	return strings.Join(all[max(0, len(all)-lastLines):], "; ")
}

// lastLines is how many lines of rclone's an error shows.
const lastLines = 2
