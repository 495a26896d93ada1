// Package schedule writes the files with which the system runs backups regularly: a crontab, or units of systemd.
package schedule

import (
	"cmp"
	"embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/session"
)

//go:embed *.tmpl
var scheduleFiles embed.FS

// Schedule is the list of regular runs: the backups of environments, the weekly check, and the daily verification and copy.
type Schedule struct {
	conf       *config.Config
	repository session.Place
	target     *session.Place // of the daily copy; nil for none
	program    string
	settings   settings
	named      bool // the environments are named, and need not be all

	User    string // the user for the runs; "" for the default user of the crontab or of systemd
	Backups []scheduled
}

// scheduled is the regular backup of one environment, or of all those of a pattern.
type scheduled struct {
	Name string
	env  *config.Environment
	at   interval
}

// Options are the options of [New]. The zero value of a field is the default.
type Options struct {
	Environments []string      // the names of environments, or of patterns for all of theirs; nil for all configured ones
	Every        time.Duration // the time between two backups of an environment; 0 for 12 minutes
	User         string        // the user for the runs
	Program      string        // the path of firn; "" for the path of this program
}

// New returns a schedule that spreads the backups of the environments evenly over the time between two backups of one
// environment. It needs a configuration file.
func New(c *session.Caller, conf *config.Config, o Options) (*Schedule, error) {
	if conf.Path == "" || len(conf.Tables()) == 0 {
		return nil, outcome.Usage(`See "firn help configuration".`, "schedule needs a configuration file with environments")
	}
	names := o.Environments
	if len(names) == 0 {
		names = conf.TableNames()
	}
	every, err := parseInterval(cmp.Or(o.Every, DefaultEvery))
	if err != nil {
		return nil, err
	}
	s := &Schedule{conf: conf, program: o.Program, User: o.User, named: len(o.Environments) > 0}
	if s.program == "" {
		if s.program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	for i, at := range every.spread(len(names)) {
		table, err := conf.Table(names[i])
		if err != nil {
			return nil, err
		}
		s.Backups = append(s.Backups, scheduled{table.Name, table, at})
	}
	if s.repository, err = c.FindRepository(conf); err != nil {
		return nil, err
	}
	if s.settings, err = newSettings(c, conf, s.repository); err != nil || conf.Copy.Repository == "" {
		return s, err
	}
	target, err := c.ParsePlace(conf.Copy.Repository, c.Endpoint(conf.CopyTarget()))
	s.target = &target
	return s, err
}

// arguments returns arguments for firn with the flags that this run was given, and with --config if firn would not find the
// configuration file without it.
func (s *Schedule) arguments(args []string) []string {
	args = slices.Clone(args)
	if s.conf.Path != config.SystemFile {
		args = append(args, "--config", s.conf.Path)
	}
	return append(args, s.settings.flags...)
}

// render fills in a template.
func render(name string, data any) (string, error) {
	t, err := template.ParseFS(scheduleFiles, name+".tmpl", "confinement.tmpl")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, data)
	return b.String(), err
}
