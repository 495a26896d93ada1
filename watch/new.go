package watch

import (
	"context"
	"os"
	"time"

	"firn/backup"
	"firn/config"
	"firn/repo"
	"firn/session"
	"firn/site"
)

// New returns a watch of the databases of a configuration. The session must stay open until [Watch.Run] has returned.
func New(s *session.Session, o Options) *Watch {
	p := partsOf(s)
	p.chores = choresOf(s, o.CopyKeyFile)
	r := &reporter{s: s}
	p.writeReport, p.closeReport = r.write, r.close
	return newWatch(s.Conf, p, o)
}

// partsOf returns the parts of a watch that works with an open repository.
func partsOf(s *session.Session) parts {
	return parts{
		clock: newClock(s.Now), zone: s.Zone, host: session.HostName(),
		newRounds:   func(ctx context.Context) (rounds, error) { return beginRounds(ctx, s) },
		newFollower: func(env *config.Environment) Follower { return newFollower(s, env) },
		lock:        func(env *config.Environment) (func(), error) { return lockFor(s, env) },
		sizeOf:      s.SizeOf,
		member:      func(d *database, now time.Time) repo.RoundMember { return memberOf(s, d, now) },
		takeBase:    func(ctx context.Context, m repo.RoundMember) (*repo.BackupResult, error) { return takeBase(ctx, s, m) },
		putAlive:    s.Repo.PutAlive,
		chores:      choresOf(s, ""),
		freeSpace:   func(ctx context.Context) error { return freeSpace(ctx, s) },
		tellFailure: func(ctx context.Context, env *config.Environment, err error) { tellFailure(ctx, s, env, err) },
		tellAlive:   func(ctx context.Context, env *config.Environment, line string) { tellAlive(ctx, s, env, line) },
		requests:    s.Requests,
		repository:  s.Place.String(),
		pid:         os.Getpid(),
		notifier:    newNotifier(s.Caller),
		expand:      expand,
		settingsOf:  settingsOf,
		intervalOf:  intervalOf,
		peekEvery:   peekEvery,
		foldersOf:   patternFolders,
		folderTime:  folderTime,
	}
}

// beginRounds begins to take rounds.
func beginRounds(ctx context.Context, s *session.Session) (rounds, error) {
	r, err := s.Repo.NewRounds(ctx)
	if err != nil {
		return nil, err // and no interface that holds a nil
	}
	return r, nil
}

// lockFor takes the lock of the backups of an environment.
func lockFor(s *session.Session, env *config.Environment) (func(), error) {
	j, err := backup.NewJob(s.Conf, env, backup.Options{})
	if err != nil {
		return nil, err
	}
	l, err := j.Lock(s)
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}

// memberOf returns a database as a member of a round.
func memberOf(s *session.Session, d *database, now time.Time) repo.RoundMember {
	j, err := backup.NewJob(s.Conf, d.env, backup.Options{Time: d.notBefore(now)})
	if err != nil {
		return repo.RoundMember{Source: func(context.Context) (repo.SourceImage, error) { return nil, err }}
	}
	reading := j.Reading(s)
	if !d.basing { // the others of its round wait for it
		reading.BusyTimeout = patience
	}
	source := d.follower.Source(reading)
	options := j.Engine(s, func(size int64) bool { return d.wholes.may(s.Now(), size) })
	options.IfChanged = true // a sign of life tells of what is unchanged
	return repo.RoundMember{Source: guarded(source), Options: options}
}

// notBefore returns the time for the next snapshot of a database: zero, for now, unless the clock was set back a little. Then it is
// that of the snapshot before, so that the order of the snapshots is that of their times. A snapshot that is far ahead of now was
// dated by a wrong clock, and is not followed, as in a backup.
func (d *database) notBefore(now time.Time) time.Time {
	if d.latest == nil || !d.latest.Time.After(now) || d.latest.Ahead(now) {
		return time.Time{}
	}
	return d.latest.Time.Add(time.Microsecond) // the precision of records
}

// guarded returns a source whose panic is an error.
func guarded(source repo.Source) repo.Source {
	return func(ctx context.Context) (image repo.SourceImage, err error) {
		err = site.Caught(func() (err error) { image, err = source(ctx); return err })
		return image, err
	}
}

// storedImage is an image that wants to know that it was stored.
type storedImage interface{ Stored() }

// takeBase stores a database by a backup, and tells its image, as a round does.
func takeBase(ctx context.Context, s *session.Session, m repo.RoundMember) (*repo.BackupResult, error) {
	var last repo.SourceImage
	source := func(ctx context.Context) (repo.SourceImage, error) {
		image, err := m.Source(ctx)
		last = image
		return image, err
	}
	result, err := s.Repo.Backup(ctx, source, m.Options)
	if err != nil {
		return nil, err
	}
	if image, ok := last.(storedImage); ok {
		image.Stored()
	}
	return result, nil
}

// folderTime returns when files were added to a folder last, or removed; zero for a folder that cannot be looked at.
func folderTime(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
