package session

import (
	"context"
	"io"
	"sync"
	"time"

	"firn/report"
	"firn/snapshot"
	"firn/store"
)

// Caller is the program that works with repositories: its clock, its environment variables, and what it was told beyond
// the configuration.
type Caller struct {
	*report.Reporter
	Settings Settings
	Getenv   func(string) string // of environment variables; nothing is read past it
	Now      func() time.Time
	Zone     *time.Location // of times in messages
	Silence  time.Duration  // for how long a source may not answer
	Tool     string         // name and version, for records and for servers

	Input         io.Reader                                     // what "-" stands for in place of a key file
	CommandOutput io.Writer                                     // where the commands of a configuration write
	HookOutput    io.Writer                                     // where the commands around a backup write; nil keeps their output back until one fails
	HookFailed    func(environment, hook string, output []byte) // shows output that was kept back

	// askPassword asks a person for a password. It is nil where no person can be asked.
	AskPassword func(ctx context.Context, prompt string) (string, error)

	Kinds []store.Kind // the kinds of places that the program can use, beside folders

	told told
}

// WithReporter returns the same program with another reporter. What was told to one of them may be told to the other again.
func (c *Caller) WithReporter(r *report.Reporter) *Caller {
	return &Caller{
		Reporter: r, Settings: c.Settings, Getenv: c.Getenv, Now: c.Now, Zone: c.Zone, Silence: c.Silence, Tool: c.Tool, Input: c.Input,
		CommandOutput: c.CommandOutput, HookOutput: c.HookOutput, HookFailed: c.HookFailed, AskPassword: c.AskPassword, Kinds: c.Kinds,
	}
}

// Settings come before what the environment and the configuration say. Empty ones are not given.
type Settings struct {
	Config          string
	Repository      string
	KeyFile         string
	PasswordFile    string
	PasswordCommand string
	Password        string
	CacheDir        string
	CacheSize       string
	LimitUpload     string
	LimitDownload   string
	NoCache         bool
	NoConfig        bool   // read no configuration file unless Config names one
	Origin          string // is what messages call these settings; "" for "the flags"
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
