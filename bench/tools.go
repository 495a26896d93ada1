package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"firn/bench/internal/checkout"
	"firn/bench/internal/usage"
)

// choose returns the contenders that the options name, ready to be run in work. It also
// returns a line for each contender that this machine cannot run.
func choose(work string, o options) (chosen []contender, absent []string, err error) {
	all := contenders()
	if o.before != "" {
		c, err := linkBefore(work, o.before)
		if err != nil {
			return nil, nil, err
		}
		i := slices.IndexFunc(all, func(c contender) bool { return c.name == firnName })
		all = slices.Insert(all, i, c)
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(all, func(c contender) bool { return c.name == name }) {
			return nil, nil, fmt.Errorf("-only %s: no such contender", name)
		}
	}
	chosen = slices.DeleteFunc(all, func(c contender) bool {
		return len(o.only) > 0 && !slices.Contains(o.only, c.name)
	})
	if slices.ContainsFunc(chosen, func(c contender) bool { return c.name == firnName }) {
		if err := checkout.BuildFirn(context.Background(), filepath.Join(binaries(work), firnName)); err != nil {
			return nil, nil, err
		}
	}
	chosen, absent = leaveOut(work, chosen)
	if len(chosen) == 0 {
		return nil, nil, fmt.Errorf("no contender is left: run bench/install, or choose others by -only\n%s", strings.Join(absent, "\n"))
	}
	return chosen, absent, nil
}

// linkBefore returns the contender that runs another build of firn.
func linkBefore(work, program string) (contender, error) {
	const name = "firn-before"
	program, err := filepath.Abs(program)
	if err != nil {
		return contender{}, err
	}
	if err := os.MkdirAll(binaries(work), 0o700); err != nil {
		return contender{}, err
	}
	return firnContender(beforeName, "firn before", name), os.Symlink(program, filepath.Join(binaries(work), name))
}

// leaveOut returns the contenders that can run here, and for each of the others a line with
// the reason.
func leaveOut(work string, all []contender) (there []contender, absent []string) {
	for _, c := range all {
		reason := missingTools(c)
		if reason == "" && c.unproven {
			reason = try(c, filepath.Join(work, "try"))
		}
		if reason == "" {
			there = append(there, c)
			continue
		}
		absent = append(absent, fmt.Sprintf("left out: %s (%s)", c.name, reason))
		logf("%s", absent[len(absent)-1])
	}
	return there, absent
}

// missingTools names the tools that a contender calls and this machine lacks.
func missingTools(c contender) string {
	missing := slices.DeleteFunc(slices.Clone(c.tools), func(tool string) bool {
		_, err := exec.LookPath(tool)
		return err == nil
	})
	if len(missing) == 0 {
		return ""
	}
	return "missing: " + strings.Join(missing, ", ")
}

// try takes a contender through backups and restores of a small database, and returns the
// error on one line, or "".
func try(c contender, work string) (problem string) {
	defer os.RemoveAll(work)
	r, err := newRounds(options{sizes: []int64{1}}, work, []contender{c})
	if err == nil {
		err = r.run([]step{{1, r.first}, {1, r.idle}})
	}
	if err == nil {
		return ""
	}
	return "fails here: " + strings.Join(strings.Fields(err.Error()), " ")
}

// toolsOf returns the tools of all contenders, each tool once.
func toolsOf(contenders []contender) (tools []string) {
	for _, c := range contenders {
		for _, tool := range c.tools {
			if !slices.Contains(tools, tool) {
				tools = append(tools, tool)
			}
		}
	}
	return tools
}

// binaries returns the folder that firn is built into. No contender has its name.
func binaries(work string) string { return filepath.Join(work, "bin") }

// searchPath returns the folders of the contenders' tools: of firn as it is built now, of the
// programs that bench/install has installed, and of the system's programs.
func searchPath(work string) (string, error) {
	installed, err := checkout.Installed(context.Background())
	return strings.Join([]string{binaries(work), installed, os.Getenv("PATH")}, string(filepath.ListSeparator)), err
}

// machine describes the machine, and names the versions of all tools.
func machine(contenders []contender) []string {
	lines := []string{usage.Machine()}
	for _, tool := range toolsOf(contenders) {
		lines = append(lines, versionOf(tool))
	}
	return lines
}

// versionOf asks a tool for its version. Some tools have a command for it.
func versionOf(name string) string {
	arg := "--version"
	if slices.Contains([]string{"restic", "firn", "firn-before", "litestream"}, name) {
		arg = "version"
	}
	out, err := exec.Command(name, arg).Output()
	if err != nil {
		return name + ": version unknown"
	}
	line, _, _ := strings.Cut(strings.Trim(string(out), "* \n"), "\n")
	if !strings.HasPrefix(line, name) {
		line = name + " " + line
	}
	return line
}
