package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"firn/outcome"
	"firn/retention"
)

const (
	dayMinutes = 24 * 60

	// DefaultEvery is the usual time between two backups of an environment.
	DefaultEvery = 12 * time.Minute
)

// interval is a regular time: every so many minutes, from an offset on.
type interval struct{ every, offset int } // minutes

// parseInterval returns the interval of a duration. The duration must divide an hour or a day, since cron and systemd know
// no others.
func parseInterval(d time.Duration) (interval, error) {
	minutes := int(d / time.Minute)
	divides := minutes > 0 && d%time.Minute == 0 && dayMinutes%minutes == 0
	if !divides {
		return interval{}, outcome.Usage("Use 1m, 5m, 10m, 12m, 15m, 30m, 1h, 90m, 2h, 6h, 12h or 24h, for instance.",
			"--every %s divides neither an hour nor a day into equal parts of whole minutes", retention.FormatDuration(d))
	}
	return interval{every: minutes}, nil
}

// CheckEvery returns an error if a time between two backups divides neither an hour nor a day: cron and systemd know no such
// interval.
func CheckEvery(every time.Duration) error {
	_, err := parseInterval(every)
	return err
}

// spread returns n intervals of the same length whose offsets are as far apart as possible.
func (i interval) spread(n int) []interval {
	all := make([]interval, n)
	for k := range all {
		all[k] = interval{i.every, k * i.every / n}
	}
	return all
}

// cron returns the five fields of a line in a crontab, for each line that it takes.
func (i interval) cron() []string {
	minute, hour := i.offset%60, i.offset/60
	switch {
	case 60%i.every == 0 && i.every < 60 && i.offset == 0:
		return []string{fmt.Sprintf("*/%d * * * *", i.every)}
	case 60%i.every == 0 && i.every < 60:
		return []string{fmt.Sprintf("%d-59/%d * * * *", minute, i.every)}
	case i.every == 60:
		return []string{fmt.Sprintf("%d * * * *", minute)}
	case i.every == dayMinutes:
		return []string{fmt.Sprintf("%d %d * * *", minute, hour)}
	case i.every%60 == 0:
		return []string{fmt.Sprintf("%d %d-23/%d * * *", minute, hour, i.every/60)}
	}
	var lines []string
	for _, part := range i.hourly() {
		lines = append(lines, part.cron()...)
	}
	return lines
}

// calendar returns it as systemd's OnCalendar, for each line that it takes.
func (i interval) calendar() []string {
	minute, hour := i.offset%60, i.offset/60
	switch {
	case 60%i.every == 0 && i.every < 60:
		return []string{fmt.Sprintf("*:%02d/%d", minute, i.every)}
	case i.every == 60:
		return []string{fmt.Sprintf("*:%02d", minute)}
	case i.every == dayMinutes:
		return []string{fmt.Sprintf("*-*-* %02d:%02d", hour, minute)}
	case i.every%60 == 0:
		return []string{fmt.Sprintf("*-*-* %02d/%d:%02d", hour, i.every/60, minute)}
	}
	var lines []string
	for _, part := range i.hourly() {
		lines = append(lines, part.calendar()...)
	}
	return lines
}

// hourly divides an interval into some of whole hours, in the order of their minutes: a line of cron or systemd has
// one minute. 90 minutes are every third hour from 0:00 on, and every third from 1:30 on.
func (i interval) hourly() []interval {
	whole := i.every
	for whole%60 != 0 {
		whole += i.every
	}
	var parts []interval
	for at := i.offset; at < i.offset+whole; at += i.every {
		parts = append(parts, interval{whole, at % whole})
	}
	slices.SortFunc(parts, func(a, b interval) int {
		return cmp.Or(cmp.Compare(a.offset%60, b.offset%60), cmp.Compare(a.offset, b.offset))
	})
	return parts
}
