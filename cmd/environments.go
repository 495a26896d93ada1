package cmd

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/config"
	"firn/outcome"
	"firn/report"
	"firn/session"
)

// takePaths lets a person name an environment by the path of its database, for all commands with environments as arguments.
// Some commands need an environment of the configuration, others take any environment that has snapshots.
func (c *cli) takePaths(root *cobra.Command) {
	needConfigured := []string{backupName, "undo", "schedule"}
	takeAny := []string{"snapshots", "status", "restore", "verify", "forget", "copy", "stats"}
	for _, cmd := range root.Commands() {
		configured := slices.Contains(needConfigured, cmd.Name())
		if run := cmd.RunE; configured || slices.Contains(takeAny, cmd.Name()) {
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				args, err := c.environmentsOf(args, configured)
				if err != nil {
					return err
				}
				return run(cmd, args)
			}
		}
	}
}

// environmentsOf replaces the paths among arguments by the names of the environments. A path that is the database of no
// configured environment may be the name of another environment, which has snapshots. It stays as it is unless configured is
// true.
func (c *cli) environmentsOf(args []string, configured bool) ([]string, error) {
	if !slices.ContainsFunc(args, isPath) {
		return args, nil
	}
	conf, err := c.program.LoadConfig()
	if err != nil {
		return nil, err
	}
	names := slices.Clone(args)
	for i, arg := range args {
		if !isPath(arg) || conf.Knows(arg) {
			continue
		}
		path, err := filepath.Abs(arg)
		if err != nil {
			return nil, err
		}
		path = config.RealPath(path)
		switch owners := conf.Owners(path); {
		case len(owners) > 1:
			several := (&config.Listing{Environments: owners}).Names()
			return nil, outcome.Usage("Name one of them.", "%s is the database of several environments: %s", arg, strings.Join(several, ", "))
		case len(owners) == 1:
			names[i] = owners[0].Name
		case configured:
			return nil, outcome.Usage(fmt.Sprintf("Give the name of an environment. Without one: firn backup --database %s --env NAME.", report.QuoteWord(arg)),
				"%s is the database of no environment", arg)
		}
	}
	return names, nil
}

// isPath reports whether an argument looks like a path and not like a name.
func isPath(arg string) bool {
	return strings.ContainsRune(arg, filepath.Separator) || strings.HasSuffix(arg, ".db") || strings.Contains(arg, ".sqlite")
}

// takeSnapshot lets "firn restore ID" mean a snapshot, in the place of the environment that it is of, and so does
// "firn restore --snapshot ID" alone.
func (r *restoration) takeSnapshot(ctx context.Context) error {
	o := &r.options
	ref := cmp.Or(o.Environment, o.Snapshot)
	switch {
	case ref == "" || o.Undo || o.BeforeSchema != nil || o.Environment != "" && o.Snapshot != "":
		return nil
	case o.Environment == "" && (o.From != "" || o.Target != ""), !session.IsReference(r.Conf, nil, ref):
		return nil
	case o.From != "" || o.Target != "":
		o.Environment, o.Snapshot = "", ref
		return nil
	}
	if !session.MeansSnapshot(ref) {
		return outcome.Usage("Name the environment: firn restore ENV "+session.Flag(ref)+".", "restore: %s could be any environment's", session.Flag(ref))
	}
	if err := r.openStarted(ctx); err != nil {
		return err
	}
	known, err := r.Catalog(ctx)
	if err != nil {
		return err
	}
	if !session.IsReference(r.Conf, known.All, ref) {
		return nil
	}
	s, err := known.Find(known.All, ref, false)
	if err != nil {
		return err
	}
	if r.Conf.Lookup(s.Environment) == nil {
		return outcome.Usage(fmt.Sprintf("Name the file: firn restore --from %s --snapshot %s --target FILE.", report.QuoteWord(s.Environment), s.ID.Short()),
			"restore: snapshot %s is of %s, which is not configured here", s.ID.Short(), s.Environment)
	}
	o.Environment, o.Snapshot = s.Environment, s.ID.String()
	return nil
}
