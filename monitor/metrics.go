// Package monitor tells the world outside of firn how runs go: by a command, by a ping to a monitor, and by a file of metrics. A run
// depends on none of them.
package monitor

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"firn/report"
	"firn/session"
	"firn/site"
)

// metric is a metric in the file for Prometheus, with a value for each environment. A metric whose name ends with _total is a
// counter, which begins anew with a process.
type metric struct{ name, help string }

// kind returns the type that Prometheus knows the metric by.
func (m metric) kind() string {
	if strings.HasSuffix(m.name, "_total") {
		return "counter"
	}
	return "gauge"
}

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
	{"firn_snapshot_sound", "1 if the database in the newest snapshot was found sound, 0 if it is damaged; no sample if that is not known."},
	{"firn_snapshot_checked_time_seconds", "When all pages of the database were checked last, in seconds since 1970."},

	{"firn_watch_stored_time_seconds", "Up to when the changes of a watched database are stored, in seconds since 1970."},
	{"firn_watch_last_success_time_seconds", "When a watch found a database unchanged or stored it last, in seconds since 1970."},
	{"firn_watch_healthy", "1 if nothing keeps a watch from reading the database."},
	{"firn_watch_rounds_total", "Rounds with a snapshot of the database, since the watch began."},
	{"firn_watch_failures_total", "Failed attempts at the database, since the watch began."},
	{"firn_watch_full_readings_total", "How often the whole database was read, by cause, since the watch began."},
	{"firn_watch_process_rounds_total", "Rounds of a watch that stored something, since it began."},
	{"firn_watch_process_requests_total", "Requests of a watch to the object store, since it began."},
	{"firn_watch_process_store_failures_total", "Failed attempts of a watch to store something, since it began."},
	{"firn_watch_unconfirmed_snapshots", "Snapshots that a watch has stored and not confirmed yet."},
	{"firn_watch_spool_bytes", "Bytes that wait on this host, since the store is away."},
	{"firn_watch_spool_time_seconds", "Since when they wait, in seconds since 1970; 0 if none do."},
}

// Samples are values by metric and labels. The values of environments that a run does not back up stay as they are. The
// values of the last success stay, too, if a run fails.
type Samples map[string]map[string]string

// Set sets the value of a metric with its labels.
func (s Samples) Set(name, labels string, value float64) {
	if s[name] == nil {
		s[name] = make(map[string]string)
	}
	s[name][labels] = strconv.FormatFloat(value, 'f', -1, 64)
}

// Labels returns the labels of an environment's database.
func Labels(environment, database string) string {
	return labelsOf(environment) + escapeLabel(database) + `"}`
}

// labelsOf returns the beginning of the labels of an environment's databases.
func labelsOf(environment string) string {
	return fmt.Sprintf(`{environment="%s",database="`, escapeLabel(environment))
}

// Cause returns labels with a cause beside them.
func Cause(labels, cause string) string {
	return strings.TrimSuffix(labels, "}") + `,cause="` + escapeLabel(cause) + `"}`
}

// Of returns the labels of what is of no environment but of a process that works on a repository.
func Of(repository string) string { return `{repository="` + escapeLabel(repository) + `"}` }

// Known returns the labels of all databases of an environment that a metric has.
func (s Samples) Known(metric, environment string) (all []string) {
	begin := labelsOf(environment)
	for labels := range s[metric] {
		if strings.HasPrefix(labels, begin) {
			all = append(all, labels)
		}
	}
	return all
}

// Seconds1970 returns a time as the value of a metric.
func Seconds1970(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

func escapeLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(report.Clean(s))
}

// String returns the file: Prometheus's text format.
func (s Samples) String() string {
	var b strings.Builder
	for _, m := range metrics {
		if len(s[m.name]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.name, m.help, m.name, m.kind())
		for _, labels := range slices.Sorted(maps.Keys(s[m.name])) {
			fmt.Fprintf(&b, "%s%s %s\n", m.name, labels, s[m.name][labels])
		}
	}
	return b.String()
}

// parseSamples reads the text that String wrote. It leaves out lines of other kinds.
func parseSamples(text string) Samples {
	s := make(Samples)
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "{")
		at := strings.LastIndex(rest, "} ")
		known := slices.ContainsFunc(metrics[:], func(m metric) bool { return m.name == name })
		if !known || at < 0 {
			continue
		}
		if value, err := strconv.ParseFloat(rest[at+2:], 64); err == nil {
			s.Set(name, "{"+rest[:at+1], value)
		}
	}
	return s
}

// UpdateMetrics changes the file of metrics at a path, and keeps what other runs have written. It replaces the file at once: the
// collector must not read a half of it. The temporary file beside it is not called *.prom, so it is not collected.
func UpdateMetrics(ctx context.Context, s *session.Session, path string, change func(Samples)) error {
	release, err := lockMetrics(ctx, s, path)
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
		change(all)
		return f.Replace(all.String())
	})
}

// ReadMetrics reads the file of metrics at a path, which may be missing.
func ReadMetrics(path string) (all Samples, err error) {
	err = site.AtFile(path, func(f site.ReportFile) error {
		text, err := f.Read()
		all = parseSamples(text)
		return err
	})
	return all, err
}

// lockMetrics waits for other runs that write the same file: each environment may have a line of its own in cron.
func lockMetrics(ctx context.Context, s *session.Session, path string) (release func(), err error) {
	dir, err := s.LockDir()
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
