package cmd

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/answer"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
	"firn/upkeep"
)

// checkOptions are the flags of check.
type checkOptions struct {
	readData, repair        bool
	subset                  string
	forgetLost, yes, dryRun bool
	accept                  bool
}

func newCheck(c *cli) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for damage in the repository, and repair it",
		Long: `Verifies that the repository has all data that its snapshots need. Backups may run
meanwhile. The check changes nothing; it only records for "firn status" when every byte
was read.

With --read-data, firn reads and decrypts every byte and compares it with its
checksum. Only this finds all damage of a disk. If reading is expensive, use
--read-data-subset to read a part: 1/7 to 7/7, one each day, read all of it in a week. 5% is
one pack at least. The last line says how much was read.

With --repair, firn then shows the damage that it can repair and the data that is lost,
and asks. It restores damaged objects from copies on this host. It saves the sound parts
of damaged packs and marks these packs for deletion, so that backups store their data
anew, and prune works. Snapshots that cannot be restored stay, since a backup may heal
them:

  firn check --repair
  firn backup --all --force-scan
  firn check --repair --forget-lost

This host remembers the snapshots that it has stored. If the repository shows fewer, or
is another repository, every command warns and ends with exit code 13, until
--accept-rollback is given.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.check(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.readData, "read-data", false, "read and verify every byte")
	f.StringVar(&o.subset, "read-data-subset", "", "read and verify a `part`: 2/7 is the second of seven, 5% a random part")
	f.BoolVar(&o.repair, "repair", false, "read and verify every byte, then repair the damage")
	f.BoolVar(&o.forgetLost, "forget-lost", false, "with --repair, forget snapshots that are lost")
	f.BoolVar(&o.yes, "yes", false, "with --repair, do not ask")
	f.BoolVar(&o.dryRun, "dry-run", false, "with --repair, only show what would be done")
	f.BoolVar(&o.accept, "accept-rollback", false, "accept that snapshots of this host are missing")
	c.addJSONFlag(cmd)
	return cmd
}

// check runs the command.
func (c *cli) check(ctx context.Context, o checkOptions) error {
	if !o.repair && (o.forgetLost || o.yes || o.dryRun) {
		return outcome.Usage("", "check: --forget-lost, --yes and --dry-run need --repair")
	}
	if o.repair && !o.yes && !o.dryRun && !c.interactive() {
		return outcome.Usage("Look with --dry-run, then give --yes.", "check --repair: nobody can be asked, this is not a terminal")
	}
	subset, err := o.chosen()
	if err != nil {
		return err
	}
	s, err := c.open(ctx, session.OpenOptions{Repairing: o.repair, Accepting: o.accept})
	if err != nil {
		return err
	}
	defer s.Close()
	if o.accept {
		if err := s.AcceptRollback(ctx); err != nil {
			return err
		}
		s.Done("From now on, this host compares %s with what is there now", s.Place)
	}
	if o.repair {
		return s.repair(ctx, o)
	}
	result, err := upkeep.Check(ctx, s.Session, upkeep.CheckOptions{ReadData: o.readData, Subset: subset, ReadSome: strings.HasSuffix(o.subset, "%")})
	if result == nil {
		return err
	}
	return cmp.Or(s.reportCheck(result, o.readData || subset != nil, false), err)
}

// chosen returns the packs that --read-data-subset names, nil if the flag is not given.
func (o checkOptions) chosen() (upkeep.Subset, error) {
	switch {
	case o.subset == "":
		return nil, nil
	case o.readData || o.repair:
		return nil, outcome.Usage("", "check: --read-data and --repair read everything: they do not go with --read-data-subset")
	}
	chosen, ok := upkeep.ParseSubset(o.subset)
	if !ok {
		return nil, outcome.Usage("Write 2/7 for the second of seven parts, or 5% for some of them.", "--read-data-subset %q is not a part", o.subset)
	}
	return chosen, nil
}

// checkMessage is the outcome of a check in JSON.
type checkMessage struct {
	Type      string            `json:"message_type"` // "summary", or "check" within a repair
	ReadData  bool              `json:"read_data"`
	Read      int64             `json:"read"` // bytes that were read, with read_data
	Findings  []findingInfo     `json:"findings"`
	Snapshots int               `json:"snapshots"`
	Packs     int               `json:"packs"`
	Blobs     int               `json:"blobs"`
	Size      int64             `json:"size"`
	Rollbacks []answer.Rollback `json:"set_back"`
}

// findingInfo is a damage in JSON.
type findingInfo struct {
	Damage       string   `json:"damage"`
	Environments []string `json:"environments"`
	Snapshots    []string `json:"snapshots"` // that cannot be restored
}

// reportCheck prints the findings of a check. Within a repair, its message in JSON is not the summary.
func (s *opened) reportCheck(result *repo.CheckResult, readData, within bool) error {
	if s.json {
		return s.printJSON(newCheckMessage(result, readData, within))
	}
	if len(result.Findings) > 0 {
		s.reportFindings(result.Findings)
		return nil
	}
	how := "structure only, --read-data reads every byte"
	if readData {
		how = "every byte was read"
	}
	if readData && result.Read < result.Bytes {
		how = report.Size(result.Read) + " of that was read"
	}
	s.Done("No damage found in %s, %s, %s (%s)", report.Plural(result.Snapshots, "snapshot"), report.Plural(result.Packs, "pack"), report.Size(result.Bytes), how)
	return nil
}

// newCheckMessage fills a [checkMessage].
func newCheckMessage(result *repo.CheckResult, readData, within bool) checkMessage {
	m := checkMessage{
		Type: "summary", ReadData: readData, Read: result.Read, Findings: []findingInfo{}, Rollbacks: []answer.Rollback{},
		Snapshots: result.Snapshots, Packs: result.Packs, Blobs: result.Blobs, Size: result.Bytes,
	}
	if within {
		m.Type = "check"
	}
	for _, f := range result.Findings {
		m.Findings = append(m.Findings, newFinding(f))
	}
	for _, b := range result.Rollbacks {
		m.Rollbacks = append(m.Rollbacks, *answer.NewRollback(b))
	}
	return m
}

// newFinding fills a [findingInfo].
func newFinding(f repo.Finding) findingInfo {
	info := findingInfo{Damage: f.Err.Error(), Environments: []string{}, Snapshots: []string{}}
	info.Environments = append(info.Environments, session.Environments(f.Snapshots)...)
	for _, s := range f.Snapshots {
		info.Snapshots = append(info.Snapshots, s.ID.String())
	}
	return info
}

// reportFindings prints each damage, then the snapshots that it has hit.
func (s *opened) reportFindings(findings []repo.Finding) {
	var hit []*snapshot.Snapshot
	for _, f := range findings {
		s.printMessage(s.stderr, "firn: finding: ", "%v", f.Err)
		for _, snap := range f.Snapshots {
			if !slices.Contains(hit, snap) {
				hit = append(hit, snap)
			}
		}
	}
	s.reportLost(hit)
}

// reportLost prints the snapshots that cannot be restored, by environment.
func (s *opened) reportLost(lost []*snapshot.Snapshot) {
	for _, env := range session.Environments(lost) {
		own := session.Filter(lost, snapshot.Filter{Environment: env})
		s.printMessage(s.stderr, "firn: cannot be restored: ", "%s of %s: %s", report.Plural(len(own), "snapshot"), env, s.ShortList(own))
	}
}
