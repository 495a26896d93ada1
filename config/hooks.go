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
	// A command around a backup is killed after so long, unless hook_timeout says
	// otherwise: one that hangs would keep all later runs from starting.
	hookTimeout = 10 * time.Minute
	// After an interrupt somebody waits for the end, who could not end it any sooner.
	InterruptedTimeout = 5 * time.Second
	// So long is waited for output of processes that a command has left running.
	HookGrace = time.Second
	// So much of a command's output is shown with --quiet, when it fails.
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

// FailureLimit is for OnFailure, after which nothing else is done.
func (e *Environment) FailureLimit(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return min(e.HookLimit(), InterruptedTimeout)
	}
	return e.HookLimit()
}

// checkHooks refuses what cannot be run or asked for.
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

// ParsePing reads the address of a monitor. Its errors do not show the address, which is a secret.
func ParsePing(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, errors.New("it is no address of the web") // the error itself repeats it, and it is a secret
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("want an address that starts with https:// or http://")
	}
	return u, nil
}
