package cmd

import (
	"context"
	"io"
	"sync"
	"time"

	"firn/snapshot"
)

// caller is the program that works with repositories: its clock, its environment variables, and what it was told beyond
// the configuration.
type caller struct {
	*reporter
	settings settings
	getenv   func(string) string // of environment variables; nothing is read past it
	now      func() time.Time
	zone     *time.Location // of times in messages
	silence  time.Duration  // for how long a source may not answer
	tool     string         // name and version, for records and for servers

	input         io.Reader                                     // what "-" stands for in place of a key file
	commandOutput io.Writer                                     // where the commands of a configuration write
	hookOutput    io.Writer                                     // where the commands around a backup write; nil keeps their output back until one fails
	hookFailed    func(environment, hook string, output []byte) // shows output that was kept back

	// askPassword asks a person for a password. It is nil where no person can be asked.
	askPassword func(ctx context.Context, prompt string) (string, error)

	remotes []remote // the kinds of places that the program can use, beside folders

	told told
}

// settings come before what the environment and the configuration say. Empty ones are not given.
type settings struct {
	config          string
	repository      string
	keyFile         string
	passwordFile    string
	passwordCommand string
	cacheDir        string
	cacheSize       string
	limitUpload     string
	limitDownload   string
	noCache         bool
}

// told remembers which snapshots a caller was warned of, so that each warning comes once.
type told struct {
	mu    sync.Mutex
	ahead map[snapshot.ID]bool // later than now
}

// first reports which snapshots of a list are told for the first time.
func (t *told) first(list []*snapshot.Snapshot) (news []*snapshot.Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range list {
		if !t.ahead[s.ID] {
			if t.ahead == nil {
				t.ahead = make(map[snapshot.ID]bool)
			}
			t.ahead[s.ID] = true
			news = append(news, s)
		}
	}
	return news
}
