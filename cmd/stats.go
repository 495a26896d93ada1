package cmd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/layout"
	"firn/report"
	"firn/session"
	"firn/upkeep"
)

// statsOptions are the flags of stats.
type statsOptions struct {
	environment, plot string
}

func newStats(c *cli) *cobra.Command {
	var o statsOptions
	cmd := &cobra.Command{
		Use:   "stats [ENV]",
		Short: "Show sizes, growth, and the space of each environment and snapshot",
		Long: `Shows for each environment the size of its database, its growth, and the space of the
repository that it alone needs. If an environment is named, firn also shows this for each
of its snapshots: the space that a snapshot alone needs would be freed if the snapshot
were forgotten. Space that several need counts for none of them, so the parts are
smaller than the whole.`,
		Example: `  firn stats
  firn stats production
  firn stats --plot sizes.svg`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.environment = first(args)
			return c.stats(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.plot, "plot", "", "draw the databases' sizes over time into this SVG `file`")
	_ = cmd.MarkFlagFilename("plot", "svg") // the flag exists: no error
	c.addJSONFlag(cmd)
	return cmd
}

// stats runs the command.
func (c *cli) stats(ctx context.Context, o statsOptions) error {
	s, err := c.open(ctx, session.OpenOptions{OnlyExistingCache: true})
	if err != nil {
		return err
	}
	defer s.Close()
	stats, err := upkeep.ReadStatistics(ctx, s.Session, o.environment)
	if err != nil {
		return err
	}
	if err := s.printStats(stats, o.environment); err != nil {
		return err
	}
	if o.plot != "" {
		if err := s.writePlot(o.plot, curves(stats.Databases)); err != nil {
			return err
		}
	}
	return stats.Damage
}

// statsMessage has all statistics in JSON.
type statsMessage struct {
	Snapshots int             `json:"snapshots"`
	Logical   int64           `json:"logical"` // bytes of the images of all snapshots
	Needed    int64           `json:"needed"`  // bytes of their data as it is stored
	Size      int64           `json:"size"`    // bytes of the repository, also those that no snapshot needs
	Ratio     float64         `json:"ratio"`   // logical divided by needed; 0 without snapshots
	Databases []databaseStats `json:"databases"`

	ByID []snapshotStats `json:"by_snapshot,omitempty"` // the snapshots of one environment, newest first
}

// databaseStats are the statistics of an environment's database.
type databaseStats struct {
	Environment string `json:"environment"`
	Database    string `json:"database"`
	Snapshots   int    `json:"snapshots"`
	Logical     int64  `json:"logical"`
	Size        int64  `json:"size"`  // of the newest snapshot
	Alone       int64  `json:"alone"` // bytes that no other database needs
	SizePerDay  int64  `json:"size_per_day"`
	AddedPerDay int64  `json:"added_per_day"`
}

// snapshotStats are the statistics of a snapshot.
type snapshotStats struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Database string    `json:"database"`
	Tags     []string  `json:"tags"`
	Size     int64     `json:"size"`
	Added    int64     `json:"added"`
	Alone    int64     `json:"alone"`
}

// newStatsMessage fills a [statsMessage].
func newStatsMessage(stats *upkeep.Statistics) *statsMessage {
	m := &statsMessage{
		Snapshots: stats.Snapshots, Logical: stats.Logical, Needed: stats.Needed, Size: stats.Size, Ratio: stats.Ratio, Databases: []databaseStats{},
	}
	for _, d := range stats.Databases {
		m.Databases = append(m.Databases, databaseStats{
			Environment: d.Environment, Database: d.Database, Snapshots: d.Snapshots, Logical: d.Logical, Size: d.Size, Alone: d.Alone,
			SizePerDay: d.SizePerDay, AddedPerDay: d.AddedPerDay,
		})
	}
	for _, share := range stats.Shares {
		s := share.Snapshot
		m.ByID = append(m.ByID, snapshotStats{
			ID: s.ID.String(), Time: s.Time, Database: s.Database, Tags: append([]string{}, s.Tags...),
			Size: s.Image().Size, Added: s.Added, Alone: share.Alone,
		})
	}
	return m
}

// curves returns the sizes of databases over time.
func curves(databases []upkeep.DatabaseStatistics) []curve {
	var curves []curve
	for _, d := range databases {
		c := curve{name: d.Environment}
		if d.Database != d.Environment {
			c.name += ", " + d.Database
		}
		for _, s := range slices.Backward(d.History) {
			c.points = append(c.points, point{s.Time, s.Image().Size})
		}
		curves = append(curves, c)
	}
	return curves
}

// printStats prints the statistics as tables or in JSON.
func (s *opened) printStats(stats *upkeep.Statistics, environment string) error {
	if s.json {
		return s.printJSON(newStatsMessage(stats))
	}
	if len(stats.Databases) == 0 {
		s.note("No snapshots.")
		return nil
	}
	if err := s.tableOfDatabases(stats.Databases); err != nil {
		return err
	}
	if environment != "" {
		fmt.Fprintln(s.stdout)
		if err := s.tableOfShares(stats.Shares); err != nil {
			return err
		}
	}
	total := fmt.Sprintf("In all, %s of %s take %s: %.1f times less. The repository has %s.",
		report.Plural(stats.Snapshots, "snapshot"), report.Size(stats.Logical), report.Size(stats.Needed), stats.Ratio, report.Size(stats.Size))
	_, err := fmt.Fprintf(s.stdout, "\n%s\n", layout.Sentence(total, terminalWidth(s.stdout)))
	return err
}

// sparkWidth is the width of a sparkline in characters.
const sparkWidth = 16

// tableOfDatabases prints a row for each database.
func (s *opened) tableOfDatabases(databases []upkeep.DatabaseStatistics) error {
	head := []string{"Environment", "Database", "Snapshots", "Size", "Course", "Per day", "Stored per day", "Alone"}
	var rows [][]string
	for _, d := range databases {
		var sizes []int64
		for _, snap := range slices.Backward(d.History) {
			sizes = append(sizes, snap.Image().Size)
		}
		grows, stores := perDay(d.SizePerDay, d.AddedPerDay)
		course := sparkline(sizes, sparkWidth, s.utf8())
		rows = append(rows, []string{d.Environment, d.Database, fmt.Sprint(d.Snapshots), report.Size(d.Size), course, grows, stores, report.Size(d.Alone)})
	}
	head, rows = layout.Fit(head, rows, []string{"Database", "Course", "Stored per day", "Per day", "Snapshots"}, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}

// tableOfShares prints a row for each snapshot.
func (s *opened) tableOfShares(shares []upkeep.Share) error {
	head := []string{"ID", "Time", "Tags", "Size", "Added", "Alone"}
	var rows [][]string
	for _, share := range slices.Backward(shares) {
		snap := share.Snapshot
		rows = append(rows, []string{
			snap.ID.Short(), s.WhenTaken(snap), shownTags(snap), report.Size(snap.Image().Size), report.Size(snap.Added), report.Size(share.Alone),
		})
	}
	head, rows = layout.Fit(head, rows, []string{"Tags", "Added", "Size"}, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}
