package cmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
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
	all, damage, err := s.SnapshotsOf(ctx, o.environment)
	if err != nil {
		return err
	}
	shares, err := s.Repo.Shares(ctx, all)
	if err != nil {
		return err
	}
	usage, err := s.Repo.Usage(ctx)
	if err != nil {
		return err
	}
	m := newStatsMessage(all, shares, usage)
	if o.environment != "" {
		m.narrow(all, shares, o.environment)
	}
	if err := s.printStats(m, o.environment); err != nil {
		return err
	}
	if o.plot != "" {
		if err := s.writePlot(o.plot, m.curves()); err != nil {
			return err
		}
	}
	return damage
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
	Alone       int64  `json:"alone"` // bytes that nobody else needs
	SizePerDay  int64  `json:"size_per_day"`
	AddedPerDay int64  `json:"added_per_day"`

	history []*snapshot.Snapshot // newest first, without what restores have put aside
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

	snap *snapshot.Snapshot
}

func newStatsMessage(all []*snapshot.Snapshot, shares *repo.Shares, usage *repo.Usage) *statsMessage {
	m := &statsMessage{Snapshots: len(all), Needed: shares.Needed, Size: usage.Size, Databases: []databaseStats{}}
	histories := snapshot.BySeries(all)
	for _, series := range slices.SortedFunc(maps.Keys(histories), snapshot.Series.Compare) {
		own := histories[series]
		d := databaseStats{
			Environment: series.Environment, Database: series.Database, Snapshots: len(own),
			Size: own[0].Image().Size, Alone: shares.Series[series], history: session.OfBackups(own),
		}
		for _, s := range own {
			d.Logical += s.Image().Size
		}
		m.Logical += d.Logical
		d.SizePerDay, d.AddedPerDay = trend(d.history)
		m.Databases = append(m.Databases, d)
	}
	if m.Needed > 0 {
		m.Ratio = float64(m.Logical) / float64(m.Needed)
	}
	return m
}

// narrow leaves one environment, and adds its snapshots.
func (m *statsMessage) narrow(all []*snapshot.Snapshot, shares *repo.Shares, environment string) {
	m.Databases = slices.DeleteFunc(m.Databases, func(d databaseStats) bool { return d.Environment != environment })
	m.ByID = []snapshotStats{}
	for _, s := range session.Filter(all, snapshot.Filter{Environment: environment}) {
		m.ByID = append(m.ByID, snapshotStats{
			ID: s.ID.String(), Time: s.Time, Database: s.Database, Tags: append([]string{}, s.Tags...),
			Size: s.Image().Size, Added: s.Added, Alone: shares.Snapshots[s.ID], snap: s,
		})
	}
}

// curves are the sizes over time.
func (m *statsMessage) curves() []curve {
	var curves []curve
	for _, d := range m.Databases {
		c := curve{name: d.Environment}
		if d.Database != d.Environment {
			c.name += ", " + d.Database
		}
		for _, s := range slices.Backward(d.history) {
			c.points = append(c.points, point{s.Time, s.Image().Size})
		}
		curves = append(curves, c)
	}
	return curves
}

func (s *opened) printStats(m *statsMessage, environment string) error {
	if s.json {
		return s.printJSON(m)
	}
	if len(m.Databases) == 0 {
		s.note("No snapshots.")
		return nil
	}
	if err := s.tableOfDatabases(m.Databases); err != nil {
		return err
	}
	if environment != "" {
		fmt.Fprintln(s.stdout)
		if err := s.tableOfShares(m.ByID); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(s.stdout, "\nIn all, %s of %s take %s: %.1f times less. The repository has %s.\n",
		report.Plural(m.Snapshots, "snapshot"), report.Size(m.Logical), report.Size(m.Needed), m.Ratio, report.Size(m.Size))
	return err
}

// sparkWidth is how many characters show the course of a size.
const sparkWidth = 16

func (s *opened) tableOfDatabases(databases []databaseStats) error {
	head := []string{"Environment", "Database", "Snapshots", "Size", "Course", "Per day", "Stored per day", "Alone"}
	var rows [][]string
	for _, d := range databases {
		var sizes []int64
		for _, snap := range slices.Backward(d.history) {
			sizes = append(sizes, snap.Image().Size)
		}
		grows, stores := perDay(d.SizePerDay, d.AddedPerDay)
		course := sparkline(sizes, sparkWidth, s.utf8())
		rows = append(rows, []string{d.Environment, d.Database, fmt.Sprint(d.Snapshots), report.Size(d.Size), course, grows, stores, report.Size(d.Alone)})
	}
	head, rows = fit(head, rows, []string{"Database", "Course", "Stored per day", "Per day", "Snapshots"}, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}

func (s *opened) tableOfShares(snapshots []snapshotStats) error {
	head := []string{"ID", "Time", "Tags", "Size", "Added", "Alone"}
	var rows [][]string
	for _, snap := range slices.Backward(snapshots) {
		rows = append(rows, []string{
			snap.ID[:8], s.When(snap.Time), shownTags(snap.snap), report.Size(snap.Size), report.Size(snap.Added), report.Size(snap.Alone),
		})
	}
	head, rows = fit(head, rows, []string{"Tags", "Added", "Size"}, terminalWidth(s.stdout))
	return s.table(s.stdout, head, rows)
}
