package schedule

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"firn/config"
	"firn/outcome"
)

// Unit is a file for systemd.
type Unit struct{ Name, Text string }

// These stand in units' names where others have the environment's.
const weeklyName, copyName = "verify", "copy"

// service is what the template of services is filled with.
type service struct {
	File, Description, User, Key string
	CopyKey                      string // of the repository that is copied to
	Commands                     []string
	Mounts, Writable             string
	ProtectHome                  string
}

// capabilities are what is left of root's: to read databases of other users (DAC), to act
// as the owner of a folder, in that folder alone (SETUID, SETGID, SYS_CHROOT), to give files to that owner (CHOWN, FOWNER),
// and to end a command that has become another user and lasts too long (KILL). Other users
// have none.
const capabilities = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID CAP_SYS_CHROOT"

// Capabilities returns those that the service may have.
func (v service) Capabilities() string {
	switch v.User {
	case "", "root", "0":
		return capabilities
	}
	return ""
}

// Units returns a service and a timer for each environment, for the weekly work, and for
// the daily copy.
func (s *Schedule) Units() ([]Unit, error) {
	var units []Unit
	for _, b := range s.Backups {
		if other := map[string]string{weeklyName: "weekly", copyName: "daily"}[b.Name]; other != "" {
			return nil, outcome.Usage("Rename it, or leave it to cron.", "schedule: the units of environment %q would have the name of the %s ones", b.Name, other)
		}
		service := s.service(unitName(b.Name), "firn snapshot of "+strings.ReplaceAll(b.Name, "%", "%%"), []*config.Environment{b.env}, s.exec("backup", b.Name, "--prune"))
		pair, err := service.pair(b.at.calendar())
		if err != nil {
			return nil, err
		}
		units = append(units, pair...)
	}
	var envs []*config.Environment
	for _, name := range s.conf.Names() {
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
func (s *Schedule) copyService() service {
	command := s.exec("copy", "--prune")
	if s.conf.Copy.KeyFile != "" {
		command += " --to-key-file %d/copy.key"
	}
	v := s.service(unitName(copyName), "firn copy to another repository, daily", nil, command)
	v.CopyKey = strings.ReplaceAll(s.conf.Copy.KeyFile, "%", "%%")
	if folder := s.target.Folder; folder != "" {
		v.Mounts = strings.TrimSpace(v.Mounts + " " + unitWord(folder))
		v.Writable = strings.TrimSpace(v.Writable + " " + unitWord(folder))
		if atHome(folder) {
			v.ProtectHome = "read-only"
		}
	}
	return v
}

func (s *Schedule) service(name, description string, envs []*config.Environment, commands ...string) service {
	v := service{File: name, Description: description, User: s.User, Commands: commands, Key: strings.ReplaceAll(s.conf.KeyFile, "%", "%%")}
	var folders []string
	if s.repository.Kind == nil {
		folders = append(folders, s.repository.Folder)
		v.Mounts = unitWord(s.repository.Folder)
	}
	for _, env := range envs {
		folders = append(folders, filepath.Dir(env.Database))
	}
	if s.conf.MetricsFile != "" {
		folders = append(folders, filepath.Dir(s.conf.MetricsFile))
	}
	v.ProtectHome = "yes"
	if slices.ContainsFunc(append(slices.Clone(folders), s.conf.Path), atHome) {
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

// exec returns a command line for a unit.
func (s *Schedule) exec(args ...string) string {
	words := []string{unitWord(s.program)}
	for _, a := range s.arguments(args) {
		words = append(words, strings.ReplaceAll(unitWord(a), "$", "$$"))
	}
	return strings.Join(words, " ")
}

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

// atHome reports whether ProtectHome=yes would hide a path.
func atHome(path string) bool {
	return slices.ContainsFunc([]string{"/home/", "/root/", "/run/user/"}, func(home string) bool { return strings.HasPrefix(path+"/", home) })
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
func (v service) pair(calendar string) ([]Unit, error) {
	name := v.File
	v.File = name + ".service"
	text, err := render("service", v)
	if err != nil {
		return nil, err
	}
	timer, err := render("timer", map[string]string{"File": name + ".timer", "Description": v.Description, "Calendar": calendar})
	return []Unit{{v.File, text}, {name + ".timer", timer}}, err
}
