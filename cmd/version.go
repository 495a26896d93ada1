package cmd

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// version and builtFrom are set by the linker, see the Makefile. builtFrom is a revision and its time, with a comma between
// them.
var version, builtFrom string

// toolVersion returns the version of this program: the linker's value, or else the value that go build has recorded.
func toolVersion() string {
	info, _ := debug.ReadBuildInfo()
	if version != "" || info == nil {
		return cmp.Or(version, "unknown")
	}
	return cmp.Or(info.Main.Version, "unknown")
}

// revision returns the revision of this program's source and its time. They are empty if the build has not recorded them.
func revision() (hash string, at time.Time) {
	hash, date, _ := strings.Cut(builtFrom, ",")
	info, ok := debug.ReadBuildInfo()
	if hash == "" && ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				hash = s.Value
			case "vcs.time":
				date = s.Value
			}
		}
	}
	at, _ = time.Parse(time.RFC3339, date) // as git and go write it
	return hash, at
}

// versionMessage is the version in JSON.
type versionMessage struct {
	Version  string    `json:"version"`
	Revision string    `json:"revision,omitempty"`
	Time     time.Time `json:"time,omitzero"` // of the revision
	Go       string    `json:"go"`
	Platform string    `json:"platform"`
}

func newVersion(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  noArguments,
		RunE:  func(*cobra.Command, []string) error { return c.printVersion() },
	}
	c.addJSONFlag(cmd)
	return cmd
}

// printVersion runs the command.
func (c *cli) printVersion() error {
	hash, at := revision()
	v := versionMessage{toolVersion(), hash, at.UTC(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if c.json {
		return c.printJSON(v)
	}
	if hash != "" {
		hash = "revision " + hash[:min(12, len(hash))] + ", "
	}
	_, err := fmt.Fprintf(c.stdout, "firn %s (%s%s, %s)\n", v.Version, hash, v.Go, v.Platform)
	return err
}
