package cmd

import (
	"fmt"
	"strings"

	"firn/outcome"
	"firn/snapshot"
)

// grouping is what snapshots are put together by: names of their properties.
type grouping []string

// property returns what a snapshot has of a name, as text, and whether there is such a
// property.
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

// parseGrouping reads names with commas between them.
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

// snapshotGroup is some snapshots that have the same properties, in JSON.
type snapshotGroup struct {
	Key       map[string]string `json:"group_key"`
	Snapshots []snapshotMessage `json:"snapshots"`

	title string
	list  []*snapshot.Snapshot
}

// groups returns the groups in the order of their first snapshots.
func (g grouping) groups(list []*snapshot.Snapshot) []*snapshotGroup {
	found := make(map[string]*snapshotGroup)
	var groups []*snapshotGroup
	for _, s := range list {
		key, title := make(map[string]string), make([]string, 0, len(g))
		for _, name := range g {
			key[name], _ = property(s, name)
			title = append(title, name+" "+key[name])
		}
		text := strings.Join(title, "\x00") // which no name has
		if found[text] == nil {
			found[text] = &snapshotGroup{Key: key, title: strings.Join(title, ", ")}
			groups = append(groups, found[text])
		}
		found[text].list = append(found[text].list, s)
		found[text].Snapshots = append(found[text].Snapshots, newSnapshotMessage(s))
	}
	return groups
}

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
