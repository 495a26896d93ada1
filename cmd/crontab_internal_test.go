package cmd

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cronJob is a line of a crontab.
type cronJob struct {
	minute, hour, weekday string
	line                  string // after the program's name
}

func parseCrontab(t *testing.T, text string) []cronJob {
	t.Helper()
	var jobs []cronJob
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.Fields(line)
		jobs = append(jobs, cronJob{f[0], f[1], f[4], strings.Join(withoutFlag(f[6:], "--config"), " ")})
	}
	if len(jobs) != 5 {
		t.Fatalf("got %d jobs, want 5, in:\n%s", len(jobs), text)
	}
	return jobs
}

// withoutFlag returns the arguments without a flag and its value.
func withoutFlag(args []string, flag string) []string {
	if i := slices.Index(args, flag); i >= 0 {
		return slices.Delete(args, i, i+2)
	}
	return args
}

func (j cronJob) due(at time.Time) bool {
	return cronMatches(j.minute, at.Minute()) && cronMatches(j.hour, at.Hour()) && cronMatches(j.weekday, int(at.Weekday()))
}

// cronMatches evaluates "*", a number, and steps such as "*/12" and "6-59/12".
func cronMatches(field string, n int) bool {
	span, step, stepped := strings.Cut(field, "/")
	first, last := 0, 59
	if span != "*" {
		from, to, isSpan := strings.Cut(span, "-")
		first = atoi(from)
		last = first
		if isSpan {
			last = atoi(to)
		}
	}
	return n >= first && n <= last && (!stepped || (n-first)%atoi(step) == 0)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
