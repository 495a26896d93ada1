package cmd

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"

	"github.com/spf13/cobra"
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
the databases, whose -shm files are written by whoever reads them, and nothing else.`,
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
		text, err := render("crontab", s)
		if err == nil {
			_, err = fmt.Fprint(c.stdout, text)
		}
		return err
	case o.format == formatSystemd:
		units, err := s.units()
		if err != nil {
			return err
		}
		return c.writeUnits(units, o.output)
	case o.format == formatCron:
		return usage("Redirect the output, or pipe it to crontab.", "--output is for --format systemd")
	}
	return usage("", "--format is %q, not cron or systemd", o.format)
}

// schedule is what is to be run.
type schedule struct {
	conf       *config
	repository place
	target     *place // of the daily copy; nil for none
	program    string
	User       string
	Backups    []scheduled
}

// scheduled is the backup of one environment.
type scheduled struct {
	Name string
	env  *environment
	at   interval
}

// Cron returns the times as a crontab has them.
func (s scheduled) Cron() string { return s.at.cron() }

func (c *cli) newSchedule(args []string, o scheduleOptions) (*schedule, error) {
	conf, err := c.loadConfig()
	if err != nil {
		return nil, err
	}
	if conf.path == "" || len(conf.Env) == 0 {
		return nil, usage(`See "firn help configuration".`, "schedule needs a configuration file with environments")
	}
	if len(args) == 0 {
		args = conf.names()
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
		env, err := conf.environment(args[i])
		if err != nil {
			return nil, err
		}
		s.Backups = append(s.Backups, scheduled{env.name, env, at})
	}
	if s.repository, err = c.findRepository(conf); err != nil || conf.Copy.Repository == "" {
		return s, err
	}
	target, err := parsePlace(conf.Copy.Repository, c.endpoint(conf.target()))
	s.target = &target
	return s, err
}

// Copies reports whether there is a daily copy.
func (s *schedule) Copies() bool { return s.target != nil }

// CronUser is the column that files in /etc/cron.d have.
func (s *schedule) CronUser() string {
	if s.User == "" {
		return ""
	}
	return s.User + " "
}

// Command returns a command line for cron, which gives % a meaning.
func (s *schedule) Command(args ...string) string {
	words := []string{quoteWord(s.program)}
	for _, a := range s.arguments(args) {
		words = append(words, quoteWord(a))
	}
	return strings.ReplaceAll(strings.Join(words, " "), "%", `\%`)
}

// arguments adds the configuration where it would not be found.
func (s *schedule) arguments(args []string) []string {
	if s.conf.path == systemConfig {
		return args
	}
	return append(slices.Clone(args), "--config", s.conf.path)
}

// These stand in units' names where others have the environment's.
const weeklyName, copyName = "verify", "copy"

// unitName names the units of an environment, with everything escaped that units, or files,
// are not called, as systemd-escape does it.
func unitName(environment string) string {
	var b strings.Builder
	b.WriteString("firn-")
	for _, c := range []byte(environment) {
		if c < 0x80 && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.IndexByte("-_.:", c) >= 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}

// unit is a file for systemd.
type unit struct{ name, text string }

// service is what the template of services is filled with.
type service struct {
	File, Description, User, Key string
	CopyKey                      string // of the repository that is copied to
	Commands                     []string
	Mounts, Writable             string
	ProtectHome                  string
}

// units returns a service and a timer for each environment, for the weekly work, and for
// the daily copy.
func (s *schedule) units() ([]unit, error) {
	var units []unit
	for _, b := range s.Backups {
		if other := map[string]string{weeklyName: "weekly", copyName: "daily"}[b.Name]; other != "" {
			return nil, usage("Rename it, or leave it to cron.", "schedule: the units of environment %q would have the name of the %s ones", b.Name, other)
		}
		service := s.service(unitName(b.Name), "firn snapshot of "+strings.ReplaceAll(b.Name, "%", "%%"), []*environment{b.env}, s.exec("backup", b.Name, "--prune"))
		pair, err := service.pair(b.at.calendar())
		if err != nil {
			return nil, err
		}
		units = append(units, pair...)
	}
	var envs []*environment
	for _, name := range s.conf.names() {
		envs = append(envs, s.conf.Env[name])
	}
	weekly := s.service(unitName(weeklyName), "firn check and verification, weekly", envs, s.exec("check", "--read-data"), s.exec("verify", "--all"))
	pair, err := weekly.pair("Sun 04:17")
	if err != nil || s.target == nil {
		return append(units, pair...), err
	}
	units = append(units, pair...)
	pair, err = s.copyService().pair("*-*-* 03:41")
	return append(units, pair...), err
}

// copyService hands its user the key of the target, too.
func (s *schedule) copyService() service {
	command := s.exec("copy", "--prune")
	if s.conf.Copy.KeyFile != "" {
		command += " --to-key-file %d/copy.key"
	}
	v := s.service(unitName(copyName), "firn copy to another repository, daily", nil, command)
	v.CopyKey = strings.ReplaceAll(s.conf.Copy.KeyFile, "%", "%%")
	if folder := s.target.folder; folder != "" {
		v.Mounts = strings.TrimSpace(v.Mounts + " " + unitWord(folder))
		v.Writable = strings.TrimSpace(v.Writable + " " + unitWord(folder))
		if atHome(folder) {
			v.ProtectHome = "read-only"
		}
	}
	return v
}

func (s *schedule) service(name, description string, envs []*environment, commands ...string) service {
	v := service{File: name, Description: description, User: s.User, Commands: commands, Key: strings.ReplaceAll(s.conf.KeyFile, "%", "%%")}
	var folders []string
	if s.repository.bucket == nil {
		folders = append(folders, s.repository.folder)
		v.Mounts = unitWord(s.repository.folder)
	}
	for _, env := range envs {
		folders = append(folders, filepath.Dir(env.Database))
	}
	if s.conf.MetricsFile != "" {
		folders = append(folders, filepath.Dir(s.conf.MetricsFile))
	}
	v.ProtectHome = "yes"
	if slices.ContainsFunc(append(slices.Clone(folders), s.conf.path), atHome) {
		v.ProtectHome = "read-only"
	}
	slices.Sort(folders)
	for i, f := range slices.Compact(folders) {
		if i > 0 {
			v.Writable += " "
		}
		v.Writable += unitWord(f)
	}
	return v
}

// atHome reports whether ProtectHome=yes would hide a path.
func atHome(path string) bool {
	return slices.ContainsFunc([]string{"/home/", "/root/", "/run/user/"}, func(home string) bool { return strings.HasPrefix(path+"/", home) })
}

// exec returns a command line for a unit.
func (s *schedule) exec(args ...string) string {
	words := []string{unitWord(s.program)}
	for _, a := range s.arguments(args) {
		words = append(words, strings.ReplaceAll(unitWord(a), "$", "$$"))
	}
	return strings.Join(words, " ")
}

// unitWord quotes a word for a unit, where % begins a specifier.
func unitWord(s string) string {
	s = strings.ReplaceAll(s, "%", "%%")
	if strings.ContainsAny(s, " \t\"'\\;") {
		s = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

// pair returns the service and the timer that starts it.
func (v service) pair(calendar string) ([]unit, error) {
	name := v.File
	v.File = name + ".service"
	text, err := render("service", v)
	if err != nil {
		return nil, err
	}
	timer, err := render("timer", map[string]string{"File": name + ".timer", "Description": v.Description, "Calendar": calendar})
	return []unit{{v.File, text}, {name + ".timer", timer}}, err
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

// writeUnits writes the files into a folder, over nothing that says something else; or,
// without one, to standard output.
func (c *cli) writeUnits(units []unit, dir string) error {
	if dir == "" {
		for i, u := range units {
			if _, err := fmt.Fprint(c.stdout, strings.Repeat("\n", min(i, 1)), u.text); err != nil {
				return err
			}
		}
		return nil
	}
	for _, u := range units {
		path := filepath.Join(dir, u.name)
		old, err := os.ReadFile(path)
		if err == nil && string(old) != u.text {
			return failed("Move it away first.", "schedule: %s is there and says something else: nothing of it was changed", path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("schedule: %w", err)
		}
	}
	for _, u := range units {
		if err := os.WriteFile(filepath.Join(dir, u.name), []byte(u.text), 0o644); err != nil {
			return fmt.Errorf("schedule: %w", err)
		}
		c.note("Wrote %s", filepath.Join(dir, u.name))
	}
	return nil
}
