// Package outcome says how a run ends: its exit code, and what a person can do about an error.
package outcome
