package cmd

import (
	"fmt"
	"strings"

	"firn/outcome"
	"firn/snapshot"
)

// grouping is a list of names of properties. Snapshots with the same properties make a group.
type grouping []string

// parseGrouping reads names of properties, separated by commas.
func parseGrouping(list string) (grouping, error) {
	if list == "" {
		return nil, nil
	}
	g := grouping(strings.Split(list, ","))
	for _, name := range g {
		if _, ok := property(&snapshot.Snapshot{}, name); !ok {
			return nil, outcome.Usage("Group by environment, database, host or tags, or several of them with commas between.",
				"--group-by: snapshots have no %q", name)
		}
	}
	return g, nil
}

// property returns the property of a snapshot with a name, as text, and whether snapshots have such a property.
func property(s *snapshot.Snapshot, name string) (text string, ok bool) {
	switch name {
	case "environment":
		return s.Environment, true
	case "database":
		return s.Database, true
	case "host":
		return s.Host, true
	case "tags":
		return s.Tags.String(), true
	}
	return "", false
}

// snapshotGroup is a group of snapshots with the same properties, in JSON.
type snapshotGroup struct {
	Key       map[string]string `json:"group_key"`
	Snapshots []snapshotMessage `json:"snapshots"`

	title string
	list  []*snapshot.Snapshot
}

// groups divides snapshots into groups, in the order of their first snapshots.
func (g grouping) groups(list []*snapshot.Snapshot) []*snapshotGroup {
	found := make(map[string]*snapshotGroup)
	var groups []*snapshotGroup
	for _, s := range list {
		key, title := make(map[string]string), make([]string, 0, len(g))
		for _, name := range g {
			key[name], _ = property(s, name)
			title = append(title, name+" "+key[name])
		}
		text := strings.Join(title, "\x00") // no name has this character
		if found[text] == nil {
			found[text] = &snapshotGroup{Key: key, title: strings.Join(title, ", ")}
			groups = append(groups, found[text])
		}
		found[text].list = append(found[text].list, s)
		found[text].Snapshots = append(found[text].Snapshots, newSnapshotMessage(s))
	}
	return groups
}

// printGroups prints groups of snapshots, each below a title.
func (s *opened) printGroups(groups []*snapshotGroup) error {
	if s.json {
		return s.printJSON(groups)
	}
	for i, g := range groups {
		if _, err := fmt.Fprintf(s.stdout, "%s%s\n", strings.Repeat("\n", min(i, 1)), inLine(g.title)); err != nil {
			return err
		}
		if err := s.printSnapshots(g.list); err != nil {
			return err
		}
	}
	return nil
}
