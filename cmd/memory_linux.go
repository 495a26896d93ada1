package cmd

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// memoryLimit returns the limit of the process's control groups in bytes. It is 0 if they have no limit or cannot be read.
func memoryLimit() int64 {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	return groupLimit("/sys/fs/cgroup", string(groups))
}

// groupLimit returns the smallest limit of control groups and of all groups above them. The groups are listed as in
// /proc/self/cgroup. The folder root has the files of version 2, those of version 1 in a folder of their own, or both.
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

// treeLimit returns the smallest limit of a group and of all groups above it. In a container the group's own folder may be
// missing: then the root is the container's group.
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

// unlimited is less than the number by which version 1 says that a group has no limit.
const unlimited = 1 << 60

// lesser returns the lesser of two limits. A limit of 0 means no limit.
func lesser(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
