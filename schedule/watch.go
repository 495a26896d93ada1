package schedule

import (
	"firn/config"
	"firn/outcome"
)

// watchName is the word in the name of the unit of a watch.
const watchName = "watch"

// watchUnit has the values for the template of a watch.
type watchUnit struct {
	service
	Descriptors int // that the process may have open
	UsageCode   int
}

// WatchUnit returns the one unit that takes the place of all others: a service that follows the databases. A watch applies
// retention, frees space, verifies and copies by itself.
func (s *Schedule) WatchUnit() (Unit, error) {
	args := []string{"watch", "--all"}
	var envs []*config.Environment
	if s.named {
		args = args[:1]
	}
	for _, b := range s.Backups {
		envs = append(envs, b.env)
		if s.named {
			args = append(args, b.Name)
		}
	}
	v := watchUnit{s.service(unitName(watchName), "firn watch", envs, s.exec(args...)), s.descriptors(), outcome.CodeUsage}
	s.addTarget(&v.service)
	if spool := s.conf.Watch.SpoolDir; spool != "" {
		v.letWrite(spool)
	}
	v.File += ".service"
	text, err := render("watch", v)
	return Unit{v.File, text}, err
}

// descriptors returns how many files a watch may have open: three for each database that it holds, for four times as many databases as
// there are, and never less than what 10,000 databases take.
func (s *Schedule) descriptors() int {
	const perDatabase, least, beside = 3, 10_000, 2_000
	return beside + perDatabase*max(least, 4*len(s.conf.All().Environments))
}
