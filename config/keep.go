package config

import (
	"cmp"
	"fmt"
	"time"

	"firn/retention"
)

// Keep is a retention policy as it is configured. A nil value is not given, so an environment can override single values.
type Keep struct {
	Last       *Count    `toml:"last"`
	Minutely   *Count    `toml:"minutely"`
	Hourly     *Count    `toml:"hourly"`
	Daily      *Count    `toml:"daily"`
	Weekly     *Count    `toml:"weekly"`
	Monthly    *Count    `toml:"monthly"`
	Yearly     *Count    `toml:"yearly"`
	Within     *Duration `toml:"within"`
	PreRestore *Duration `toml:"pre_restore"`
	Timezone   *string   `toml:"timezone"`

	location *time.Location // the time zone of a policy from [NewKeep]; nil: Timezone counts
}

// NewKeep returns a configuration with all values of a policy, for programs without a file.
func NewKeep(p retention.Policy) *Keep {
	k := &Keep{location: p.Location}
	for _, rule := range []struct {
		from retention.Count
		to   **Count
	}{
		{p.Last, &k.Last}, {p.Minutely, &k.Minutely}, {p.Hourly, &k.Hourly}, {p.Daily, &k.Daily}, {p.Weekly, &k.Weekly}, {p.Monthly, &k.Monthly}, {p.Yearly, &k.Yearly},
	} {
		*rule.to = &Count{Count: rule.from}
	}
	k.Within, k.PreRestore = &Duration{Duration: p.Within}, &Duration{Duration: p.PreRestore}
	return k
}

// Count is a [retention.Count] of the configuration. The decoder would set a retention.Count from any number, also a negative
// one, without a call of UnmarshalText; it calls the method of this struct. The decoder would not say where an error was, so
// Count keeps the error for [Keep.policy], which knows the key.
type Count struct {
	retention.Count
	err error
}

// UnmarshalText reads the count. It keeps an error and returns nil.
func (c *Count) UnmarshalText(text []byte) error {
	c.Count, c.err = retention.ParseCount(string(text))
	return nil
}

// Duration is a time of the configuration, as [retention.ParseDuration] reads it. It keeps its error as [Count] does.
type Duration struct {
	time.Duration
	err error
}

// UnmarshalText reads the duration. It keeps an error and returns nil.
func (d *Duration) UnmarshalText(text []byte) error {
	d.Duration, d.err = retention.ParseDuration(string(text))
	return nil
}

// over returns the values of k, and the values of base where k has none.
func (k Keep) over(base Keep) Keep {
	return Keep{
		Last:       either(k.Last, base.Last),
		Minutely:   either(k.Minutely, base.Minutely),
		Hourly:     either(k.Hourly, base.Hourly),
		Daily:      either(k.Daily, base.Daily),
		Weekly:     either(k.Weekly, base.Weekly),
		Monthly:    either(k.Monthly, base.Monthly),
		Yearly:     either(k.Yearly, base.Yearly),
		Within:     either(k.Within, base.Within),
		PreRestore: either(k.PreRestore, base.PreRestore),
		Timezone:   either(k.Timezone, base.Timezone),
		location:   cmp.Or(k.location, base.location),
	}
}

// either returns the first of two values that is given, nil if none is.
func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// DefaultPolicy returns the policy for configurations without any rule.
func DefaultPolicy() retention.Policy {
	return retention.Policy{Last: 10, Hourly: 24, Daily: 7, Weekly: 4, Monthly: 6, Yearly: retention.All}
}

// defaultKeep returns the rules of the default policy, without its other values.
func defaultKeep() Keep {
	k := NewKeep(DefaultPolicy())
	k.Minutely, k.Within, k.PreRestore = nil, nil, nil
	return *k
}

// watchKeep returns the rules that a watch adds: all snapshots of the last hour, and one of each minute for a day.
func watchKeep() Keep {
	return Keep{Within: &Duration{Duration: time.Hour}, Minutely: &Count{Count: 24 * 60}}
}

// HasRules reports whether any rule is given. A rule with a zero counts.
func (k Keep) HasRules() bool {
	for _, c := range []*Count{k.Last, k.Minutely, k.Hourly, k.Daily, k.Weekly, k.Monthly, k.Yearly} {
		if c != nil {
			return true
		}
	}
	return k.Within != nil
}

// policy returns the configured policy, or the first error of its values with the key. It does not check whether the policy
// keeps anything.
func (k Keep) policy() (retention.Policy, error) {
	var p retention.Policy
	for _, rule := range []struct {
		name string
		from *Count
		to   *retention.Count
	}{
		{"last", k.Last, &p.Last}, {"minutely", k.Minutely, &p.Minutely}, {"hourly", k.Hourly, &p.Hourly}, {"daily", k.Daily, &p.Daily},
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
	if k.location != nil {
		p.Location = k.location
	}
	if p.Within, err = k.Within.value("within"); err != nil {
		return p, err
	}
	p.PreRestore, err = k.PreRestore.value("pre_restore")
	return p, err
}

// value returns the duration, 0 for nil, or its error with the key.
func (d *Duration) value(key string) (time.Duration, error) {
	switch {
	case d == nil:
		return 0, nil
	case d.err != nil:
		return 0, fmt.Errorf("%s: %w", key, d.err)
	}
	return d.Duration, nil
}

// Policy returns the valid retention policy of an environment, which need not be configured. If rules are given, they replace
// all configured rules; only the time zone and the age of pre-restore snapshots stay as configured, unless the given rules have
// their own. Nil means that none are given.
func (conf *Config) Policy(environment string, given *Keep) (retention.Policy, error) {
	return conf.PolicyOf(&Environment{Name: environment}, given)
}

// PolicyOf is [Config.Policy] for an environment with rules of its own, which override the configured rules of its name. The
// environment need not be configured.
func (conf *Config) PolicyOf(env *Environment, given *Keep) (retention.Policy, error) {
	k := conf.rulesOf(env)
	if given != nil {
		base := k
		k = *given
		k.PreRestore, k.Timezone, k.location = either(given.PreRestore, base.PreRestore), base.Timezone, cmp.Or(given.location, base.location)
	}
	return k.policyOf(env.Name)
}

// WatchPolicyOf returns the valid retention policy of an environment that is watched: that of [Config.PolicyOf] without given
// rules, and all snapshots of the last hour (within), and one of each minute for a day (minutely). A configuration that has
// within or minutely overrides that one, with a zero too. [NewKeep] has both.
func (conf *Config) WatchPolicyOf(env *Environment) (retention.Policy, error) {
	return conf.rulesOf(env).over(watchKeep()).policyOf(env.Name)
}

// rulesOf returns the configured values of an environment, with the default rules if no rule is configured.
func (conf *Config) rulesOf(env *Environment) Keep {
	k := conf.Keep
	if configured := conf.Lookup(env.Name); configured != nil {
		k = configured.Keep.over(k)
	}
	k = env.Keep.over(k)
	if !k.HasRules() {
		k = k.over(defaultKeep())
	}
	return k
}

// policyOf returns the valid policy of an environment, whose name is for the error.
func (k Keep) policyOf(environment string) (retention.Policy, error) {
	p, err := k.policy()
	if err != nil {
		return p, err
	}
	if err := p.Validate(); err != nil {
		return p, fmt.Errorf("retention of %q: %w", environment, err)
	}
	return p, nil
}
