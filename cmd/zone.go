package cmd

import (
	"strings"
	_ "time/tzdata" // the zones for systems without them, such as containers and rescue systems
)

// warnZone prints a warning if TZ names an unknown zone, since Go uses UTC then without a word. It stops nothing: only the times
// that people read and type depend on the zone.
func (c *cli) warnZone() {
	name := strings.TrimPrefix(c.program.Getenv("TZ"), ":")
	if c.program.Zone.String() != "UTC" || name == "" || name == "UTC" || name == "UTC0" {
		return
	}
	c.warn("TZ is %q, which is not the name of a time zone such as Europe/Berlin: times are in UTC", name)
}
