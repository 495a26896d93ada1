package cmd

import (
	"github.com/spf13/pflag"

	"firn/config"
	"firn/internal/manual"
	"firn/outcome"
	"firn/retention"
)

// keepFlags are the flags of the retention rules.
type keepFlags struct {
	values map[string]*string
	set    *pflag.FlagSet
}

// keepRules are the names and help texts of the rules.
var keepRules = [...]struct{ name, help string }{
	{"last", "keep the last `n` snapshots, or all"},
	{"minutely", "keep the newest of each minute, for `n` minutes, or all"},
	{"hourly", "the same by hours: `n`, or all"},
	{"daily", "the same by days: `n`, or all"},
	{"weekly", "the same by ISO weeks: `n`, or all"},
	{"monthly", "the same by months: `n`, or all"},
	{"yearly", "the same by years: `n`, or all"},
	{"within", "keep all of this `duration` before the newest: 30d"},
}

// newKeepFlags defines the flags. A short help only names them if they are rare.
func newKeepFlags(set *pflag.FlagSet, rare bool) *keepFlags {
	f := &keepFlags{make(map[string]*string), set}
	for _, rule := range keepRules {
		f.values[rule.name] = set.String("keep-"+rule.name, "", rule.help)
		if rare {
			manual.Rare(set, "keep-"+rule.name)
		}
	}
	return f
}

// given reports whether any of the flags is given.
func (f *keepFlags) given() bool {
	for _, rule := range keepRules {
		if f != nil && f.set.Changed("keep-"+rule.name) {
			return true
		}
	}
	return false
}

// rules returns the rules of the flags, nil if no flag is given.
func (f *keepFlags) rules() (*config.Keep, error) {
	if !f.given() {
		return nil, nil
	}
	var k config.Keep
	for name, target := range map[string]**config.Count{
		"last": &k.Last, "minutely": &k.Minutely, "hourly": &k.Hourly, "daily": &k.Daily,
		"weekly": &k.Weekly, "monthly": &k.Monthly, "yearly": &k.Yearly,
	} {
		if !f.set.Changed("keep-" + name) {
			continue
		}
		n, err := retention.ParseCount(*f.values[name])
		if err != nil {
			return nil, outcome.Usage("", "--keep-%s: %w", name, err)
		}
		*target = &config.Count{Count: n}
	}
	if f.set.Changed("keep-within") {
		d, err := retention.ParseDuration(*f.values["within"])
		if err != nil {
			return nil, outcome.Usage("", "--keep-within: %w", err)
		}
		k.Within = &config.Duration{Duration: d}
	}
	return &k, nil
}
