package cmd

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/outcome"
	"firn/schedule"
)

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
	conf, err := c.program.LoadConfig()
	if err != nil {
		return err
	}
	if err := schedule.CheckEvery(o.every); err != nil {
		return err
	}
	s, err := schedule.New(c.program, conf, schedule.Options{Environments: args, Every: o.every, User: o.user, Program: o.program})
	if err != nil {
		return err
	}
	switch {
	case o.format == formatCron && o.output == "":
		text, err := s.Crontab()
		if err == nil {
			_, err = fmt.Fprint(c.data(), text)
		}
		return err
	case o.format == formatSystemd:
		units, err := s.Units()
		if err != nil {
			return err
		}
		return c.writeUnits(units, o.output)
	case o.format == formatCron:
		return outcome.Usage("Redirect the output, or pipe it to crontab.", "--output is for --format systemd")
	}
	return outcome.Usage("", "--format is %q, not cron or systemd", o.format)
}
