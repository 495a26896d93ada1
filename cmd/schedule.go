package cmd

import (
	"embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/session"
)

//go:embed schedule/*.tmpl
var scheduleFiles embed.FS

// scheduleOptions are the flags of schedule.
type scheduleOptions struct {
	every                         time.Duration
	format, output, user, program string
}

const (
	formatCron    = "cron"
	formatSystemd = "systemd"
)

func newSchedule(c *cli) *cobra.Command {
	var o scheduleOptions
	cmd := &cobra.Command{
		Use:     "schedule [ENV...]",
		Short:   "Write a crontab or systemd units",
		GroupID: groupOther,
		Long: `Writes what has all of it run by itself: a backup of each environment at a regular
interval, spread over it so that they do not meet, a check and a verification once a
week, and, if [copy] is configured, a copy once a day. Nothing is installed.

The units of systemd are hardened: they can write the folders of the repository and of
the databases, whose -shm files are written by whoever reads them, and nothing else.
Root keeps the capabilities to work in folders of other users, and no other ones; so do
your commands around a backup. Give what they need in a drop-in: systemctl edit.`,
		Example: `  firn schedule --every 12m --user root >/etc/cron.d/firn
  firn schedule production demo --format systemd --output /etc/systemd/system`,
		ValidArgsFunction: c.completeEnvironment,
		RunE:              func(_ *cobra.Command, args []string) error { return c.schedule(args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	addEvery(f, &o.every, "`time` between two backups of an environment")
	f.StringVar(&o.format, "format", formatCron, "cron or systemd")
	f.StringVar(&o.output, "output", "", "write systemd's files into this `folder`, not to standard output")
	f.StringVar(&o.user, "user", "", "`user` who runs it (for cron: in the form of /etc/cron.d)")
	complete(cmd, "format", formatCron, formatSystemd)
	f.StringVar(&o.program, "program", "", "`path` of firn (default: this program's)")
	return cmd
}

func (c *cli) schedule(args []string, o scheduleOptions) error {
	s, err := c.newSchedule(args, o)
	if err != nil {
		return err
	}
	switch {
	case o.format == formatCron && o.output == "":
		text, err := s.crontab()
		if err == nil {
			_, err = fmt.Fprint(c.data(), text)
		}
		return err
	case o.format == formatSystemd:
		units, err := s.units()
		if err != nil {
			return err
		}
		return c.writeUnits(units, o.output)
	case o.format == formatCron:
		return outcome.Usage("Redirect the output, or pipe it to crontab.", "--output is for --format systemd")
	}
	return outcome.Usage("", "--format is %q, not cron or systemd", o.format)
}

// schedule is what is to be run.
type schedule struct {
	conf       *config.Config
	repository session.Place
	target     *session.Place // of the daily copy; nil for none
	program    string
	User       string
	Backups    []scheduled
}

// scheduled is the backup of one environment.
type scheduled struct {
	Name string
	env  *config.Environment
	at   interval
}

func (c *cli) newSchedule(args []string, o scheduleOptions) (*schedule, error) {
	conf, err := c.program.LoadConfig()
	if err != nil {
		return nil, err
	}
	if conf.Path == "" || len(conf.Env) == 0 {
		return nil, outcome.Usage(`See "firn help configuration".`, "schedule needs a configuration file with environments")
	}
	if len(args) == 0 {
		args = conf.Names()
	}
	every, err := parseInterval(o.every)
	if err != nil {
		return nil, err
	}
	s := &schedule{conf: conf, program: o.program, User: o.user}
	if s.program == "" {
		if s.program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	for i, at := range every.spread(len(args)) {
		env, err := conf.Environment(args[i])
		if err != nil {
			return nil, err
		}
		s.Backups = append(s.Backups, scheduled{env.Name, env, at})
	}
	if s.repository, err = c.program.FindRepository(conf); err != nil || conf.Copy.Repository == "" {
		return s, err
	}
	target, err := c.program.ParsePlace(conf.Copy.Repository, c.program.Endpoint(conf.CopyTarget()))
	s.target = &target
	return s, err
}

// arguments adds the configuration where it would not be found.
func (s *schedule) arguments(args []string) []string {
	if s.conf.Path == config.SystemFile {
		return args
	}
	return append(slices.Clone(args), "--config", s.conf.Path)
}

func render(name string, data any) (string, error) {
	t, err := template.ParseFS(scheduleFiles, "schedule/"+name+".tmpl")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, data)
	return b.String(), err
}
