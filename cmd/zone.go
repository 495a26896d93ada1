package cmd

import (
	"strings"
	_ "time/tzdata" // zones by their names, where the system has none: in a container, on a rescue system
)

// warnZone tells that TZ names a zone that there is not, for which Go takes UTC in
// silence. It stops nothing: only the times that people read and type depend on it.
func (c *cli) warnZone() {
	name := strings.TrimPrefix(c.program.Getenv("TZ"), ":")
	if c.program.Zone.String() != "UTC" || name == "" || name == "UTC" || name == "UTC0" {
		return
	}
	c.warn("TZ is %q, which is not the name of a time zone such as Europe/Berlin: times are in UTC", name)
}
