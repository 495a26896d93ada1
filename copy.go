package firn

import (
	"context"

	"firn/replicate"
)

// CopyOptions say what is copied to another repository. The zero value copies every snapshot that is not there yet.
type CopyOptions struct {
	Environments []string // nil for all
	Latest       int      // only so many of the newest of each environment and database; 0 for all
	Keep         Keep     // copy only what this policy would keep in the target; zero for everything
	Prune        bool     // then forget in the target what the policies do not keep, and free its space there
	DryRun       bool     // write nothing
}

// CopyResult says what was copied. Its snapshots are records of the target.
type CopyResult = replicate.Result

// CopyTo copies snapshots to another repository, which has a key of its own and may be anywhere. Snapshots that are there already are
// passed over, so that an interrupted copy goes on where it was. A result may come with an error: then it says what
// was done before.
func (r *Repository) CopyTo(ctx context.Context, target *Repository, o CopyOptions) (*CopyResult, error) {
	return replicate.Copy(ctx, r.with(), target.with(), replicate.Options{
		Names: o.Environments, Latest: o.Latest, Keep: rules(o.Keep), Prune: o.Prune, DryRun: o.DryRun,
	})
}
