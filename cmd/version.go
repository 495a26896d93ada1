package cmd

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker, see the Makefile.
var version string

// toolVersion returns the version of this program: what the linker was told,
// else what go build recorded.
func toolVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return cmp.Or(info.Main.Version, "unknown")
}

type versionMessage struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show the version",
		GroupID: groupOther,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return c.printVersion() },
	}
	c.addJSONFlag(cmd)
	return cmd
}

func (c *cli) printVersion() error {
	v := versionMessage{toolVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if c.json {
		return c.printJSON(v)
	}
	_, err := fmt.Fprintf(c.stdout, "firn %s (%s, %s)\n", v.Version, v.Go, v.Platform)
	return err
}
