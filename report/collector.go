package report

import (
	"slices"
	"sync"
)

// Collector keeps warnings, for a result that has them beside it. The zero Collector is ready. Several goroutines may call its methods
// at once.
type Collector struct {
	mu       sync.Mutex
	warnings []string
}

// Reporter returns a reporter that gives its warnings to the collector, and drops all else.
func (c *Collector) Reporter() *Reporter {
	return &Reporter{Warned: func(text string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.warnings = append(c.warnings, text)
	}}
}

// Warnings returns the warnings so far.
func (c *Collector) Warnings() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.warnings)
}
