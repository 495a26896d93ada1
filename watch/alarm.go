package watch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firn/config"
	"firn/monitor"
	"firn/report"
	"firn/session"
	"firn/site"
)

const (
	// alarmIntervals is after how many intervals of a fault the monitors of a database learn of it.
	alarmIntervals = 3
	// leastAlarm is the time that a fault lasts at least before they do: an application that starts anew is no fault.
	leastAlarm = time.Minute
	// beatPause is the time between two signs of life to a monitor.
	beatPause = time.Minute
	// messagesAtOnce bounds the messages to monitors that are under way. Each may take minutes.
	messagesAtOnce = 8
	// mostMessages bounds those that wait. A monitor that is away for long misses signs of life, and says so itself.
	mostMessages = 1000
)

// messages are what monitors are to be told.
type messages struct {
	waiting []func(context.Context)
	running int
	beat    timer // of signs of life
}

// alarms tells the monitors of databases whose faults last, once for each fault.
func (w *Watch) alarms(now instant) {
	for _, d := range w.databases {
		if d.fault == nil || d.alarmed || d.expected || d.state == Elsewhere || w.options.Once {
			continue
		}
		if now.since-d.faulty.since >= max(alarmIntervals*d.every, leastAlarm) {
			d.alarmed = true
			w.alarm(d.env, d.fault)
		}
	}
	w.alarmAway(now)
	w.sendMessages()
}

// alarmAway tells all monitors once that the store has been away for long.
func (w *Watch) alarmAway(now instant) {
	if w.away.err != nil && !w.away.alarmed && now.since-w.away.since.since >= max(alarmIntervals*w.every, leastAlarm) {
		w.away.alarmed = true
		w.alarmAll(nil, w.away.err)
	}
}

// alarm tells the command and the monitor of an environment of a failure.
func (w *Watch) alarm(env *config.Environment, err error) {
	if env.OnFailure == "" && env.Ping == "" {
		return
	}
	w.message(func(ctx context.Context) { w.tellFailure(ctx, env, fmt.Errorf("watch %s: %w", env.Name, err)) })
}

// alarmAll tells the commands and monitors of some environments of a failure, each once; of all for none.
func (w *Watch) alarmAll(names []string, err error) {
	told := map[[2]string]bool{}
	for _, d := range w.databases {
		key := [2]string{d.env.OnFailure, d.env.Ping}
		if told[key] || len(names) > 0 && !slices.Contains(names, d.env.Name) {
			continue
		}
		told[key] = true
		w.alarm(d.env, err)
	}
}

// beats sends a sign of life to each monitor, as long as all databases that have it are fresh. The environments of a pattern may
// share a monitor: one of them that is well must not hide the others.
func (w *Watch) beats(now instant) {
	if !w.beat.due(now) || w.options.Once {
		return
	}
	w.beat.set(now, beatPause)
	first := map[string]*database{}
	stale := map[string]bool{}
	for _, d := range w.databases {
		if d.env.Ping == "" || d.expected {
			continue
		}
		if first[d.env.Ping] == nil {
			first[d.env.Ping] = d
		}
		stale[d.env.Ping] = stale[d.env.Ping] || !w.fresh(d, now)
	}
	for ping, d := range first {
		if !stale[ping] {
			env, line := d.env, fmt.Sprintf("watched, %s behind", report.Elapsed(d.behind(now)))
			w.message(func(ctx context.Context) { w.tellAlive(ctx, env, line) })
		}
	}
}

// behind returns how far the snapshots of a database are behind it.
func (d *database) behind(now instant) time.Duration { return max(0, now.wall.Sub(d.stored)) }

// fresh reports whether a database is stored and not far behind, and its rounds are confirmed.
func (w *Watch) fresh(d *database, now instant) bool {
	limit := max(alarmIntervals*d.every, leastAlarm)
	return d.taken && d.fault == nil && d.complaint.kind == "" && d.behind(now) < limit && now.since-w.confirmedAt.since < limit+w.confirm
}

// message has something told to a monitor, when it is its turn.
func (w *Watch) message(tell func(context.Context)) {
	if len(w.messages.waiting) < mostMessages {
		w.messages.waiting = append(w.messages.waiting, tell)
	}
}

// sendMessages starts messages that wait.
func (w *Watch) sendMessages() {
	m := &w.messages
	for len(m.waiting) > 0 && m.running < messagesAtOnce {
		tell := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.running++
		w.apart(func() func() {
			_ = site.Caught(func() error { tell(w.work); return nil }) // it has told of its own errors
			return func() { m.running-- }
		})
	}
}

// tellFailure runs the command on failure of an environment, and pings its monitor.
func tellFailure(ctx context.Context, s *session.Session, env *config.Environment, err error) {
	limit := env.FailureLimit(ctx)
	if e := monitor.RunHook(ctx, s.Caller, env, "on_failure", env.OnFailure, limit, monitor.FailureVariables(err)); e != nil {
		s.Warn("%s: %v", env.Name, e)
	}
	monitor.NewPing(s.Caller, env).Failed(ctx, err)
}

// tellAlive pings the monitor of an environment.
func tellAlive(ctx context.Context, s *session.Session, env *config.Environment, line string) {
	if err := monitor.NewPing(s.Caller, env).Beat(ctx, line); err != nil {
		s.Detail("%s: the monitor was not told: %v", env.Name, err)
	}
}
