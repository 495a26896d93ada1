package cmd

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
)

// keep is a retention policy as it is configured: what is nil is not given, so
// that an environment can override single values.
type keep struct {
	Last       *count    `toml:"last"`
	Hourly     *count    `toml:"hourly"`
	Daily      *count    `toml:"daily"`
	Weekly     *count    `toml:"weekly"`
	Monthly    *count    `toml:"monthly"`
	Yearly     *count    `toml:"yearly"`
	Within     *duration `toml:"within"`
	PreRestore *duration `toml:"pre_restore"`
	Timezone   *string   `toml:"timezone"`
}

// count wraps a retention.Count, which TOML would fill from a number, negative
// ones too, without asking its UnmarshalText. The decoder would not say where an
// error was, so that it is kept for [keep.policy], which knows the key.
type count struct {
	retention.Count
	err error
}

// UnmarshalText reads the count.
func (c *count) UnmarshalText(text []byte) error {
	c.Count, c.err = retention.ParseCount(string(text))
	return nil
}

// duration is to retention.ParseDuration what count is to ParseCount.
type duration struct {
	time.Duration
	err error
}

// UnmarshalText reads the duration.
func (d *duration) UnmarshalText(text []byte) error {
	d.Duration, d.err = retention.ParseDuration(string(text))
	return nil
}

// over returns the values of k, and those of base where k has none.
func (k keep) over(base keep) keep {
	return keep{
		Last:       either(k.Last, base.Last),
		Hourly:     either(k.Hourly, base.Hourly),
		Daily:      either(k.Daily, base.Daily),
		Weekly:     either(k.Weekly, base.Weekly),
		Monthly:    either(k.Monthly, base.Monthly),
		Yearly:     either(k.Yearly, base.Yearly),
		Within:     either(k.Within, base.Within),
		PreRestore: either(k.PreRestore, base.PreRestore),
		Timezone:   either(k.Timezone, base.Timezone),
	}
}

func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// defaultKeep is what is kept where no rule is given at all.
func defaultKeep() keep {
	return keep{
		Last: &count{Count: 10}, Hourly: &count{Count: 24}, Daily: &count{Count: 7},
		Weekly: &count{Count: 4}, Monthly: &count{Count: 6}, Yearly: &count{Count: retention.All},
	}
}

// hasRules reports whether any rule is given, be it with a zero.
func (k keep) hasRules() bool {
	for _, c := range []*count{k.Last, k.Hourly, k.Daily, k.Weekly, k.Monthly, k.Yearly} {
		if c != nil {
			return true
		}
	}
	return k.Within != nil
}

// policy returns the rules; whether they keep anything is not its business.
func (k keep) policy() (retention.Policy, error) {
	var p retention.Policy
	for _, rule := range []struct {
		name string
		from *count
		to   *retention.Count
	}{
		{"last", k.Last, &p.Last}, {"hourly", k.Hourly, &p.Hourly}, {"daily", k.Daily, &p.Daily},
		{"weekly", k.Weekly, &p.Weekly}, {"monthly", k.Monthly, &p.Monthly}, {"yearly", k.Yearly, &p.Yearly},
	} {
		if rule.from == nil {
			continue
		}
		if rule.from.err != nil {
			return p, fmt.Errorf("%s: %w", rule.name, rule.from.err)
		}
		*rule.to = rule.from.Count
	}
	var err error
	if k.Timezone != nil {
		if p.Location, err = time.LoadLocation(*k.Timezone); err != nil {
			return p, fmt.Errorf("timezone: %w", err)
		}
	}
	if p.Within, err = k.Within.value("within"); err != nil {
		return p, err
	}
	p.PreRestore, err = k.PreRestore.value("pre_restore")
	return p, err
}

func (d *duration) value(key string) (time.Duration, error) {
	switch {
	case d == nil:
		return 0, nil
	case d.err != nil:
		return 0, fmt.Errorf("%s: %w", key, d.err)
	}
	return d.Duration, nil
}

// keepFlags are the flags that say what to keep.
type keepFlags struct {
	values map[string]*string
	set    *pflag.FlagSet
}

var keepRules = [...]struct{ name, help string }{
	{"last", "keep the last `n` snapshots, or all"},
	{"hourly", "keep the newest of each of the last `n` hours that have one, or all"},
	{"daily", "the same by days: `n`, or all"},
	{"weekly", "the same by ISO weeks: `n`, or all"},
	{"monthly", "the same by months: `n`, or all"},
	{"yearly", "the same by years: `n`, or all"},
	{"within", "keep all younger than this `duration` before the newest: 12h, 30d, 2w"},
}

func newKeepFlags(set *pflag.FlagSet) *keepFlags {
	f := &keepFlags{make(map[string]*string), set}
	for _, rule := range keepRules {
		f.values[rule.name] = set.String("keep-"+rule.name, "", rule.help)
	}
	return f
}

// given reports whether any of the flags was used.
func (f *keepFlags) given() bool {
	for _, rule := range keepRules {
		if f != nil && f.set.Changed("keep-"+rule.name) {
			return true
		}
	}
	return false
}

// rules returns what the flags say, nil if none was used.
func (f *keepFlags) rules() (*keep, error) {
	if !f.given() {
		return nil, nil
	}
	var k keep
	for name, target := range map[string]**count{
		"last": &k.Last, "hourly": &k.Hourly, "daily": &k.Daily,
		"weekly": &k.Weekly, "monthly": &k.Monthly, "yearly": &k.Yearly,
	} {
		if !f.set.Changed("keep-" + name) {
			continue
		}
		n, err := retention.ParseCount(*f.values[name])
		if err != nil {
			return nil, usage("", "--keep-%s: %w", name, err)
		}
		*target = &count{Count: n}
	}
	if f.set.Changed("keep-within") {
		d, err := retention.ParseDuration(*f.values["within"])
		if err != nil {
			return nil, usage("", "--keep-within: %w", err)
		}
		k.Within = &duration{Duration: d}
	}
	return &k, nil
}

// policy returns the valid retention policy of an environment, configured or not. Rules that are given in place of the
// configured ones, nil for none, make the whole policy; only the time zone, and what is kept of restores, stay as
// configured.
func (conf *config) policy(environment string, given *keep) (retention.Policy, error) {
	k := conf.Keep
	if env, ok := conf.Env[environment]; ok {
		k = env.Keep.over(k)
	}
	switch {
	case given != nil:
		base := k
		k = *given
		k.PreRestore, k.Timezone = base.PreRestore, base.Timezone
	case !k.hasRules():
		k = k.over(defaultKeep())
	}
	p, err := k.policy()
	if err != nil {
		return p, err
	}
	if err := p.Validate(); err != nil {
		return p, fmt.Errorf("retention of %q: %w", environment, err)
	}
	return p, nil
}

// decide applies each environment's own policy to its snapshots.
func decide(conf *config, list []*snapshot.Snapshot, given *keep, now time.Time) ([]repo.Group, error) {
	var groups []repo.Group
	for _, name := range environments(list) {
		p, err := conf.policy(name, given)
		if err != nil {
			return nil, err
		}
		own := filter(list, snapshot.Filter{Environment: name})
		groups = append(groups, repo.Decide(own, p, now)...)
	}
	return groups, nil
}
