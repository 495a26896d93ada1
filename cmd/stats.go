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
		Use:     "stats [ENV]",
		Short:   "Show sizes, growth, and what each environment and snapshot takes",
		GroupID: groupSpace,
		Long: `Shows for each environment how large its database is, how it grows, and how much of the
repository it alone needs. With an environment, it shows the same for each of its
snapshots: what one holds alone is what forgetting it would free. What several hold
together is nobody's alone, so the parts are less than the whole.`,
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
	_ = cmd.MarkFlagFilename("plot", "svg") // it exists: no error
	c.addJSONFlag(cmd)
	return cmd
}

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

// statsMessage is all of it in JSON.
type statsMessage struct {
	Snapshots int             `json:"snapshots"`
	Logical   int64           `json:"logical"` // bytes of the images of all snapshots
	Needed    int64           `json:"needed"`  // bytes that they take as stored
	Size      int64           `json:"size"`    // bytes of the repository, with what no snapshot needs
	Ratio     float64         `json:"ratio"`   // of logical and needed; 0 without snapshots
	Databases []databaseStats `json:"databases"`

	ByID []snapshotStats `json:"by_snapshot,omitempty"` // of one environment, newest first
}

// databaseStats are those of one environment's database.
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

// snapshotStats are those of one snapshot.
type snapshotStats struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Database string    `json:"database"`
	Tags     []string  `json:"tags"`
	Size     int64     `json:"size"`
	Added    int64     `json:"added"`
	Alone    int64     `json:"alone"`
}

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

// curves are the sizes over time.
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

// sparkWidth is how many characters show the course of a size.
const sparkWidth = 16

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

func (s *opened) tableOfShares(shares []upkeep.Share) error {
	head := []string{"ID", "Time", "Tags", "Size", "Added", "Alone"}
	var rows [][]string
	for _, share := range slices.Backward(shares) {
		snap := share.Snapshot
		rows = append(rows, []string{
			snap.ID.Short(), s.When(snap.Time), shownTags(snap), report.Size(snap.Image().Size), report.Size(snap.Added), report.Size(share.Alone),
		})
	}
	head, rows = layout.Fit(head, rows, []string{"Tags", "Added", "Size"}, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}
