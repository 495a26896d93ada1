//go:build linux

package cmd

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGroupLimit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files  map[string]string
		groups string
		want   int64
	}{
		"None":        {nil, "0::/\n", 0},
		"NoGroups":    {map[string]string{"memory.max": "100\n"}, "", 0},
		"Max":         {map[string]string{"a/memory.max": "max\n"}, "0::/a\n", 0},
		"V2":          {map[string]string{"a/memory.max": "67108864\n"}, "0::/a\n", 64 << 20},
		"Parent":      {map[string]string{"a/memory.max": "100\n", "a/b/memory.max": "200\n"}, "0::/a/b\n", 100},
		"High":        {map[string]string{"a/memory.max": "200\n", "a/memory.high": "150\n"}, "0::/a\n", 150},
		"Container":   {map[string]string{"memory.max": "300\n"}, "0::/docker/1234\n", 300},
		"V1":          {map[string]string{"memory/a/memory.limit_in_bytes": "400\n"}, "5:cpu:/x\n4:memory:/a\n0::/\n", 400},
		"V1Joined":    {map[string]string{"memory/a/memory.limit_in_bytes": "400\n"}, "4:hugetlb,memory:/a\n", 400},
		"V1Unlimited": {map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, "4:memory:/\n", 0},
		"V1Container": {map[string]string{"memory/memory.limit_in_bytes": "500\n"}, "4:memory:/docker/1\n", 500},
		"Garbage":     {map[string]string{"memory.max": "many\n"}, "0::/\nx\n::\n", 0},
		"Outside":     {map[string]string{"memory.max": "600\n"}, "0::/../../etc\n", 600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for file, text := range tt.files {
				file = filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := groupLimit(root, tt.groups); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
