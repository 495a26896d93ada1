package usage

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine and its load.
func Machine() string {
	return fmt.Sprintf("%s/%s, %d CPUs%s%s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(), load())
}

// processor returns the name of the CPU, or "" where the system does not tell it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(info), "model name")
	name, _, _ := strings.Cut(rest, "\n")
	return strings.Replace(name, "\t:", ",", 1)
}

// load returns the load of the machine now, or "" where the system does not tell it.
func load() string {
	info, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(info), " ")
	return ", load before this " + minute
}
