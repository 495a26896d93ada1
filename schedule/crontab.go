package schedule

import (
	"strings"

	"firn/report"
)

// Crontab returns the text of a crontab, or of a file in /etc/cron.d if the schedule has a user.
func (s *Schedule) Crontab() (string, error) { return render("crontab", s) }

// Cron returns the times of the backup as the five fields of a crontab's line.
func (s scheduled) Cron() []string { return s.at.cron() }

// Copies reports whether the schedule has a daily copy.
func (s *Schedule) Copies() bool { return s.target != nil }

// CronUser returns the column of the user, which only files in /etc/cron.d have, or "".
func (s *Schedule) CronUser() string {
	if s.User == "" {
		return ""
	}
	return s.User + " "
}

// Command returns a command line for cron. It escapes %, which means a line feed to cron.
func (s *Schedule) Command(args ...string) string {
	words := []string{report.QuoteWord(s.program)}
	for _, a := range append(s.arguments(args), s.settings.key...) {
		words = append(words, report.QuoteWord(a))
	}
	return strings.ReplaceAll(strings.Join(words, " "), "%", `\%`)
}
