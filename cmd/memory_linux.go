package cmd

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// memoryLimit returns how many bytes of memory the control groups of the process allow, 0 for no limit or none that can
// be seen.
func memoryLimit() int64 {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	return groupLimit("/sys/fs/cgroup", string(groups))
}

// groupLimit returns the smallest limit of the groups, which are told as in /proc/self/cgroup, and of those that they
// are in. Below root are the files of version 2, of version 1 in a folder of its own, or both.
func groupLimit(root, groups string) int64 {
	least := int64(0)
	for line := range strings.Lines(groups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[0] == "0" && fields[1] == "":
			least = lesser(least, treeLimit(root, fields[2], "memory.max", "memory.high"))
			least = lesser(least, treeLimit(path.Join(root, "unified"), fields[2], "memory.max", "memory.high"))
		case strings.Contains(","+fields[1]+",", ",memory,"):
			least = lesser(least, treeLimit(path.Join(root, "memory"), fields[2], "memory.limit_in_bytes"))
		}
	}
	return least
}

// treeLimit returns the smallest limit of a group and of all above it. In a container the group's own name may lead
// nowhere, and the root is the container's.
func treeLimit(root, group string, files ...string) int64 {
	least := int64(0)
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		for _, file := range files {
			b, err := os.ReadFile(path.Join(root, group, file))
			if n, e := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && e == nil && n > 0 && n < unlimited {
				least = lesser(least, n)
			}
		}
		if group == "/" {
			return least
		}
	}
}

// unlimited is less than the number that version 1 has for no limit.
const unlimited = 1 << 60

// lesser returns the lesser of two limits, of which 0 is none.
func lesser(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
