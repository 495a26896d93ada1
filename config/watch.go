package config

import (
	"errors"
	"fmt"
	"time"

	"firn/retention"
)

// Watch is the table [watch]: how "firn watch" follows databases.
type Watch struct {
	Every     *Duration `toml:"every"` // nil: defaultInterval
	Confirm   Confirm   `toml:"confirm"`
	SpoolSize string    `toml:"spool_size"`
	SpoolDir  string    `toml:"spool_dir"` // "": below the folder of what must outlive caches
}

const (
	minInterval     = time.Second
	maxInterval     = time.Hour
	defaultInterval = 10 * time.Second
	defaultConfirm  = time.Minute
	defaultSpool    = 256 << 20
	minSpool        = 1 << 20 // less is a number without its unit
)

// everyRound is the word that has each round confirmed.
const everyRound = "round"

// Confirm is how often a round is confirmed: after a time, or always. It keeps its error as [Count] does. The zero Confirm is
// the default.
type Confirm struct {
	every time.Duration
	given bool
	err   error
}

// UnmarshalText reads the time, or the word "round".
func (c *Confirm) UnmarshalText(text []byte) error {
	c.given, c.every = true, 0
	if string(text) == everyRound {
		return nil
	}
	if c.every, c.err = retention.ParseDuration(string(text)); c.err == nil {
		c.err = checkInterval(c.every)
	}
	if c.err != nil {
		c.err = fmt.Errorf("confirm: %w, or %q", c.err, everyRound)
	}
	return nil
}

// checkInterval returns an error for a time that is no interval of a watch.
func checkInterval(d time.Duration) error {
	if d < minInterval || d > maxInterval {
		return fmt.Errorf("%s is not a time from %s to %s", retention.FormatDuration(d), retention.FormatDuration(minInterval), retention.FormatDuration(maxInterval))
	}
	return nil
}

// checkEvery returns an error for the value of a key "every" that is no interval of a watch.
func (d *Duration) checkEvery() error {
	every, err := d.value("every")
	if d == nil || err != nil {
		return err
	}
	if err := checkInterval(every); err != nil {
		return fmt.Errorf("every: %w", err)
	}
	return nil
}

// or returns the time, or another one for nil.
func (d *Duration) or(other time.Duration) time.Duration {
	if d == nil {
		return other
	}
	return d.Duration
}

// validate returns all that is wrong with the values, nil if they can be used.
func (w *Watch) validate() error {
	_, sizeErr := w.spoolSize()
	return errors.Join(w.Every.checkEvery(), w.Confirm.err, sizeErr)
}

// spoolSize returns the bound of the spool in bytes.
func (w *Watch) spoolSize() (int64, error) {
	if w.SpoolSize == "" {
		return defaultSpool, nil
	}
	n, err := ParseSize(w.SpoolSize)
	if err == nil && n < minSpool {
		err = fmt.Errorf("%q is less than 1 MiB", w.SpoolSize)
	}
	if err != nil {
		return 0, fmt.Errorf("spool_size: %w", err)
	}
	return n, nil
}

// Interval returns the time between two rounds.
func (w *Watch) Interval() time.Duration { return w.Every.or(defaultInterval) }

// ConfirmEvery returns the time after which a round is confirmed again, 0 for each round.
func (w *Watch) ConfirmEvery() time.Duration {
	if !w.Confirm.given {
		return defaultConfirm
	}
	return w.Confirm.every
}

// SpoolLimit returns how many bytes the rounds may take that wait for a store which is away.
func (w *Watch) SpoolLimit() int64 {
	n, _ := w.spoolSize() // validated
	return n
}

// Watched reports whether a watch of all environments follows this one.
func (e *Environment) Watched() bool { return e.Watch == nil || *e.Watch }

// Held reports whether a watch keeps a connection to the database open.
func (e *Environment) Held() bool { return e.Hold == nil || *e.Hold }

// WatchInterval returns the time between two rounds of the environment.
func (e *Environment) WatchInterval(conf *Config) time.Duration {
	return e.Every.or(conf.Watch.Interval())
}
