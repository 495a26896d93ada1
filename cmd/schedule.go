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
	watch                         bool
}

// The formats of the schedule.
const (
	formatCron    = "cron"
	formatSystemd = "systemd"
)

func newSchedule(c *cli) *cobra.Command {
	var o scheduleOptions
	cmd := &cobra.Command{
		Use:   "schedule [ENV...]",
		Short: "Write a crontab or systemd units",
		Long: `Writes a crontab or systemd units for regular runs: a backup of each environment at an
interval, a check once a week, a verification once a day, and, if [copy] is configured, a
copy once a day. The backups are spread over the interval, so that they do not run at the
same time. With --watch it writes the one unit of "firn watch", which does all of this
itself. firn installs nothing.

The units of systemd are hardened. They can write only the folders of the repository and
of the databases, because each reader of a database writes its -shm file. Root keeps
only the capabilities to work in folders of other users. This is true of your commands
around a backup, too: give them more rights in a drop-in (systemctl edit).`,
		Example: `  firn schedule --every 12m --user root >/etc/cron.d/firn
  firn schedule production demo --format systemd --output /etc/systemd/system`,
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.watch && cmd.Flags().Changed("every") {
				return outcome.Usage("Write every = \"10s\" below [watch] in the configuration.", "schedule: --every is for backups at an interval, not for --watch")
			}
			return c.schedule(args, o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	addEvery(f, &o.every, "`time` between two backups of an environment")
	f.StringVar(&o.format, "format", formatCron, "`format`: cron or systemd")
	f.BoolVar(&o.watch, "watch", false, "one unit for systemd, of \"firn watch\", in place of all others")
	f.StringVar(&o.output, "output", "", "write systemd's files into this `folder`, not to standard output")
	f.StringVar(&o.user, "user", "", "`user` for the runs (for cron: in the form of /etc/cron.d)")
	complete(cmd, "format", formatCron, formatSystemd)
	f.StringVar(&o.program, "program", "", "`path` of firn (default: this program's)")
	return cmd
}

// schedule runs the command.
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
	case o.watch && o.format == formatSystemd:
		unit, err := s.WatchUnit()
		if err != nil {
			return err
		}
		return c.writeUnits([]schedule.Unit{unit}, o.output)
	case o.watch:
		return outcome.Usage("Add --format systemd.", "schedule: cron does not look after a process that stays: nothing would start a watch again")
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
