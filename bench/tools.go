package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"firn/bench/internal/checkout"
)

// choose returns the contenders named, all for none, ready to be run in work.
func choose(work string, only []string) ([]contender, error) {
	all := contenders()
	for _, name := range only {
		if !slices.ContainsFunc(all, func(c contender) bool { return c.name == name }) {
			return nil, fmt.Errorf("-only %s: no such contender", name)
		}
	}
	chosen := slices.DeleteFunc(all, func(c contender) bool {
		return len(only) > 0 && !slices.Contains(only, c.name)
	})
	if slices.ContainsFunc(chosen, func(c contender) bool { return slices.Contains(c.tools, "firn") }) {
		if err := checkout.BuildFirn(context.Background(), filepath.Join(binaries(work), "firn")); err != nil {
			return nil, err
		}
	}
	return chosen, checkTools(chosen)
}

// checkTools names every tool that a contender calls and this machine lacks.
func checkTools(chosen []contender) error {
	var missing []string
	for _, tool := range toolsOf(chosen) {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("missing %s: run bench/install, or choose others by -only", strings.Join(missing, " "))
}

// toolsOf returns each tool once.
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

// binaries is where firn is built: contenders have folders of their own names.
func binaries(work string) string { return filepath.Join(work, "bin") }

// machine describes where this runs, and the versions of all tools.
func machine(contenders []contender) []string {
	lines := []string{fmt.Sprintf("%s/%s, %d CPUs%s%s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(), load())}
	for _, tool := range toolsOf(contenders) {
		lines = append(lines, versionOf(tool))
	}
	return lines
}

// processor names the CPU where the system tells.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(info), "model name")
	name, _, _ := strings.Cut(rest, "\n")
	return strings.Replace(name, "\t:", ",", 1)
}

// load tells, where the system does, what else the machine was doing at first.
func load() string {
	info, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(info), " ")
	return ", load before this " + minute
}

// versionOf asks a tool for its version; restic and firn have a command for it.
func versionOf(name string) string {
	arg := "--version"
	if name == "restic" || name == "firn" {
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
