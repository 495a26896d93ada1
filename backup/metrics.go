package backup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"firn/config"
	"firn/outcome"
	"firn/report"
	"firn/session"
	"firn/site"
)

// metric is a metric in the file for Prometheus, with a value for each environment.
type metric struct{ name, help string }

// metrics are all of them, in the order of the file. An age is no metric: it would be the age at the moment of writing.
// time() - firn_last_success_time_seconds is always true.
var metrics = [...]metric{
	{"firn_last_run_time_seconds", "When the last backup ran, whatever came of it, in seconds since 1970."},
	{"firn_last_run_exit_code", "What the last backup ended with; 0 is success."},
	{"firn_last_run_duration_seconds", "How long the last backup took, with the commands around it."},
	{"firn_last_run_requests", "How many requests the last backup made to the object store."},
	{"firn_last_success_time_seconds", "When a backup succeeded last, in seconds since 1970."},
	{"firn_snapshot_time_seconds", "Of when the newest snapshot is, in seconds since 1970."},
	{"firn_snapshot_size_bytes", "Size of the database in the newest snapshot."},
	{"firn_snapshot_added_bytes", "By how much the newest snapshot made the repository grow."},
	{"firn_snapshot_unchanged", "1 if the newest snapshot is the same as the one before."},
}

// samples are values by metric and labels. The values of environments that a run does not back up stay as they are. The
// values of the last success stay, too, if a run fails.
type samples map[string]map[string]string

// set sets the value of a metric with its labels.
func (s samples) set(name, labels string, value float64) {
	if s[name] == nil {
		s[name] = make(map[string]string)
	}
	s[name][labels] = strconv.FormatFloat(value, 'f', -1, 64)
}

// recorded is everything that the metrics tell of one backup.
type recorded struct {
	env      *config.Environment
	began    time.Time
	took     time.Duration
	requests int64   // of the session meanwhile
	result   *Result // nil for no snapshot
	err      error
}

func (s samples) add(r recorded) {
	for _, labels := range s.labels(r.env) {
		s.addAs(labels, r)
	}
}

// labels returns the labels of an environment's series. If the configuration does not tell the database, they are the labels
// that are in the file already: a new series without a database would tell of a failure for ever.
func (s samples) labels(env *config.Environment) (all []string) {
	begin := fmt.Sprintf(`{environment="%s",database="`, escapeLabel(env.Name))
	if env.DatabaseName != "" {
		return []string{begin + escapeLabel(env.DatabaseName) + `"}`}
	}
	for labels := range s["firn_last_run_exit_code"] {
		if strings.HasPrefix(labels, begin) {
			all = append(all, labels)
		}
	}
	return all
}

func (s samples) addAs(labels string, r recorded) {
	ended := seconds1970(r.began.Add(r.took))
	code := outcome.CodeDone
	if r.err != nil {
		code, _ = outcome.Classify(r.err)
	}
	s.set("firn_last_run_time_seconds", labels, ended)
	s.set("firn_last_run_exit_code", labels, float64(code))
	s.set("firn_last_run_duration_seconds", labels, r.took.Seconds())
	s.set("firn_last_run_requests", labels, float64(r.requests))
	if r.err == nil {
		s.set("firn_last_success_time_seconds", labels, ended)
	}
	if m := r.result; m != nil {
		s.set("firn_snapshot_time_seconds", labels, seconds1970(m.Snapshot.Time))
		s.set("firn_snapshot_size_bytes", labels, float64(m.Size()))
		s.set("firn_snapshot_added_bytes", labels, float64(m.Snapshot.Added))
		s.set("firn_snapshot_unchanged", labels, map[bool]float64{true: 1}[m.Unchanged()])
	}
}

func seconds1970(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

func escapeLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(report.Clean(s))
}

// String returns the file: Prometheus's text format.
func (s samples) String() string {
	var b strings.Builder
	for _, m := range metrics {
		if len(s[m.name]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
		for _, labels := range slices.Sorted(maps.Keys(s[m.name])) {
			fmt.Fprintf(&b, "%s%s %s\n", m.name, labels, s[m.name][labels])
		}
	}
	return b.String()
}

// parseSamples reads the text that String wrote. It leaves out lines of other kinds.
func parseSamples(text string) samples {
	s := make(samples)
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "{")
		at := strings.LastIndex(rest, "} ")
		known := slices.ContainsFunc(metrics[:], func(m metric) bool { return m.name == name })
		if !known || at < 0 {
			continue
		}
		if value, err := strconv.ParseFloat(rest[at+2:], 64); err == nil {
			s.set(name, "{"+rest[:at+1], value)
		}
	}
	return s
}

// recordMetrics writes the outcome of a backup into the metrics file, if there is one. A backup does not depend on it.
func (w *watch) recordMetrics(ctx context.Context, r recorded) {
	path := cmp.Or(w.metricsFile, w.Conf.MetricsFile)
	if path == "" {
		return
	}
	if err := w.updateMetrics(context.WithoutCancel(ctx), path, r); err != nil {
		w.Warn("metrics of %s could not be written: %v", r.env.Name, err)
	}
}

// updateMetrics replaces the file at once: the collector must not read a half of it. The temporary file beside it is not
// called *.prom, so it is not collected.
func (w *watch) updateMetrics(ctx context.Context, path string, r recorded) error {
	release, err := w.lockMetrics(ctx, path)
	if err != nil {
		return err
	}
	defer release()
	return site.AtFile(path, func(f site.ReportFile) error {
		old, err := f.Read()
		if err != nil {
			return err
		}
		all := parseSamples(old)
		all.add(r)
		return f.Replace(all.String())
	})
}

// lockMetrics waits for other runs that write the same file: each environment may have a line of its own in cron.
func (w *watch) lockMetrics(ctx context.Context, path string) (release func(), err error) {
	dir, err := w.LockDir()
	if err != nil {
		return nil, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	file := flock.New(filepath.Join(dir, session.LockName("metrics", path)+".lock"), flock.SetPermissions(0o600))
	if _, err := file.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another run: %w", err)
	}
	return func() { _ = file.Close() }, nil
}
