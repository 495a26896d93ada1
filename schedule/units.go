package schedule

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"firn/config"
	"firn/outcome"
	"firn/store"
)

// Unit is a file for systemd.
type Unit struct{ Name, Text string }

// The units that are not of an environment have these words in their names. The other units have the environment's name there.
const checkName, verifyName, copyName = "check", "verify", "copy"

// service has the values for the template of services.
type service struct {
	File, Description, User, Key string
	CopyKey                      string // the key file of the copies' repository
	Commands                     []string
	Mounts, Writable             string
	ProtectHome                  string
}

// capabilities are the capabilities that a service of root keeps: to read databases of other users (DAC), to act as the owner
// of a folder in that folder alone (SETUID, SETGID, SYS_CHROOT), to give files to that owner (CHOWN, FOWNER), and to end a
// command that has become another user and takes too long (KILL). Services of other users have none.
const capabilities = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID CAP_SYS_CHROOT"

// Capabilities returns the capabilities that the service may have.
func (v service) Capabilities() string {
	switch v.User {
	case "", "root", "0":
		return capabilities
	}
	return ""
}

// Units returns a service and a timer for each environment, for the weekly check, and for the daily verification and copy.
func (s *Schedule) Units() ([]Unit, error) {
	var units []Unit
	for _, b := range s.Backups {
		if other := map[string]string{checkName: "weekly", verifyName: "daily", copyName: "daily"}[b.Name]; other != "" {
			return nil, outcome.Usage("Rename it, or leave it to cron.", "schedule: the units of environment %q would have the name of the %s ones", b.Name, other)
		}
		service := s.service(unitName(b.Name), "firn snapshot of "+strings.ReplaceAll(b.Name, "%", "%%"), []*config.Environment{b.env}, s.exec("backup", b.Name, "--prune"))
		pair, err := service.pair(b.at.calendar()...)
		if err != nil {
			return nil, err
		}
		units = append(units, pair...)
	}
	pairs := []timed{
		{s.service(unitName(checkName), "firn check, weekly", nil, s.exec("check", "--read-data")), "Sun 04:17"},
		{s.service(unitName(verifyName), "firn verification, daily", s.conf.Tables(), s.exec("verify", "--all")), "*-*-* 05:17"},
	}
	if s.target != nil {
		pairs = append(pairs, timed{s.copyService(), "*-*-* 03:41"})
	}
	for _, p := range pairs {
		pair, err := p.pair(p.calendar)
		if err != nil {
			return nil, err
		}
		units = append(units, pair...)
	}
	return units, nil
}

// timed is a service with the time at which it is started.
type timed struct {
	service
	calendar string
}

// copyService returns the service of the daily copy. It also gives its user access to the key of the target.
func (s *Schedule) copyService() service {
	v := s.service(unitName(copyName), "firn copy to another repository, daily", nil, s.exec("copy", "--prune"))
	s.addTarget(&v)
	return v
}

// addTarget lets a service with one command copy to the other repository, if there is one.
func (s *Schedule) addTarget(v *service) {
	if s.target == nil {
		return
	}
	if s.conf.Copy.KeyFile != "" {
		v.Commands[0] += " --to-key-file %d/copy.key"
	}
	v.CopyKey = strings.ReplaceAll(s.conf.Copy.KeyFile, "%", "%%")
	if programsAtHome(s.target.Location) {
		v.ProtectHome = "read-only"
	}
	if folder := s.target.Folder; folder != "" {
		v.Mounts = strings.TrimSpace(v.Mounts + " " + unitWord(folder))
		v.letWrite(folder)
	}
}

// letWrite lets the service write one more folder.
func (v *service) letWrite(folder string) {
	v.Writable = strings.TrimSpace(v.Writable + " " + unitWord(folder))
	if atHome(folder) {
		v.ProtectHome = "read-only"
	}
}

// service returns a service that runs commands of firn on environments.
func (s *Schedule) service(name, description string, envs []*config.Environment, commands ...string) service {
	v := service{File: name, Description: description, User: s.User, Commands: commands, Key: strings.ReplaceAll(s.keyFile(), "%", "%%")}
	var folders []string
	if s.repository.Kind == nil {
		folders = append(folders, s.repository.Folder)
		v.Mounts = unitWord(s.repository.Folder)
	}
	configured := programsAtHome(s.repository.Location) // the program that the service starts finds its configuration there
	for _, env := range envs {
		if env.Remote() {
			configured = true
			continue
		}
		folders = append(folders, env.Folder())
	}
	if s.settings.cache != "" {
		folders = append(folders, s.settings.cache)
	}
	if s.conf.MetricsFile != "" {
		folders = append(folders, filepath.Dir(s.conf.MetricsFile))
	}
	v.ProtectHome = "yes"
	if configured || slices.ContainsFunc(append(slices.Clone(folders), s.conf.Path), atHome) {
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

// keyFile returns the key file that systemd hands on, "" for none.
func (s *Schedule) keyFile() string {
	if s.settings.other {
		return ""
	}
	return cmp.Or(s.settings.keyFile, s.conf.KeyFile)
}

// exec returns a command line for a unit.
func (s *Schedule) exec(args ...string) string {
	words := []string{unitWord(s.program)}
	for _, a := range s.arguments(args) {
		words = append(words, strings.ReplaceAll(unitWord(a), "$", "$$"))
	}
	return strings.Join(words, " ")
}

// unitName returns the name of an environment's units. It escapes characters that names of units or files cannot have, as
// systemd-escape does.
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

// atHome reports whether the setting ProtectHome=yes would hide a path.
func atHome(path string) bool {
	return slices.ContainsFunc([]string{"/home/", "/root/", "/run/user/"}, func(home string) bool { return strings.HasPrefix(path+"/", home) })
}

// programsAtHome reports whether the place at a location is reached by a program that has its configuration in the home folder:
// ssh or rclone.
func programsAtHome(location string) bool {
	return slices.Contains([]string{"sftp", "ssh", "rclone"}, store.Scheme(location))
}

// unitWord returns a text as one word of a unit. It escapes %, which begins a specifier there.
func unitWord(s string) string {
	s = strings.ReplaceAll(s, "%", "%%")
	if strings.ContainsAny(s, " \t\"'\\;") {
		s = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

// pair returns the files of the service and of the timer that starts it.
func (v service) pair(calendar ...string) ([]Unit, error) {
	name := v.File
	v.File = name + ".service"
	text, err := render("service", v)
	if err != nil {
		return nil, err
	}
	timer, err := render("timer", map[string]any{"File": name + ".timer", "Description": v.Description, "Calendar": calendar})
	return []Unit{{v.File, text}, {name + ".timer", timer}}, err
}
