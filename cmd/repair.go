package cmd

import (
	"context"
	"fmt"
	"strings"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/snapshot"
)

// repairMessage is the outcome of check --repair in JSON; a message of the type
// "check" comes before it.
type repairMessage struct {
	Type      string   `json:"message_type"` // "summary"
	DryRun    bool     `json:"dry_run"`
	PutBack   []string `json:"put_back"`
	Packs     []string `json:"packs_condemned"`
	Copied    int64    `json:"copied"`
	Plans     []string `json:"plans_replaced"`
	Deleted   []string `json:"deleted"`
	Left      []string `json:"left"`
	Lost      []string `json:"lost"`      // snapshots that cannot be restored
	Forgotten []string `json:"forgotten"` // of them
}

// repair checks, shows what can be done, asks, and does it.
func (s *opened) repair(ctx context.Context, o checkOptions) error {
	l, err := s.Lock("repair")
	if err != nil {
		return err
	}
	defer l.Release()
	b := s.progress("check", 0)
	d, err := s.Repo.Diagnose(ctx, b.SetTotal)
	b.Done()
	if err != nil {
		return fmt.Errorf("check %s: %w", s.Place, err)
	}
	if err := s.tellCheck(d.Check, true, true); err != nil {
		return err
	}
	act := d.Repairs() || o.forgetLost && len(d.Lost) > 0
	if act {
		s.describeRepair(d, o)
	}
	result := &repo.RepairResult{}
	if act && !o.dryRun {
		if err := s.confirm(ctx, o.yes, "check --repair"); err != nil {
			return err
		}
		if result, err = s.Repo.Repair(ctx, d, repo.RepairOptions{ForgetLost: o.forgetLost}); err != nil {
			return fmt.Errorf("%w: run it again, it goes on where this one stopped", err)
		}
	}
	return s.tellRepair(d, result, o, act)
}

// describeRepair shows what will be done, and what is lost by that: with --quiet,
// too, if somebody is going to be asked.
func (s *opened) describeRepair(d *repo.Diagnosis, o checkOptions) {
	var b strings.Builder
	line := func(action, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s"+format+"\n", append([]any{action}, args...)...)
	}
	for _, name := range d.PutBack {
		line("put back", "%s, of which this host has a sound copy", name)
	}
	for _, name := range d.Packs {
		line("condemn", "%s: nothing new relies on it, a later prune deletes it", name)
	}
	if d.Copied > 0 {
		line("save", "%s of what is sound in damaged packs, and needed", report.Size(d.Copied))
	}
	for _, name := range d.Plans {
		line("replace", "%s. What it condemned is not known: go on only if no other firn", name)
		line("", "uses this repository now, on any host, not even one that is suspended")
	}
	for _, name := range d.Deleted {
		what := "damaged beyond repair"
		if id, ok := snapshot.ParseNoteName(name); ok {
			what = fmt.Sprintf(`what it told of snapshot %s is lost, "firn verify" finds it out again`, id.Short())
		}
		if id, ok := snapshot.ParseObjectName(name); ok {
			what = fmt.Sprintf("snapshot %s is LOST by that. Another host that has listed it may", id.Short())
		}
		line("delete", "%s: %s", name, what)
		if strings.HasSuffix(what, "may") {
			line("", "have a copy of the record: then run this there first")
		}
	}
	for _, name := range d.Left {
		line("leave", "%s: it cannot be repaired here", name)
	}
	for _, env := range session.Environments(d.Lost) {
		own := session.Filter(d.Lost, snapshot.Filter{Environment: env})
		if o.forgetLost {
			line("FORGET", "%s of %s: %s", report.Plural(len(own), "snapshot"), env, s.ShortList(own))
		} else {
			line("keep", "%s of %s that cannot be restored: a backup may heal them", report.Plural(len(own), "snapshot"), env)
		}
	}
	if o.yes || s.json {
		s.note("To repair, firn will:")
		for text := range strings.Lines(b.String()) {
			s.note("%s", text)
		}
	} else {
		fmt.Fprintf(s.stderr, "To repair, firn would:\n%s", b.String())
	}
}

// tellRepair tells what was done, and what is left to do.
func (s *opened) tellRepair(d *repo.Diagnosis, result *repo.RepairResult, o checkOptions, act bool) error {
	m := repairMessage{
		Type: "summary", DryRun: o.dryRun, PutBack: list(d.PutBack), Packs: list(d.Packs), Copied: d.Copied,
		Plans: list(d.Plans), Deleted: list(d.Deleted), Left: list(d.Left), Lost: ids(d.Lost), Forgotten: ids(result.Forgotten),
	}
	if s.json {
		if err := s.printJSON(m); err != nil {
			return err
		}
	}
	switch {
	case o.dryRun && act:
		s.Done("Dry run: nothing was changed")
		return s.damage(len(d.Check.Findings), "Without --dry-run it is done.")
	case act:
		s.Done("Repaired: %s put back, %s condemned, %s saved, %s deleted, %s forgotten",
			report.Plural(len(result.PutBack), "object"), report.Plural(result.Condemned, "pack"), report.Size(result.Copied),
			report.Plural(len(result.Deleted), "object"), report.Plural(len(result.Forgotten), "snapshot"))
	}
	switch lost := len(d.Lost) - len(result.Forgotten); {
	case lost > 0:
		return outcome.New(fmt.Errorf("check %s: %w: %s cannot be restored", s.Place, outcome.ErrDamage, report.Plural(lost, "snapshot")), outcome.CodeDamage, hintHeal)
	case len(d.Left) > 0:
		return s.damage(len(d.Left), "Put the named objects back from a copy of the repository, or run this on another host that has used it.")
	}
	return nil
}

// list returns names as JSON shall show them: never null.
func list(names []string) []string { return append([]string{}, names...) }

func ids(snapshots []*snapshot.Snapshot) []string {
	all := []string{}
	for _, s := range snapshots {
		all = append(all, s.ID.String())
	}
	return all
}
