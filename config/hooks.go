package config

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	// hookTimeout is the time after which a command around a backup is killed if hook_timeout is not given. A command that hangs
	// would keep all later runs from starting.
	hookTimeout = 10 * time.Minute
	// InterruptedTimeout is the limit for a command after an interrupt. A person waits for the end of the run then and cannot
	// end it sooner.
	InterruptedTimeout = 5 * time.Second
	// HookGrace is the time to wait for output of processes that a command has left running.
	HookGrace = time.Second
	// HookOutput is the number of bytes of a failed command's output that are shown with --quiet.
	HookOutput = 64 << 10
)

// HookLimit returns the time after which a command around a backup is killed.
func (e *Environment) HookLimit() time.Duration {
	d, err := e.HookTimeout.value("hook_timeout") // validated
	if err != nil || d == 0 {
		return hookTimeout
	}
	return d
}

// FailureLimit returns the time after which the command OnFailure is killed. The time is short after an interrupt, since the
// command is the last step of a run.
func (e *Environment) FailureLimit(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return min(e.HookLimit(), InterruptedTimeout)
	}
	return e.HookLimit()
}

// checkHooks returns an error if the time limit or the monitor's address is wrong.
func (e *Environment) checkHooks() error {
	if _, err := e.HookTimeout.value("hook_timeout"); err != nil {
		return err
	}
	if e.Ping == "" {
		return nil
	}
	if _, err := ParsePing(e.Ping); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// ParsePing reads the address of a monitor. Its errors do not contain the address, since the address is a secret.
func ParsePing(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, errors.New("it is no address of the web") // err contains the address
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("want an address that starts with https:// or http://")
	}
	return u, nil
}
