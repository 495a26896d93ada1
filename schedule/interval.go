package schedule

import (
	"fmt"
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
	divides := minutes > 0 && d%time.Minute == 0 &&
		(60%minutes == 0 || minutes%60 == 0 && dayMinutes%minutes == 0)
	if !divides {
		return interval{}, outcome.Usage("Use 1m, 5m, 10m, 12m, 15m, 30m, 1h, 2h, 6h, 12h or 24h, for instance.",
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

// cron returns the interval as the five fields of a crontab's line.
func (i interval) cron() string {
	minute, hour := i.offset%60, i.offset/60
	switch {
	case i.every < 60 && i.offset == 0:
		return fmt.Sprintf("*/%d * * * *", i.every)
	case i.every < 60:
		return fmt.Sprintf("%d-59/%d * * * *", minute, i.every)
	case i.every == 60:
		return fmt.Sprintf("%d * * * *", minute)
	case i.every == dayMinutes:
		return fmt.Sprintf("%d %d * * *", minute, hour)
	}
	return fmt.Sprintf("%d %d-23/%d * * *", minute, hour, i.every/60)
}

// calendar returns the interval as systemd's OnCalendar.
func (i interval) calendar() string {
	minute, hour := i.offset%60, i.offset/60
	switch {
	case i.every < 60:
		return fmt.Sprintf("*:%02d/%d", minute, i.every)
	case i.every == 60:
		return fmt.Sprintf("*:%02d", minute)
	case i.every == dayMinutes:
		return fmt.Sprintf("*-*-* %02d:%02d", hour, minute)
	}
	return fmt.Sprintf("*-*-* %02d/%d:%02d", hour, i.every/60, minute)
}
