package cmd

import (
	"strings"

	"firn/report"
)

// crontab returns the lines for cron.
func (s *schedule) crontab() (string, error) { return render("crontab", s) }

// Cron returns the times as a crontab has them.
func (s scheduled) Cron() string { return s.at.cron() }

// Copies reports whether there is a daily copy.
func (s *schedule) Copies() bool { return s.target != nil }

// CronUser is the column that files in /etc/cron.d have.
func (s *schedule) CronUser() string {
	if s.User == "" {
		return ""
	}
	return s.User + " "
}

// Command returns a command line for cron, which gives % a meaning.
func (s *schedule) Command(args ...string) string {
	words := []string{report.QuoteWord(s.program)}
	for _, a := range s.arguments(args) {
		words = append(words, report.QuoteWord(a))
	}
	return strings.ReplaceAll(strings.Join(words, " "), "%", `\%`)
}
