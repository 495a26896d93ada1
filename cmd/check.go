package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"firn/repo"
	"firn/snapshot"
)

// errDamage is the outcome of a check that found some.
var errDamage = errors.New("the repository is damaged")

func newCheck(c *cli) *cobra.Command {
	var readData bool
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Look for damage in the repository",
		GroupID: groupSpace,
		Long: `Verifies that the repository holds all that its snapshots need. Nothing is changed,
and backups may run meanwhile. With --read-data every byte is read, decrypted and
compared with its checksum: the only way to notice all damage done by a disk.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			return s.check(cmd.Context(), readData)
		},
	}
	cmd.Flags().BoolVar(&readData, "read-data", false, "read and verify every byte")
	c.addJSONFlag(cmd)
	return cmd
}

// checkMessage is the outcome in JSON.
type checkMessage struct {
	Type      string        `json:"message_type"` // "summary"
	ReadData  bool          `json:"read_data"`
	Findings  []findingInfo `json:"findings"`
	Snapshots int           `json:"snapshots"`
	Packs     int           `json:"packs"`
	Blobs     int           `json:"blobs"`
	Size      int64         `json:"size"`
}

type findingInfo struct {
	Damage       string   `json:"damage"`
	Environments []string `json:"environments"`
	Snapshots    []string `json:"snapshots"` // that cannot be restored
}

func (s *session) check(ctx context.Context, readData bool) error {
	b := s.progress("check", 0)
	result, err := s.repo.Check(ctx, repo.CheckOptions{ReadData: readData, Progress: b.setTotal})
	b.done()
	if err != nil {
		return fmt.Errorf("check %s: %w", s.place, err)
	}
	m := checkMessage{
		Type: "summary", ReadData: readData, Findings: []findingInfo{},
		Snapshots: result.Snapshots, Packs: result.Packs, Blobs: result.Blobs, Size: result.Bytes,
	}
	for _, f := range result.Findings {
		m.Findings = append(m.Findings, newFinding(f))
	}
	if s.json {
		if err := s.printJSON(m); err != nil {
			return err
		}
	}
	if len(m.Findings) == 0 {
		how := "structure only, --read-data reads every byte"
		if readData {
			how = "every byte was read"
		}
		s.done("No damage found in %s, %s, %s (%s)", plural(m.Snapshots, "snapshot"), plural(m.Packs, "pack"), size(m.Size), how)
		return nil
	}
	if !s.json {
		s.tellFindings(result.Findings)
	}
	return &problem{fmt.Errorf("check %s: %w: %s", s.place, errDamage, plural(len(m.Findings), "finding")), exitDamage, wayOut(m.Findings)}
}

func newFinding(f repo.Finding) findingInfo {
	info := findingInfo{Damage: f.Err.Error(), Environments: []string{}, Snapshots: []string{}}
	info.Environments = append(info.Environments, environments(f.Snapshots)...)
	for _, s := range f.Snapshots {
		info.Snapshots = append(info.Snapshots, s.ID.String())
	}
	return info
}

// maxHit is how many of the snapshots that damage hits are shown.
const maxHit = 10

func (s *session) tellFindings(findings []repo.Finding) {
	var hit []*snapshot.Snapshot
	for _, f := range findings {
		fmt.Fprintf(s.stderr, "firn: finding: %v\n", f.Err)
		for _, snap := range f.Snapshots {
			if !slices.Contains(hit, snap) {
				hit = append(hit, snap)
			}
		}
	}
	for _, env := range environments(hit) {
		own := filter(hit, snapshot.Filter{Environment: env})
		fmt.Fprintf(s.stderr, "firn: cannot be restored: %s of %s: %s\n", plural(len(own), "snapshot"), env, s.shortList(own))
	}
}

func (s *session) shortList(hit []*snapshot.Snapshot) string {
	var parts []string
	for _, snap := range hit[:min(len(hit), maxHit)] {
		parts = append(parts, fmt.Sprintf("%s (%s)", snap.ID.Short(), s.when(snap.Time)))
	}
	if more := len(hit) - maxHit; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// wayOut says what to do: damage of the past cannot be undone here, but the next
// backups can be made sound.
func wayOut(findings []findingInfo) string {
	hit := slices.ContainsFunc(findings, func(f findingInfo) bool { return len(f.Snapshots) > 0 })
	if !hit {
		return "Every readable snapshot can be restored. Check the disk; put the named objects back from a copy of the repository, if there is one."
	}
	return `Check the disk. Put the named objects back from a copy of the repository, if there is one. ` +
		`Else move the damaged packs out of its folder, but keep them, and run "firn backup --all --force-scan": ` +
		`it stores anew what the databases still hold, for older snapshots, too. Check again, and "firn forget" by ID what stays lost.`
}
