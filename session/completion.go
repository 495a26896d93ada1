package session

import (
	"fmt"

	"firn/report"
	"firn/snapshot"
)

// Word is a word that a shell may complete, with a description.
type Word struct{ Text, About string }

// References returns the words that may name the snapshots of a list: their IDs, and also their times if the beginning of the
// word is known.
func (c *Caller) References(list []*snapshot.Snapshot, prefix string) (words []Word) {
	if len(list) > 0 {
		words = []Word{{"latest", "the newest snapshot"}, {snapshot.LatestVerified, "the newest snapshot that was found sound"}}
	}
	for _, s := range list {
		words = append(words, Word{s.ID.String()[:max(len(s.ID.Short()), min(len(prefix), 2*snapshot.IDLen))], c.about(s)})
		if prefix != "" {
			words = append(words, Word{s.Time.In(c.Zone).Format("2006-01-02T15:04:05"), c.about(s)})
		}
	}
	return words
}

// Moments returns the times of the snapshots of a list, down to the fraction that [Catalog.At] needs.
func (c *Caller) Moments(list []*snapshot.Snapshot, _ string) (words []Word) {
	for _, s := range list {
		words = append(words, Word{s.Time.In(c.Zone).Format("2006-01-02T15:04:05.999999"), c.about(s)})
	}
	return words
}

// about describes a snapshot.
func (c *Caller) about(s *snapshot.Snapshot) string {
	return fmt.Sprintf("%s, %s, %s", c.WhenTaken(s), s.Environment, report.Size(s.Image().Size))
}
