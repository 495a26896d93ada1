package schedule

import (
	"fmt"
	"time"

	"firn/outcome"
	"firn/retention"
)

const (
	dayMinutes   = 24 * 60
	DefaultEvery = 12 * time.Minute
)

// interval is how often something runs, and at which of the minutes that this leaves.
type interval struct{ every, offset int } // minutes

// parseInterval reads a time that divides an hour or a day, so that cron and systemd can
// keep to it.
func parseInterval(d time.Duration) (interval, error) {
	minutes := int(d / time.Minute)
	divides := minutes > 0 && d%time.Minute == 0 &&
		(60%minutes == 0 || minutes%60 == 0 && dayMinutes%minutes == 0)
	if !divides {
		return interval{}, outcome.Usage("Take 1m, 5m, 10m, 12m, 15m, 30m, 1h, 2h, 6h, 12h or 24h, for instance.",
			"--every %s divides neither an hour nor a day into equal parts of whole minutes", retention.FormatDuration(d))
	}
	return interval{every: minutes}, nil
}

// CheckEvery refuses a time between two backups that divides neither an hour nor a day: cron and systemd cannot keep to it.
func CheckEvery(every time.Duration) error {
	_, err := parseInterval(every)
	return err
}

// spread returns n of the same length, as far apart as possible.
func (i interval) spread(n int) []interval {
	all := make([]interval, n)
	for k := range all {
		all[k] = interval{i.every, k * i.every / n}
	}
	return all
}

// cron returns the five fields of a line in a crontab.
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

// calendar returns it as systemd's OnCalendar.
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
