package schedule

import (
	"strings"

	"firn/report"
)

// Crontab returns the lines for cron.
func (s *Schedule) Crontab() (string, error) { return render("crontab", s) }

// Cron returns the times as a crontab has them.
func (s scheduled) Cron() string { return s.at.cron() }

// Copies reports whether there is a daily copy.
func (s *Schedule) Copies() bool { return s.target != nil }

// CronUser is the column that files in /etc/cron.d have.
func (s *Schedule) CronUser() string {
	if s.User == "" {
		return ""
	}
	return s.User + " "
}

// Command returns a command line for cron, which gives % a meaning.
func (s *Schedule) Command(args ...string) string {
	words := []string{report.QuoteWord(s.program)}
	for _, a := range s.arguments(args) {
		words = append(words, report.QuoteWord(a))
	}
	return strings.ReplaceAll(strings.Join(words, " "), "%", `\%`)
}
