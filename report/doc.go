// Package report passes on what a run has to say beside its result, and writes quantities for people.
package report
