package cmd

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"

	"github.com/spf13/cobra"
)

// profiles are files that show where a run spends its time and memory, for go tool pprof and go tool trace. Their flags are
// hidden, since they are for firn's developers.
type profiles struct {
	cpu, memory, trace string // paths, empty for none
	running            []profile
}

// profile is a profile that is being written.
type profile struct {
	file *os.File
	end  func(*os.File) error
}

// addFlags adds the hidden flags.
func (p *profiles) addFlags(root *cobra.Command) {
	set := root.PersistentFlags()
	for _, flag := range []struct {
		path        *string
		name, usage string
	}{
		{&p.cpu, "cpuprofile", "write a CPU profile to this `file`"},
		{&p.memory, "memprofile", "write a profile of all allocations to this `file`"},
		{&p.trace, "trace", "write an execution trace to this `file`"},
	} {
		set.StringVar(flag.path, flag.name, "", flag.usage)
		_ = set.MarkHidden(flag.name)                  // the flag exists: no error
		_ = root.MarkPersistentFlagFilename(flag.name) // likewise
	}
}

// start starts the profiles that the flags name. They are complete after stop.
func (p *profiles) start() error {
	return errors.Join(
		p.begin(p.cpu, func(f *os.File) error { return pprof.StartCPUProfile(f) },
			func(*os.File) error { pprof.StopCPUProfile(); return nil }),
		p.begin(p.trace, func(f *os.File) error { return trace.Start(f) },
			func(*os.File) error { trace.Stop(); return nil }),
		p.begin(p.memory, func(*os.File) error { return nil },
			func(f *os.File) error { runtime.GC(); return pprof.Lookup("allocs").WriteTo(f, 0) }))
}

// begin starts one profile, if it has a path.
func (p *profiles) begin(path string, begin, end func(*os.File) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if err := begin(f); err != nil {
		return errors.Join(fmt.Errorf("profile %s: %w", path, err), f.Close())
	}
	p.running = append(p.running, profile{f, end})
	return nil
}

// stop completes the profiles and closes their files.
func (p *profiles) stop() error {
	var err error
	for _, r := range p.running {
		err = errors.Join(err, r.end(r.file), r.file.Close())
	}
	p.running = nil
	return err
}
